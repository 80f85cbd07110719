#!/usr/bin/env python3
# Writes the verdicts from the blocks of configs/results/<table>/results.json: every block, every row of it, under the
# claims below. A row has less or more error than the one it is compared with where the difference is significant after
# Holm; else nothing is shown. configs/results/README.md has a line for each block, README.md one for each table, which
# counts. With --check nothing is written, and the exit code is 1 where a page is not what would be.
import functools
import json
import pathlib
import re
import statistics
import sys
from typing import Any

import generated
from report.paired import LEVEL, half_width
from report.sweep import split
from report.text import PLUS_MINUS

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE, WHOLE_PAGE = ROOT / "README.md", ROOT / "configs/results/README.md"
HEADS = {PAGE: "| study | rows compared | seeds | less error | more error | not shown |\n|---|--:|--:|--:|--:|--:|\n",
         WHOLE_PAGE: "| less error than | n | its error (mean, 95 % interval) | yes | no: more error | not shown |\n"
                     "|---|--:|---|---|---|---|\n"}
STYLES = {"test/error_pct": ".2f", "test/mse": ".3g"}
UNITS = {"test/error_pct": " %", "test/mse": " MSE"}
MOST_NAMES = 8  # of rows that show nothing, on the whole page
FIT = 1 / 12 / 100  # a hundredth of the MSE of a constant answer to Telgarsky's function

# Table: the row that others are compared with: the claim.
CLAIMS = {
    "table_1_nested_rings": {
        "gradient_descent-shared": "[Nested rings]({}), one T for all 15 steps: gradient descent, a residual network",
        "gradient_descent-shared-depth5": "one T for 5 steps: gradient descent",
        "gradient_descent-shared-depth30": "one T for 30 steps: gradient descent",
        "gradient_descent": "a T of its own for each of 15 steps: gradient descent"},
    "table_1_parity": {
        "gradient_descent-d=4-width=4": "[Parity]({}), d = 4: gradient descent",
        "gradient_descent-d=6-width=6": "d = 6: gradient descent",
        "gradient_descent-d=8-width=8": "d = 8: gradient descent",
        "gradient_descent-d=10-width=10": "d = 10: gradient descent",
        "shared-gradient_descent-d=4-width=4": "one T for all 8 steps, d = 4: gradient descent",
        "shared-gradient_descent-d=6-width=6": "one T, d = 6: gradient descent",
        "shared-gradient_descent-d=8-width=8": "one T, d = 8: gradient descent",
        "shared-gradient_descent-d=10-width=10": "one T, d = 10: gradient descent"},
    "table_1_telgarsky": {
        "gradient_descent-k=3": "[Telgarsky]({}), k = 3: gradient descent",
        "gradient_descent-k=4": "k = 4: gradient descent",
        "gradient_descent-k=5": "k = 5: gradient descent",
        "gradient_descent-k=6": "k = 6: gradient descent",
        "shared-gradient_descent-k=3": "k = 3, one T for all 10 steps: gradient descent"},
    "table_1_telgarsky_depth": {
        "gradient_descent-depth=1": "[Telgarsky, k = 4, against depth]({}), a step: gradient descent",
        "gradient_descent-depth=2": "2 steps: gradient descent",
        "gradient_descent-depth=4": "4 steps: gradient descent",
        "gradient_descent-depth=8": "8 steps: gradient descent",
        "gradient_descent-depth=16": "16 steps: gradient descent"},
    "cifar_small": {
        "wide-resnet-8": "[CIFAR-10, small]({}), wide and shallow: ResNet-8",
        "deep-resnet-26": "narrow and deep: ResNet-26",
        "densenet-16": "the DenseNet setting: DenseNet-16"},
    "cifar_apg2_settings": {
        "wide-resnet-8": "[a searched setting of APG2]({}), fixed or learned from there, wide and shallow: ResNet-8",
        "deep-resnet-26": "narrow and deep: ResNet-26"},
    "cifar_convolutions": {
        "exact": "[Convolutions rounded otherwise]({}): LibTorch's in float32"},
}


def page(file: pathlib.Path) -> str:
    text, head = file.read_text(encoding="utf-8"), HEADS[file]
    table = re.compile(re.escape(head) + r"(?:\|.*\n)*")
    if not table.search(text):
        raise SystemExit(f"{file.relative_to(ROOT)} has no table that begins with\n{head}")
    return table.sub(lambda _: head + "".join(lines_of(table, file) for table in CLAIMS), text)


