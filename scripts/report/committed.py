# Runs as a results.json holds them (results.py), for a report that adds rows or seeds to what was measured elsewhere:
#   optdnn report runs/cifar_small configs/results/cifar_small
# They join the runs of the config of that name; where both have a seed of a row, the run folder's counts. What a file
# does not hold - pictures, the values between two evaluations - is in no figure.
import json
import pathlib
from typing import Any

from report.results import OF_ROW
from report.runs import LARGEST_SUMMARY, STATUSES, Run, mapping, number, read_bytes, run_folders, without_places

NAME = "results.json"


def results_file(path: pathlib.Path) -> pathlib.Path | None:
    """The file that is meant: itself, or the one directly in a folder, unless the runs that it tells of are there."""
    file = path / NAME if path.is_dir() else path
    return file if file.name == NAME and file.is_file() and not any(run_folders(path)) else None


def read_committed(file: pathlib.Path) -> tuple[list[Run], list[str]]:
    """The runs, and what was wrong."""
    try:
        groups = json.loads(read_bytes(file, LARGEST_SUMMARY))
        return [run for group in groups for run in runs_of(group)], []
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        what = without_places(str(error)) or type(error).__name__
        return [], [f"{file.parent.name}/{NAME} is damaged: {what}"]


def runs_of(group: dict[str, Any]) -> list[Run]:
    config = str(group["config"])
    of_group = {"table": str(group["table"]), "config": f"{config}.yaml"}
    return [run_of(config, str(row["row"]), of_group | {key: row[key] for key in OF_ROW if key in row}, numbers)
            for row in group["rows"] for numbers in row["runs"]]


def run_of(config: str, row: str, of_row: dict[str, Any], numbers: dict[str, Any]) -> Run:
    seed, status = numbers["seed"], numbers["status"]
    run = Run(pathlib.Path(config, row, f"seed-{seed}"), config, row, seed if isinstance(seed, int) else str(seed))
    run.status = str(status)
    if status in STATUSES:
        run.summary = of_row | {key: value for key, value in numbers.items() if key != "curve"}
    run.records = records_of(mapping(numbers.get("curve")))
    return run


def records_of(curve: dict[str, Any]) -> list[dict[str, float]]:
    """metric -> its values, as records; a value that is missing is in none."""
    lists = {name: values for name, values in curve.items() if isinstance(values, list)}
    records = [{name: float(value) for name, values in lists.items() if i < len(values)
                and (value := number(values[i])) is not None} for i in range(len(lists.get("epoch", ())))]
    return [record for record in records if "epoch" in record and "iteration" in record]
