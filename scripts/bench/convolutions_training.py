#!/usr/bin/env python3
# Whether training notices how its convolutions are rounded: trains configs/cifar_convolutions.yaml in so many processes
# at once, continues what was stopped, and compares fast and careful with exact, seed by seed.
#   scripts/python scripts/bench/convolutions_training.py --processes 8 --threads 2
#   scripts/python scripts/bench/convolutions_training.py --processes 2 --seed 0 --seed 1 --seed 2 --threads 1
# Exit codes: 0; that of a training that failed.
import argparse
import json
import pathlib
import statistics
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
CONFIG = ROOT / "configs/cifar_convolutions.yaml"
METRICS = ("test/error_pct", "test/loss")


def train(options: argparse.Namespace) -> int:
    common = [str(options.program), "train", str(CONFIG), "--out", str(options.out), "--threads", str(options.threads),
              "--quiet", *(word for seed in options.seed for word in ("--seed", str(seed)))]
    running = [subprocess.Popen([*common, "--shard", f"{i + 1}/{options.processes}"], cwd=ROOT)
               for i in range(options.processes)]
    return max(process.wait() for process in running)


def last(out: pathlib.Path, row: str) -> dict[str, dict[str, float]]:
    """The last evaluation by seed, of runs that finished."""
    found = {}
    for file in sorted((out / CONFIG.stem / row).glob("seed-*/summary.json")):
        summary = json.loads(file.read_text())
        if summary["status"] == "finished":
            found[file.parent.name] = summary["last"]
    return found


def compare(out: pathlib.Path) -> list[str]:
    exact = last(out, "exact")
    lines = ["| convolutions | seeds | " + " | ".join(f"{metric} | minus exact" for metric in METRICS) + " |",
             "|---|--:|" + "--:|--:|" * len(METRICS)]

    def spread(values: list[float]) -> str:
        deviation = f" +- {statistics.stdev(values):.4f}" if len(values) > 1 else ""
        return f"{statistics.mean(values):.4f}{deviation}" if values else ""

    for row in ("exact", "careful", "fast"):
        runs = last(out, row)
        pairs = [seed for seed in runs if seed in exact]
        cells = [cell for metric in METRICS for cell in (
            spread([run[metric] for run in runs.values()]),
            "" if row == "exact" else spread([runs[seed][metric] - exact[seed][metric] for seed in pairs]))]
        lines.append(f"| {row} | {len(runs)} | " + " | ".join(cells) + " |")
    return lines


def main() -> int:
    parser = argparse.ArgumentParser(description="Training by three ways of convolutions.")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2, help="of each process")
    parser.add_argument("--seed", type=int, action="append", default=[], help="default: all of the config")
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "runs")
    parser.add_argument("--program", type=pathlib.Path, default=ROOT / "build/release/optdnn")
    options = parser.parse_args()
    status = train(options)
    print("\n".join(compare(options.out)))
    print("\nMean and sample standard deviation over seeds; differences are of pairs with the same seed.")
    return status


if __name__ == "__main__":
    sys.exit(main())
