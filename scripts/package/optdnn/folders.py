# The runs below a folder as a table: a line per run, from its summary.json and status.json. A damaged file costs only
# its own columns.
import json
import os
import pathlib
import re
from typing import Any

LARGEST = 16 << 20  # bytes
OF_SUMMARY = ("status", "network", "parameters", "multiply_adds", "iterations", "epochs", "seconds", "device", "error")
AXIS = re.compile(r"-([A-Za-z_]\w*)=")


def runs(folder: str | os.PathLike = "runs") -> Any:
    """A pandas DataFrame: folder, config, row, seed, the axes of a sweep, status, the last metrics by name. Raises
    FileNotFoundError."""
    import pandas
    if not os.path.isdir(folder):
        raise FileNotFoundError(f"no such folder: {folder}")
    return pandas.DataFrame([line_of(path) for path in run_folders(pathlib.Path(folder))])


def run_folders(folder: pathlib.Path) -> list[pathlib.Path]:
    """Those with a seed; searches and what was set aside are no results."""
    found = []
    for here, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in ("search", ".old"))
        path = pathlib.Path(here)
        if {"summary.json", "status.json", "resolved.yaml"} & set(files) and path.name.startswith("seed-"):
            found.append(path)
            folders.clear()
    return found


def line_of(path: pathlib.Path) -> dict[str, Any]:
    whole = path.resolve()
    origin, *pieces = AXIS.split(whole.parent.name)
    line: dict[str, Any] = {"folder": str(path), "config": whole.parent.parent.name, "row": whole.parent.name,
                            "origin": origin, "seed": int(re.sub(r"\D", "", whole.name) or 0)}
    line |= {axis: number_or_text(value) for axis, value in zip(pieces[::2], pieces[1::2])}
    summary, status = object_in(path / "summary.json"), object_in(path / "status.json")
    line |= {key: summary[key] for key in OF_SUMMARY if key in summary}
    line["status"] = status.get("state", summary.get("status", "unknown"))
    last = summary.get("last")
    return line | (last if isinstance(last, dict) else {})


def number_or_text(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def object_in(path: pathlib.Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > LARGEST:
            return {}
        value = json.loads(path.read_bytes())
        return value if isinstance(value, dict) else {}
    except (OSError, ValueError, RecursionError):
        return {}
