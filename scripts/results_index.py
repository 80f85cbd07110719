#!/usr/bin/env python3
# Writes configs/README.md: every config with what it is, from its opening comment, and what its newest committed
# results say, from configs/results/<name>/results.json. With --check nothing is written, and the exit code is 1 where
# the page is not the one that would be.
import json
import pathlib
import re
import sys
from typing import Any

import generated
from report.text import counted

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "configs/README.md"
HEAD = """# Configs

One file is one table of the paper, one experiment, or one study. `optdnn train FILE` runs it, `optdnn info FILE` counts
it, `scripts/reproduce NAME` runs it and puts its report into `results/NAME/`. This page is written by
`scripts/results_index.py` from the files and from those reports.

| config | what it is | newest results |
| :-- | :-- | :-- |
"""
HEADLINES = ["test/error_pct", "test/mse"]
ELSEWHERE = {"bench_gpu": "gpu"}  # a config's results under another name


def opening(text: str) -> str:
    """The first sentence of the opening comment."""
    lines = []
    for line in text.splitlines():
        if not line.startswith("#") or line.startswith("# yaml-language-server:"):
            break
        lines.append(line[1:].strip())
    return re.split(r"(?<=[.])\s+(?=[A-Z`])", " ".join(lines))[0].rstrip(".:")


def newest(name: str) -> str:
    name = ELSEWHERE.get(name, name)
    folder = ROOT / "configs/results" / name
    if not (folder / "report.md").exists():
        return "none yet"
    link = f"[report](results/{name}/report.md)"
    numbers = folder / "results.json"
    if not numbers.exists():
        return link
    rows = [row for group in json.loads(numbers.read_text()) for row in group["rows"]]
    return f"{link}: {summary(rows)}"


def summary(rows: list[dict[str, Any]]) -> str:
    seeds = [row["n"] for row in rows if row["n"]]
    few, many = (min(seeds), max(seeds)) if seeds else (0, 0)
    text = f"{counted(len(rows), 'row')}, n = {few}" + (f" to {many}" if many > few else "")
    for metric in HEADLINES:
        found = [(row["metrics"][metric]["mean"], row["row"]) for row in rows if metric in row["metrics"]]
        if found:
            unit = "%" if metric.endswith("_pct") else "MSE"
            least, most = min(found), max(found)
            ties = sum(mean == least[0] for mean, _ in found) - 1
            text += f"; {least[0]:.4g} {unit} ({least[1]}{f' and {ties} more' if ties else ''})"
            text += f" to {most[0]:.4g} ({most[1]})" if most[0] > least[0] else ""
            break
    devices = dict.fromkeys(run["device_name"] for row in rows for run in row["runs"] if "device_name" in run)
    return "; ".join([text, *devices])


def page() -> str:
    lines = []
    for path in sorted((ROOT / "configs").glob("*.yaml")):
        lines.append(f"| [{path.stem}]({path.name}) | {opening(path.read_text())} | {newest(path.stem)} |\n")
    others = sorted(folder.name for folder in (ROOT / "configs/results").iterdir()
                    if (folder / "report.md").exists() and not (ROOT / f"configs/{folder.name}.yaml").exists())
    links = ", ".join(f"[{name}](results/{name}/report.md)" for name in others)
    return HEAD + "".join(lines) + f"\nReports of other measurements: {links}.\n"


if __name__ == "__main__":
    sys.exit(generated.run({PAGE: page}, "Writes configs/README.md."))
