# The rows of a table by what they are to learn, so that a figure has one panel for each and the rules as its lines.
# Rows of a comparison and the row beside them (comparison.py) are one task; the others go by the keys in which the data
# sets of the table differ, and by depth.
import json
from typing import Any

from report.comparison import compare_of
from report.runs import Group, Row, mapping

SET_ASIDE = ("batch_size", "augment", "validation")  # keys of a data set that make no other task


def tasks_of(group: Group) -> list[tuple[str, list[Row]]]:
    """(title, rows), in the order of the table."""
    differing = differing_keys(group.rows)
    keys = {row.id: key_of(row, differing) for row in group.rows}
    beside = {row.id: compare_of(row)["to"] for row in group.rows if compare_of(row).get("to") in keys}
    tasks: dict[str, list[Row]] = {}
    for row in group.rows:
        to = beside.get(row.id, row.id)
        is_block = row.id in beside or row.id in beside.values()
        key = f"{dataset_text(row, differing)}beside {to}" if is_block else keys[row.id]
        tasks.setdefault(key, []).append(row)
    return list(tasks.items())


def datasets_of(group: Group) -> list[tuple[str, list[Row]]]:
    """(title, rows) by data set alone: what stands in one table, and is ranked together."""
    differing = differing_keys(group.rows)
    tasks: dict[str, list[Row]] = {}
    for row in group.rows:
        tasks.setdefault(dataset_text(row, differing).removesuffix(", "), []).append(row)
    return list(tasks.items())


def names_in(rows: list[Row]) -> dict[str, str]:
    """The ids of a task's rows without the end they share, which the task's title says."""
    ids = [row.id for row in rows]
    if len(ids) < 2:
        return {id: id for id in ids}
    shared = ids[0]
    while not all(id.endswith(shared) for id in ids):
        shared = shared[1:]
    shared = shared[shared.find("-"):] if "-" in shared else ""
    return {id: id.removesuffix(shared) or id for id in ids}


def dataset_of(row: Row) -> dict[str, Any]:
    found = next((d for run in row.runs if (d := mapping(run.summary.get("dataset")))), {})
    return {key: value for key, value in found.items() if key not in SET_ASIDE}


def differing_keys(rows: list[Row]) -> list[str]:
    keys = dict.fromkeys(key for row in rows for key in dataset_of(row))
    return [key for key in keys if len({json.dumps(dataset_of(row).get(key), sort_keys=True) for row in rows}) > 1]


def dataset_text(row: Row, differing: list[str]) -> str:
    return "".join(f"{key} {dataset_of(row)[key]}, " for key in differing if key in dataset_of(row))


def key_of(row: Row, differing: list[str]) -> str:
    depth = next((run.summary["depth"] for run in row.runs if "depth" in run.summary), None)
    return dataset_text(row, differing) + ("no rule" if depth is None else f"depth {depth}")