def lines_of(table: str, file: pathlib.Path) -> str:
    """A line per block, in the order of the claims. Errors: ValueError where a block has no claim; SystemExit where a
    claim has no block."""
    claims = list(CLAIMS[table])
    blocks = [(claims.index(block["to"]), block, {row["row"]: row for row in group["rows"]})
              for group in json.loads((ROOT / f"configs/results/{table}/results.json").read_text())
              for block in group["compared"]]
    if idle := set(claims) - {block["to"] for _, block, _ in blocks}:
        raise SystemExit(f"results/{table} has no block for the claims beside {', '.join(sorted(idle))}")
    link = (ROOT / f"configs/results/{table}/report.md").relative_to(file.parent)
    if file == PAGE:
        study = re.match(r"\[.*?\]\(.*?\)", next(iter(CLAIMS[table].values())).format(link))[0]
        return brief_line(study[:1] + study[1:2].upper() + study[2:], [block for _, block, _ in blocks])
    return "".join(line(CLAIMS[table][block["to"]].format(link), block, rows)
                   for _, block, rows in sorted(blocks, key=lambda found: found[0]))


def line(claim: str, block: dict[str, Any], rows: dict[str, Any]) -> str:
    metric, compared = block["metric"], block["rows"]
    cells: dict[str, list[str]] = {"less": [], "more": [], "not shown": []}
    for one in compared:
        row, word = rows[one["row"]], word_of(one)
        shown = "" if word == "not shown" else " " + with_interval(one["difference"], one["half_width"], metric, "+")
        cells[word].append(name_of(row) + shown + fits(row, metric))
    if len(cells["not shown"]) > MOST_NAMES:
        cells["not shown"] = [how_many(len(cells["not shown"]), compared)]
    return opening(claim, block, rows) + " | ".join(map(", ".join, cells.values())) + " |\n"


def brief_line(study: str, blocks: list[dict[str, Any]]) -> str:
    """How many rows of all blocks have less or more error than the one they are compared with."""
    compared = [one for block in blocks for one in block["rows"]]
    seeds = sorted({one["n"] for one in compared})
    counts = [sum(word_of(one) == word for one in compared) for word in ("less", "more", "not shown")]
    return f"| {study} | {len(compared)} | {' to '.join(map(str, seeds[:1] + seeds[1:][-1:]))} | " + \
        " | ".join(map(str, counts)) + " |\n"


def how_many(count: int, compared: list[dict[str, Any]]) -> str:
    if count < 2:
        return "1 row" if count else ""
    if count == len(compared):
        return "both rows" if count == 2 else f"all {count} rows"
    return f"the other {count} rows"


def opening(claim: str, block: dict[str, Any], rows: dict[str, Any]) -> str:
    """Up to the row that others are compared with: its mean, and the half width of its 95 % interval."""
    metric, to, compared = block["metric"], rows[block["to"]], block["rows"]
    values = list(by_seed(to, metric).values())
    error = with_interval(statistics.fmean(values), half_width(values), metric) + UNITS[metric] + fits(to, metric)
    crossing = sum(crossings(rows[one["row"]], to) for one in compared)
    note = f" ({crossing} of {sum(one['n'] for one in compared)} pairs cross machines or versions)" if crossing else ""
    return f"| {claim}{note} | {compared[0]['n']} | {error} | "


def by_seed(row: dict[str, Any], metric: str) -> dict[Any, float]:
    return {run["seed"]: run["last"][metric] for run in row["runs"] if run["status"] == "finished"}


def name_of(row: dict[str, Any]) -> str:
    """The rule, where rows differ in it; else what is left of the name without the axes of a sweep."""
    origin, axes = split(row["row"])
    return axes.get("algorithm", origin)


def word_of(compared: dict[str, Any]) -> str:
    if compared["holm"] is None or compared["holm"] > LEVEL:
        return "not shown"
    return "less" if compared["difference"] < 0 else "more"


def with_interval(mean: float, half: float | None, metric: str, sign: str = "") -> str:
    style = sign + STYLES[metric]
    return f"{mean:{style}}" + ("" if half is None else f" {PLUS_MINUS} {half:{STYLES[metric]}}")


def fits(row: dict[str, Any], metric: str) -> str:
    """How many runs learned the function, where not all did: a mean hides it where some go astray."""
    values = by_seed(row, metric).values()
    found = sum(value < FIT for value in values)
    return f" ({found} fit)" if metric == "test/mse" and found < len(values) else ""


def crossings(row: dict[str, Any], to: dict[str, Any]) -> int:
    """Pairs whose two runs had different devices or versions of LibTorch."""
    own, theirs = ({run["seed"]: (run.get("device_name"), run.get("libtorch")) for run in one["runs"]}
                   for one in (row, to))
    return sum(own[seed] != theirs[seed] for seed in own.keys() & theirs.keys())


if __name__ == "__main__":
    pages = {file: functools.partial(page, file) for file in (PAGE, WHOLE_PAGE)}
    sys.exit(generated.run(pages, "Writes the tables of verdicts in README.md and configs/results/README.md."))
