# Every number of a report once more, as JSON for other programs: the tables' means and each run's own numbers. A run
# is a line, with what it measured at each evaluation; a number that is not finite is null; no folder of any machine is
# named. A report can be made of it again (committed.py).
import json
import statistics
from typing import Any

from report.runs import Group, Row, Run, number, without_places
from report import comparison
from report.table import convergent_cell, headline_of, metrics_of, universal_cell

OF_RUN = ("config_hash", "device", "device_name", "threads", "optdnn", "commit", "numerics", "libtorch", "parameters",
          "multiply_adds", "iterations", "epochs", "seconds", "cpu_seconds", "runs_at_once", "last", "best",
          "convergence", "error")
OF_ROW = ("dataset", "depth", "compare", "certificate", "paper", "search")  # said once for all runs that have the same
OF_CERTIFICATE = ("certified", "convergent", "universal", "reason", "universal_reason")
OF_CURVE = ("epoch", "iteration", "train/loss", "test/", "coefficient/", "certificate/", "solver/")


def results_json(groups: list[Group]) -> str:
    return "[" + ",\n".join(group_json(group) for group in groups) + "]\n"


def group_json(group: Group) -> str:
    rows = ",\n".join(row_json(group, row) for row in group.rows)
    blocks = comparison.json_of(group, headline_of(group))
    compared = f'"compared": {text(blocks)}, ' if blocks else ""
    return f'{{"config": {text(group.stem)}, "table": {text(group.title)}, {compared}"rows": [\n{rows}]}}'


def row_json(group: Group, row: Row) -> str:
    values = {metric.name: metric.values(row) for metric in metrics_of(group)}
    means = {name: {"mean": statistics.fmean(v), "std": statistics.stdev(v) if len(v) > 1 else None,
                    "median": statistics.median(v), "n": len(v)} for name, v in values.items() if v}
    head = {"row": row.id, "n": len(row.finished), "metrics": means, "convergent": convergent_cell(row),
            "universal": universal_cell(row)}
    of_row: dict[str, Any] = {}
    for run in row.runs:
        of_row = of_row_of(run) | of_row
    runs = ",\n   ".join(text(run_numbers(run, of_row)) for run in row.runs)
    return f' {text(head | of_row)[:-1]}, "runs": [\n   {runs}]}}'


def of_row_of(run: Run) -> dict[str, Any]:
    found = {key: run.summary[key] for key in OF_ROW if run.summary.get(key) is not None}
    if isinstance(found.get("certificate"), list):
        found["certificate"] = [{key: stage[key] for key in OF_CERTIFICATE if key in stage}
                                for stage in found["certificate"] if isinstance(stage, dict)]
    return found


def run_numbers(run: Run, of_row: dict[str, Any]) -> dict[str, Any]:
    numbers = {"seed": run.seed, "status": run.status} | {k: run.summary[k] for k in OF_RUN if k in run.summary}
    own = {key: value for key, value in of_row_of(run).items() if value != of_row[key]}
    curve = curve_of(run)
    return numbers | own | ({"curve": curve} if curve else {})


def curve_of(run: Run) -> dict[str, list[float | None]]:
    """metric -> its values at the evaluations."""
    records = [record for record in run.records if any(name.startswith("test/") for name in record)]
    names = dict.fromkeys(name for record in records for name in record if name.startswith(OF_CURVE))
    return {name: [record.get(name) for record in records] for name in names}


def text(value: Any) -> str:
    return json.dumps(portable(value), ensure_ascii=True, allow_nan=False)


def portable(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: portable(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [portable(inner) for inner in value]
    if isinstance(value, float):
        return number(value)
    return without_places(value) if isinstance(value, str) else value
