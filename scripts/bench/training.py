# Iterations of a row of a config: `optdnn bench` beside the same network in PyTorch, from the same initial weights, on
# the same batches in memory, with the same optimizer. Answers are the losses of the first iterations. Where a row has
# several seeds, ours trains them at once and its time is that of a seed; the peers train the first.
import json
import pathlib
import statistics
import subprocess
from dataclasses import dataclass, field
from typing import Any

ROOT = pathlib.Path(__file__).resolve().parents[2]
PEERS = ROOT / ".venv-peers/bin/python"


@dataclass
class Work:
    """What is trained, and how much of it. `network` is a function of networks.py."""
    row: str
    network: str
    optimizer: dict[str, Any]
    config: str = "configs/bench.yaml"
    batches: int = 8
    losses: int = 10
    iterations: int = 200  # of a round
    warm_up: int = 20
    compiled: bool = True  # whether torch.compile takes part
    arguments: dict[str, Any] = field(default_factory=dict)  # of the network
    overrides: tuple[str, ...] = ()  # of the config


@dataclass(frozen=True)
class Place:
    """Where a contest is held. Answers are compared in float32; times are those of `precision`."""
    device: str = "cpu"
    precision: str = "float32"
    python: pathlib.Path = PEERS  # of the peers
    compile_mode: str = ""  # of torch.compile; empty: the device's usual one

    def mode(self) -> str:
        return self.compile_mode or ("default" if self.device == "cpu" else "reduce-overhead")


class Ours:
    name = "optdnn"

    def __init__(self, work: Work, program: pathlib.Path, folder: pathlib.Path, place: Place = Place()):
        self.work, self.program, self.folder, self.place = work, program, folder, place
        self.threads = 0
        self.peak = 0.0

    def command(self, losses: int, iterations: int, warm_up: int, *more: str) -> list[str]:
        work = self.work
        words = [self.program, "bench", ROOT / work.config, "--row", work.row, "--json", "--batches", work.batches,
                 "--losses", losses, "--iterations", iterations, "--warm-up", warm_up, "--device", self.place.device,
                 *(word for text in work.overrides for word in ("--set", text)), *more]
        return list(map(str, words))

    def run(self, losses: int, iterations: int, warm_up: int, *more: str) -> dict[str, Any]:
        done = subprocess.run(self.command(losses, iterations, warm_up, *more), capture_output=True, text=True)
        report = json.loads(done.stdout)[0] if done.stdout else {"error": done.stderr}
        if "error" in report:
            raise RuntimeError(f"optdnn bench: {report['error']}")
        return report

    def answers(self) -> list[float]:
        report = self.run(self.work.losses, 1, 1, "--save", str(self.folder))
        self.threads = report["threads"]
        return report["losses"]

    def seconds(self) -> float:
        report = self.run(1, self.work.iterations, self.work.warm_up, *self.in_precision())
        self.peak = report.get("peak_mib", 0.0)
        return statistics.median(report["iteration_s"]) / report["seeds"]

    def peak_mib(self) -> float:
        return self.peak

    def in_precision(self) -> list[str]:
        return [] if self.place.precision == "float32" else ["--set", f"train.precision={self.place.precision}"]

    def close(self) -> None:
        pass


class Peer:
    """A process of its own, which lives through all rounds, as compiling takes long."""

    def __init__(self, ours: Ours, compiled: bool):
        asked = ours.place.compile_mode
        self.name = ("torch.compile" + (f", {asked}" if asked else "")) if compiled else "PyTorch eager"
        self.ours, self.compiled = ours, compiled
        self.process: subprocess.Popen[str] | None = None
        self.precision = ""

    def ask(self, precision: str = "float32", **question: Any) -> list[float]:
        work, place = self.ours.work, self.ours.place
        if self.process is not None and precision != self.precision:
            self.close()
        if self.process is None:
            self.precision = precision
            worker = pathlib.Path(__file__).with_name("worker.py")
            self.process = subprocess.Popen([place.python, "-B", worker], text=True, stdin=subprocess.PIPE,
                                            stdout=subprocess.PIPE)
            self.say(folder=str(self.ours.folder / work.row), network=work.network, arguments=work.arguments,
                     optimizer=work.optimizer, threads=self.ours.threads, device=place.device, precision=precision,
                     compile_mode=place.mode() if self.compiled else "")
        self.say(**question)
        answer = self.process.stdout.readline()
        if not answer:
            raise RuntimeError(f"{self.name}: the worker ended with {self.process.wait()}")
        return json.loads(answer)

    def say(self, **words: Any) -> None:
        print(json.dumps(words), file=self.process.stdin, flush=True)

    def answers(self) -> list[float]:
        return self.ask(losses=self.ours.work.losses)

    def seconds(self) -> float:
        return statistics.median(self.ask(self.ours.place.precision, iterations=self.ours.work.iterations,
                                          warm_up=self.ours.work.warm_up))

    def peak_mib(self) -> float:
        on_cpu = self.ours.place.device == "cpu"
        return 0.0 if on_cpu else self.ask(self.ours.place.precision, peak=True)[0]

    def close(self) -> None:
        if self.process:
            self.process.stdin.close()
            self.process.wait()
            self.process = None


def contestants(work: Work, program: pathlib.Path, folder: pathlib.Path, place: Place = Place()) -> list[Ours | Peer]:
    ours = Ours(work, program, folder, place)
    return [ours, *(Peer(ours, compiled) for compiled in ([False, True] if work.compiled else [False]))]
