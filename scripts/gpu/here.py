#!/usr/bin/env python3
# What a machine with a GPU gave back (scripts/gpu/there.py) as one page: verdicts of its stages, iterations, ratios
# against PyTorch, trainings.
#   scripts/gpu/here.py KEPT [KEPT ...] --to configs/results/gpu
import argparse
import json
import pathlib
import re
import statistics
import tarfile
from typing import Any

EPOCH = 50_000  # images of CIFAR-10


def table(header: list[str], rows: list[list[str]]) -> str:
    lines = [header, [":--"] + ["--:"] * (len(header) - 1), *rows]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def stages(folder: pathlib.Path) -> list[list[str]]:
    """Of the log: one line a stage, `[ 35.7 s] tests, 32.1 s: All tests passed`."""
    found = re.findall(r"^\[ *[\d.]+ s\] (\w+), ([\d.]+) s: (.*)$", (folder / "log.txt").read_text(), re.M)
    return [[name, seconds, verdict.split(";")[0][:120]] for name, seconds, verdict in found if name != "peers"]


def benches(folder: pathlib.Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for path in sorted(folder.glob("bench*.json")):
        text = path.read_text()
        rows += [dict(row, file=path.name) for row in json.loads(text[text.index("["):])]
    return rows


def bench_row(row: dict[str, Any]) -> list[str]:
    if "error" in row:
        return [row["id"], "", "", "", "", row["error"][:80]]
    samples = row["batch_size"] * row["seeds"]
    return [row["id"], str(row["seeds"]), f"{1e3 * row['median_s']:.3f}", f"{samples / row['median_s']:,.0f}",
            f"{EPOCH * row['median_s'] / samples:.2f}", row["iteration"].split(":")[0]]


def summaries(folder: pathlib.Path) -> list[dict[str, Any]]:
    archive = folder / "runs.tar.gz"
    if not archive.exists():
        return []
    with tarfile.open(archive) as runs:
        return [json.loads(runs.extractfile(member).read()) for member in runs.getmembers()
                if member.name.endswith("/summary.json")]


def trained(runs: list[dict[str, Any]]) -> list[list[str]]:
    rows = []
    for row in dict.fromkeys(run["row"] for run in runs):
        done = [run for run in runs if run["row"] == row and run["status"] == "finished"]
        if not done:
            continue
        errors = [run["last"]["test/error_pct"] for run in done]
        spread = f" +- {statistics.stdev(errors):.2f}" if len(errors) > 1 else ""
        seconds = statistics.mean(run["seconds"] / run["epochs"] for run in done)
        rows.append([row, str(len(done)), f"{statistics.mean(errors):.2f}{spread}", f"{done[0]['epochs']:g}",
                     f"{seconds:.2f}"])
    return rows


def page(folders: list[pathlib.Path]) -> str:
    runs = [run for folder in folders for run in summaries(folder)]
    rows = [row for folder in folders for row in benches(folder)]
    named = next((row for row in rows if "device_name" in row), {})
    software = next((run["gpu_software"] for run in runs if "gpu_software" in run), "")
    text = f"# On a GPU\n\n{named.get('device_name', 'no GPU')}, {software}; {named.get('optdnn', '')}.\n"
    text += "\n## Stages\n\n" + table(["stage", "seconds", "verdict"], [s for f in folders for s in stages(f)])
    if rows:
        text += ("\n## Iterations\n\nThe real training loop, batches in memory, medians over blocks of 20.\n\n" +
                 table(["row of configs/bench_gpu.yaml", "seeds", "ms", "samples a second", "s an epoch of 50,000",
                        "iteration"],
                       [bench_row(row) for row in rows]))
    for peers in filter(pathlib.Path.exists, (folder / "peers.md" for folder in folders)):
        text += "\n## Beside PyTorch\n\n" + peers.read_text().split("\n", 2)[2].strip() + "\n"
    if finished := trained(runs):
        text += ("\n## Trained\n\nFinished runs; seconds are those of processes that shared the GPU.\n\n" +
                 table(["row", "n", "test error (%)", "epochs", "seconds an epoch"], finished))
    return text


def main() -> None:
    parser = argparse.ArgumentParser(prog="here.py", description="A page of what a GPU's machine gave back.")
    parser.add_argument("kept", type=pathlib.Path, nargs="+")
    parser.add_argument("--to", type=pathlib.Path, required=True, help="folder of report.md")
    options = parser.parse_args()
    options.to.mkdir(parents=True, exist_ok=True)
    (options.to / "report.md").write_text(page(options.kept), encoding="utf-8")


if __name__ == "__main__":
    main()
