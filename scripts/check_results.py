#!/usr/bin/env python3
# Whether committed results still come out: trains a sample of a table's runs again, each alone, and puts the headline
# beside the committed one. Called by `scripts/reproduce --check TABLE`.
#   equal     to six digits
#   in range  within four standard deviations of its row's mean: another version, machine, number of threads or of runs
#             in one network rounds differently, and training multiplies that
#   differs   none of these, another status, or another experiment (config_hash)
# Rows with a search are trained with the values that were chosen. The sample: `--runs` finished runs, spread evenly
# over the rows; the shortest of each row. Exit codes: 0 all equal or in range, 1 not, 2 wrong usage, 3 no results.
import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
from typing import Any

HEADLINES = ("test/error_pct", "test/mse", "test/loss")
SPREADS = 4


def sampled(results: list[dict[str, Any]], count: int) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """(row, run) pairs."""
    rows = [(row, run) for group in results for row in group["rows"]
            if (run := min(finished(row), key=lambda run: run.get("seconds", 0), default=None))]
    step = max(1.0, len(rows) / count)
    return [rows[int(i * step)] for i in range(min(count, len(rows)))]


def finished(row: dict[str, Any]) -> list[dict[str, Any]]:
    return [run for run in row["runs"] if run.get("status") == "finished" and headline_of(run)]


def headline_of(run: dict[str, Any]) -> str | None:
    last = run.get("last") or {}
    return next((name for name in HEADLINES if isinstance(last.get(name), (int, float))), None)


def train(program: str, config: pathlib.Path, row: dict[str, Any], run: dict[str, Any], out: str) -> dict[str, Any]:
    shown = subprocess.run([program, "show", str(config), "--row", row["row"], "--json"], check=False,
                           stdout=subprocess.PIPE, encoding="utf-8")
    if shown.returncode:
        return {}
    [alone] = json.loads(shown.stdout)
    values = (row.get("search") or {}).get("values", {})
    for path, value in values.items():
        put(alone["config"], path.split("."), value)
    if values:  # of a table's search a row has those of its own rule
        search = alone["config"]["search"]
        search["space"] = {path: search["space"][path] for path in values}
    file = pathlib.Path(out) / "row.yaml"  # JSON is YAML
    file.write_text(json.dumps(alone["config"]), encoding="utf-8")
    command = [program, "train", str(file), "--seed", str(run["seed"]), "--out", out, "--quiet"]
    subprocess.run(command + (["--no-search"] if values else []), check=False)
    found = list(pathlib.Path(out).rglob("summary.json"))
    return json.loads(found[0].read_text()) if found else {}


def put(tree: dict[str, Any], path: list[str], value: Any) -> None:
    for key in path[:-1]:
        if not isinstance(tree.get(key), dict):
            tree[key] = {}
        tree = tree[key]
    tree[path[-1]] = value


def verdict(row: dict[str, Any], run: dict[str, Any], now: dict[str, Any]) -> tuple[str, str]:
    """The word and the numbers."""
    name = headline_of(run)
    before, after = run["last"][name], (now.get("last") or {}).get(name)
    if now.get("config_hash") != run.get("config_hash"):
        return "differs", "another experiment: its config has another hash"
    if not isinstance(after, (int, float)):
        return "differs", f"no {name}: {now.get('status', 'no summary')}"
    numbers = f"{name} {before:.6g}, now {after:.6g}"
    if abs(after - before) <= 1e-6 * max(abs(before), abs(after)):
        return "equal", numbers
    values = [one["last"][name] for one in finished(row)]
    spread = statistics.stdev(values) if len(values) > 1 else 0.0
    numbers += f" (row: {statistics.fmean(values):.4g}, standard deviation {spread:.2g})"
    return ("in range" if abs(after - statistics.fmean(values)) <= SPREADS * spread else "differs"), numbers


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="check_results.py", description="Trains a sample of committed runs again.")
    parser.add_argument("program")
    parser.add_argument("config", type=pathlib.Path)
    parser.add_argument("results", type=pathlib.Path, help="results.json")
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args(arguments)
    try:
        sample = sampled(json.loads(options.results.read_text()), max(1, options.runs))
    except (OSError, ValueError, KeyError, TypeError) as error:
        print(f"check_results.py: {options.results} cannot be read: {error}", file=sys.stderr)
        return 3
    if not sample:
        print(f"check_results.py: {options.results} holds no finished run", file=sys.stderr)
        return 3
    words = []
    for row, run in sample:
        with tempfile.TemporaryDirectory() as out:
            word, numbers = verdict(row, run, train(options.program, options.config, row, run, out))
        words.append(word)
        print(f"{row['row']}, seed {run['seed']}: {word}; {numbers}", flush=True)
    print(f"{len(words) - words.count('differs')} of {len(words)} sampled runs still come out")
    return int("differs" in words)


if __name__ == "__main__":
    sys.exit(main())
