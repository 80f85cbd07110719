# Reads run folders as `optdnn train` leaves them:
#   <config stem>/<row id>/seed-<n>/   resolved.yaml  metrics.jsonl  summary.json  pictures.safetensors (vector tasks)
#                                      status.json: what the run is doing, or did last
#   <config stem>/<row id>/study/      resolved.yaml  summary.json                 (of `optdnn converge`)
#   <config stem>/<row id>/search/     the trials of a search, which no report reads
# Nothing in them is trusted: what is damaged is named in `problems` and left out; a run without a summary stays in the
# report as one that did not finish.
import json
import math
import os
import pathlib
import re
import socket
import time
from dataclasses import dataclass, field
from typing import Any, Iterable, Iterator

from report import sweep

MARKS = ("resolved.yaml", "summary.json", "metrics.jsonl", "status.json")  # one of them makes a folder a run's
STATUSES = ("finished", "stopped", "diverged")
STATES = (*STATUSES, "running", "failed")  # of status.json; running may turn out dead or silent
SILENT_S = 600
LARGEST_STATUS = 1 << 20
LARGEST_SUMMARY = 16 << 20  # bytes
LARGEST_METRICS = 1 << 30


@dataclass
class Run:
    path: pathlib.Path
    stem: str
    row: str
    seed: int | str
    status: str = "without summary"  # or one of STATES, or dead, silent, damaged
    summary: dict[str, Any] = field(default_factory=dict)
    records: list[dict[str, float]] = field(default_factory=list)  # numbers only, each with "epoch" and "iteration"
    problems: list[str] = field(default_factory=list)
    progress: dict[str, Any] = field(default_factory=dict)  # of status.json

    @property
    def name(self) -> str:
        return f"{self.stem}/{self.row}/{self.path.name}"

    @property
    def readable(self) -> bool:
        return bool(self.summary or self.records or self.progress)

    def last(self, metric: str) -> float | None:
        """The metric at the end of a finished run; None where it is missing or not finite."""
        return number(mapping(self.summary.get("last")).get(metric))

    def complain(self, text: str) -> None:
        self.problems.append(f"{self.name}: {text}")


@dataclass
class Row:
    id: str
    runs: list[Run]  # by seed

    @property
    def finished(self) -> list[Run]:
        return [run for run in self.runs if run.status == "finished"]


@dataclass
class Group:
    """The runs of one config."""
    stem: str
    title: str
    rows: list[Row]  # in the order of the config

    @property
    def runs(self) -> list[Run]:
        return [run for row in self.rows for run in row.runs]


