# Rows of a sweep: `grid` and `zip` name them after the row they come from and the values that they set,
# apg2-depth=3-learning_rate=0.1. The axes become columns of the table and the abscissae of figures; rows stand in the
# order of the config's own values where it is there, else in that of the numbers.
import pathlib
import re
from typing import Any

AXIS = re.compile(r"-([A-Za-z_]\w*)=")


def split(row: str) -> tuple[str, dict[str, str]]:
    """apg2-depth=3-rate=0.1 -> apg2, {depth: 3, rate: 0.1}"""
    origin, *pieces = AXIS.split(row)
    return origin, dict(zip(pieces[::2], pieces[1::2]))


def common_name(rows: list[str]) -> str:
    """Several rows of one sweep by what they have in common, "apg2, depth 3 (4 rows)"; others by their names."""
    origins = {split(row)[0] for row in rows}
    if len(rows) == 1 or len(origins) > 1:
        return ", ".join(rows)
    shared = set.intersection(*(set(split(row)[1].items()) for row in rows))
    pieces = [f"{axis} {value}" for axis, value in split(rows[0])[1].items() if (axis, value) in shared]
    return ", ".join([*origins, *pieces]) + f" ({len(rows)} rows)"


def axes_of(rows: list[str]) -> list[str]:
    """The axes of these rows, in the order in which their names show them."""
    return list(dict.fromkeys(axis for row in rows for axis in split(row)[1]))


def value_of(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def values_in(config: str, axis: str) -> list[str]:
    """The values of an axis in the order of the config's text, as they stand in the rows' names."""
    found = re.findall(rf"(?:^|[\s{{,])(?:[\w.]+\.)?{re.escape(axis)}:\s*\[([^\[\]]*)\]", config, re.MULTILINE)
    return [value.strip().strip("'\"") for text in found for value in text.split(",")]


def sort_key(row: str, config: str) -> list[tuple[int, float, str]]:
    """Of a row among those of its origin."""
    key = []
    for axis, value in split(row)[1].items():
        order, number = values_in(config, axis), value_of(value)
        key.append((0, float(order.index(value)), "") if value in order else
                   (1, number, "") if number is not None else (2, 0.0, value))
    return key


def text_of(config: pathlib.Path, largest: int) -> str:
    """The config, if it is still there or is one of the project's; else nothing."""
    for path in (config, pathlib.Path(__file__).resolve().parents[2] / "configs" / config.name):
        try:
            if path.suffix in (".yaml", ".yml") and path.stat().st_size <= largest:
                return path.read_text(encoding="utf-8")
        except (OSError, ValueError):
            continue
    return ""


def is_numeric(values: list[Any]) -> bool:
    return len(set(values)) > 1 and all(value_of(str(value)) is not None for value in values)
