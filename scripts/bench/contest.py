# A contest of one row. Every contestant first gives its answers (losses, say), which have to agree; then all are timed
# in turn, round by round, so that what else the machine does meets them alike. What is printed are ratios of times.
import statistics
from dataclasses import dataclass, field
from typing import Callable, Protocol, Sequence


class Contestant(Protocol):
    name: str

    def answers(self) -> list[float]:
        """Numbers that show that the work is the same."""

    def seconds(self) -> float:
        """Of one unit of the work, now: the median of a few."""

    def peak_mib(self) -> float:
        """Of a GPU's memory, so far; 0 on a CPU."""

    def close(self) -> None:
        """Ends what it started."""


@dataclass(frozen=True)
class Row:
    id: str
    what: str
    promise: float  # ours is at least so many times as fast as the fastest peer
    contestants: Callable[[], Sequence[Contestant]]  # ours first
    tolerance: float = 1e-4  # relative, of the answers


class Disagreement(Exception):
    pass


@dataclass
class Result:
    row: Row
    seconds: dict[str, list[float]]  # by contestant, of each round
    peaks: dict[str, float] = field(default_factory=dict)  # by contestant, MiB of a GPU

    @property
    def ours(self) -> list[float]:
        return next(iter(self.seconds.values()))

    @property
    def peers(self) -> dict[str, list[float]]:
        return dict(list(self.seconds.items())[1:])

    def ratio(self, peer: str, of: Callable[[list[float]], float]) -> float:
        return of(self.seconds[peer]) / of(self.ours)

    @property
    def fastest_peer(self) -> str:
        return min(self.peers, key=lambda name: statistics.median(self.peers[name]))

    def memory(self, peer: str) -> str:
        """Ours as a share of the peer's."""
        ours = self.peaks.get(next(iter(self.seconds)), 0.0)
        return f"{ours / self.peaks[peer]:.2f}" if ours else ""

    def spread(self, peer: str) -> tuple[float, float]:
        """Smallest and largest ratio of a round."""
        ratios = [theirs / ours for theirs, ours in zip(self.seconds[peer], self.ours)]
        return min(ratios), max(ratios)


def require_agreement(answers: dict[str, list[float]], tolerance: float) -> None:
    (ours, expected), *others = answers.items()
    for name, given in others:
        if len(given) != len(expected):
            raise Disagreement(f"{name} gives {len(given)} answers, {ours} gives {len(expected)}")
        for place, (theirs, mine) in enumerate(zip(given, expected)):
            if not abs(theirs - mine) <= tolerance * max(abs(theirs), abs(mine), 1e-12):
                raise Disagreement(f"answer {place + 1}: {ours} {mine:.8g}, {name} {theirs:.8g}")


def hold(row: Row, rounds: int, say: Callable[[str], None]) -> Result:
    contestants = row.contestants()
    try:
        require_agreement({one.name: one.answers() for one in contestants}, row.tolerance)
        result = Result(row, {one.name: [] for one in contestants})
        for number in range(rounds):
            say(f"{row.id}: round {number + 1} of {rounds}")
            for one in contestants:
                result.seconds[one.name].append(one.seconds())
        result.peaks = {one.name: one.peak_mib() for one in contestants}
        return result
    finally:
        for one in contestants:
            one.close()


HEADER = ["row", "what", "against", "by the minimum", "by the median", "of a round", "promised"]


def markdown(results: Sequence[Result]) -> str:
    on_gpu = any(any(result.peaks.values()) for result in results)
    lines = [HEADER + ["GPU memory, ours / theirs"] * on_gpu,
             [":--", ":--", ":--", "--:", "--:", "--:", "--:"] + ["--:"] * on_gpu]
    for result in results:
        for peer in result.peers:
            low, high = result.spread(peer)
            promised = f"{result.row.promise:.3g}" if peer == result.fastest_peer else ""
            lines.append([result.row.id, result.row.what, peer, f"{result.ratio(peer, min):.2f}",
                          f"{result.ratio(peer, statistics.median):.2f}", f"{low:.2f} to {high:.2f}", promised]
                         + [result.memory(peer)] * on_gpu)
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)