def number(value: Any) -> float | None:
    """A finite number, or None."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    try:
        return value if is_number and math.isfinite(value) else None
    except OverflowError:
        return None


def mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def natural(text: str) -> list[tuple[int, float, str]]:
    """Sorts depth=3 before depth=10."""
    pieces = re.split(r"(\d{1,15})", text)
    return [(0, float(piece), "") if piece.isdecimal() else (1, 0.0, piece) for piece in pieces]


def run_folders(folder: pathlib.Path) -> Iterator[pathlib.Path]:
    for here, folders, files in os.walk(folder):
        # Trials are no results, and what was set aside (.old) no longer is.
        folders[:] = [name for name in folders if name != "search" and not name.startswith(".")]
        if any(mark in files for mark in MARKS):
            folders.clear()
            yield pathlib.Path(here)
        folders.sort(key=natural)


def read_run(path: pathlib.Path) -> Run:
    whole = path.resolve()
    seed = re.fullmatch(r"seed-(\d{1,20})", whole.name)
    run = Run(path, whole.parent.parent.name, whole.parent.name, int(seed[1]) if seed else whole.name)
    read_summary(run)
    read_status(run)
    if "study" not in run.summary:
        read_metrics(run)
    return run


def read_summary(run: Run) -> None:
    path = run.path / "summary.json"
    if not path.exists():
        return
    try:
        run.summary = mapping(json.loads(read_bytes(path, LARGEST_SUMMARY)))
        run.status = run.summary.get("status")
        if run.status not in STATUSES:
            raise ValueError("it has no known status")
    except (OSError, ValueError, RecursionError) as error:
        run.status, run.summary = "damaged", {}
        run.complain(f"summary.json is damaged: {without_places(str(error))}")


def read_status(run: Run) -> None:
    """What a run that has not finished is doing. A process of this machine that is gone is dead; one elsewhere that has
    said nothing for ten minutes is silent."""
    path = run.path / "status.json"
    if run.status == "finished" or not path.exists():
        return
    try:
        said = mapping(json.loads(read_bytes(path, LARGEST_STATUS)))
    except (OSError, ValueError, RecursionError):
        return run.complain("status.json is damaged")
    state = said.get("state")
    if state not in STATES:
        return run.complain("status.json names no known state")
    run.progress = said
    if state == "running":
        updated = number(said.get("updated")) or 0.0
        here, pid = said.get("host") == socket.gethostname(), number(said.get("pid"))
        if here and isinstance(pid, int) and not pathlib.Path("/proc", str(pid)).exists():
            state = "dead"
        elif time.time() - updated > SILENT_S:
            state = "silent"
    run.status = state


def read_metrics(run: Run) -> None:
    path = run.path / "metrics.jsonl"
    if not path.exists():
        return None if run.progress else run.complain("metrics.jsonl is missing")
    try:
        lines = read_bytes(path, LARGEST_METRICS).splitlines()
    except (OSError, ValueError) as error:
        return run.complain(f"metrics.jsonl cannot be read: {without_places(str(error))}")
    damaged = []
    for place, line in enumerate(lines, 1):
        try:
            record = {k: v for k, v in json.loads(line).items() if isinstance(v, (int, float))}
            if number(record.get("epoch")) is None or number(record.get("iteration")) is None:
                raise ValueError
            run.records.append({k: float(v) for k, v in record.items()})
        except (ValueError, AttributeError, OverflowError, RecursionError):
            damaged.append(place)
    if damaged:
        count = "line" if len(damaged) == 1 else f"{len(damaged)} damaged lines, the first"
        run.complain(f"metrics.jsonl: {count} {damaged[0]} is no record")


def read_bytes(path: pathlib.Path, largest: int) -> bytes:
    if path.stat().st_size > largest:
        raise ValueError(f"larger than {largest} bytes")
    return path.read_bytes()


def without_places(text: str) -> str:
    """Keeps the last part of every absolute path: reports are read on other machines."""
    return re.sub(r"(?<![\w.])(?:/[\w.+=@,-]+)+/([\w.+=@,-]+)", r"\1", text)


def read_groups(folders: Iterable[pathlib.Path], others: Iterable[Run] = ()) -> tuple[list[Group], list[str]]:
    """Returns the readable runs by config, and what was wrong. `others` join the runs of the config of their name; of
    two runs of a row with one seed that of a folder counts."""
    problems, runs = [], {}
    for folder in folders:
        found = list(run_folders(folder))
        if not found:
            problems.append(f"{folder.name or folder} holds no run" if folder.is_dir() else f"{folder} is no folder")
        runs.update({path.resolve(): path for path in found})
    grouped: dict[pathlib.Path, list[Run]] = {}
    for whole, path in runs.items():
        run = read_run(path)
        problems += run.problems
        grouped.setdefault(whole.parent.parent, []).append(run)
    for other in others:
        home = next((key for key in grouped if key.name == other.stem), pathlib.Path(other.stem))
        if all((run.row, run.seed) != (other.row, other.seed) for run in grouped.setdefault(home, [])):
            grouped[home].append(other)
    return [make_group(runs) for runs in grouped.values()], problems


def make_group(runs: list[Run]) -> Group:
    rows: dict[str, list[Run]] = {}
    for run in sorted(runs, key=lambda run: natural(str(run.seed))):
        rows.setdefault(run.row, []).append(run)
    titles = [run.summary["table"] for run in runs if isinstance(run.summary.get("table"), str)]
    configs = [run.summary["config"] for run in runs if isinstance(run.summary.get("config"), str)]
    config = sweep.text_of(pathlib.Path(configs[0]), LARGEST_SUMMARY) if configs else ""
    order = ids_of_config(config)
    ids = sorted(rows, key=lambda row: (place_in(order, row), natural(sweep.split(row)[0]),
                                        sweep.sort_key(row, config), natural(row)))
    return Group(runs[0].stem, next(filter(None, titles), runs[0].stem), [Row(row, rows[row]) for row in ids])


def ids_of_config(config: str) -> list[str]:
    """The ids of a config's rows in its order."""
    return re.findall(r"^\s*-\s*\{?\s*id:\s*['\"]?([\w.+=,-]*[\w.+=-])", config, re.MULTILINE)


def place_in(order: list[str], row: str) -> int:
    """A row of a grid is named after its origin: apg2-depth=3 stands where apg2 does."""
    origins = [i for i, origin in enumerate(order) if row == origin or row.startswith(origin + "-")]
    return max(origins, key=lambda i: len(order[i]), default=len(order))
