#!/usr/bin/env python3
# What a machine with a GPU gave back (scripts/gpu/there.py) as one page: verdicts of its stages, iterations, ratios
# against PyTorch, trainings.
#   scripts/gpu/here.py KEPT [KEPT ...] --to configs/results/gpu
import argparse
import json
import math
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
    if not (folder / "log.txt").exists():
        return []
    found = re.findall(r"^\[ *[\d.]+ s\] (\w+), ([\d.]+) s: (.*)$", (folder / "log.txt").read_text(), re.M)
    return [[name, seconds, verdict.split(";")[0][:120]] for name, seconds, verdict in found
            if not name.endswith("peers")]


def benches(folder: pathlib.Path) -> list[dict[str, Any]]:
    return [row for how, rows in timed(folder / "bench.json").items() if how in ("", "--no-graph")
            for row in rows.values()]


def bench_row(row: dict[str, Any]) -> list[str]:
    if "error" in row:
        return [row["id"], "", "", "", "", row["error"][:80]]
    samples = row["batch_size"] * row["seeds"]
    return [row["id"], str(row["seeds"]), f"{1e3 * row['median_s']:.3f}", f"{samples / row['median_s']:,.0f}",
            f"{EPOCH * row['median_s'] / samples:.2f}", row["iteration"].split(":")[0]]


def timed(path: pathlib.Path) -> dict[str, dict[str, dict[str, Any]]]:
    """By the way of running ("", --no-graph, --no-kernels, --overlap) and row; nothing if there is no such file."""
    found = json.loads(path.read_text()) if path.exists() else {}
    return {how: {row["id"]: row for row in rows} for how, rows in found.items()}


def kernels(folder: pathlib.Path) -> list[list[str]]:
    """Rows timed by LibTorch's operators alone, with the project's kernels, and with those that overlap."""
    found = timed(folder / "bench.json")

    def seconds(how: str, row: str) -> float:
        return found.get(how, {}).get(row, {}).get("median_s", math.nan)

    def cell(number: float, text: str) -> str:
        return "-" if math.isnan(number) else text.format(number)

    rows = [(row, *(seconds(how, row) for how in ("--no-kernels", "", "--overlap"))) for row in found.get("", {})]
    return [[row, *(cell(1e3 * one, "{:.3f}") for one in times), cell(times[0] / times[1], "{:.2f}x"),
             cell(times[1] / times[2], "{:.2f}x")] for row, *times in rows if not math.isnan(times[0] / times[1])]


def each_kernel(folder: pathlib.Path) -> list[list[str]]:
    """Rows timed without the kernels of one file, beside all of them."""
    ours = timed(folder / "bench.json").get("", {})
    return [[kernel, row, f"{1e3 * found['median_s']:.3f}", f"{1e3 * ours[row]['median_s']:.3f}",
             f"{found['median_s'] / ours[row]['median_s']:.2f}x"]
            for kernel, rows in timed(folder / "each_kernel.json").items() for row, found in rows.items()
            if "median_s" in found and "median_s" in ours.get(row, {})]


KINDS = {"batch norm": r"batchnorm|batch_norm", "layer norm": r"layer_norm|GammaBeta",
         "attention": r"sdpa|cudnn::fusion",
         "convolutions": r"[wd]grad|fprop|conv|gpu::(add_weights|depthwise)|5x_cudnn|nhwcAddPadding|"
                         r"init_device_workspace",
         "matrix products": r"nvjet|gemm|cublas|splitK", "combinations": r"gpu::(combine|learned)",
         "stages of vectors": r"gpu::whole",
         "optimizer, loss scale": r"multi_tensor_apply|gpu::(update|weigh)_",
         "copies to other types": r"copy_kernel|gpu::cast", "GELU": r"Gelu", "sums": r"reduce_kernel",
         "fills": r"(?i)memset|fill", "the rest": ""}


def profile(timed_rows: dict[str, dict[str, Any]]) -> dict[str, dict[str, tuple[float, float]]]:
    """By row and kind: kernels and microseconds of an iteration."""
    rows = {}
    for row, found in timed_rows.items():
        kinds = {kind: (0.0, 0.0) for kind in KINDS}
        for time in found.get("kernel_times", []):
            kind = next(k for k, pattern in KINDS.items() if re.search(pattern, time["kernel"]))
            kinds[kind] = (kinds[kind][0] + time["calls"], kinds[kind][1] + time["us"])
        rows[row] = kinds
    return rows


def profiles(folder: pathlib.Path) -> list[list[str]]:
    found = timed(folder / "profile.json")
    without, ours = profile(found.get("--no-kernels", {})), profile(found.get("", {}))
    return [[row, kind, f"{calls:.0f}", f"{us:.0f}", f"{ours[row][kind][0]:.0f}", f"{ours[row][kind][1]:.0f}"]
            for row, kinds in without.items() if row in ours for kind, (calls, us) in kinds.items()
            if calls or ours[row][kind][0]]


def summaries(folder: pathlib.Path) -> list[dict[str, Any]]:
    found = []
    for archive in sorted(folder.glob("runs-*.tar.gz")):
        with tarfile.open(archive) as runs:
            found += [json.loads(runs.extractfile(member).read()) for member in runs.getmembers()
                      if member.name.endswith("/summary.json")]
    return found


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
    if compared := [row for folder in folders for row in kernels(folder)]:
        text += ("\n## With the project's kernels\n\nMilliseconds of an iteration, medians over blocks of 20.\n\n" +
                 table(["row", "operators (ms)", "kernels (ms)", "overlapping (ms)", "kernels faster by",
                        "overlapping by"], compared))
    if worth := [row for folder in folders for row in each_kernel(folder)]:
        text += ("\n## What each kernel gains\n\nMilliseconds of an iteration.\n\n" +
                 table(["kernels of", "row", "without (ms)", "with all (ms)", "faster by"], worth))
    if parts := [row for folder in folders for row in profiles(folder)]:
        text += ("\n## Where the time goes\n\nOf an iteration in float16, by `optdnn bench --profile`; the host's work "
                 "and pauses between kernels are not in it.\n\n" +
                 table(["row", "kind", "operators: kernels", "us", "with own kernels: kernels", "us"], parts))
    for path in (path for folder in folders for path in folder.glob("together.json")):
        found = json.loads(path.read_text())
        lines = [[str(ways[0]["processes"]), *(f"{way['samples_per_s']:,.0f}" for way in ways)]
                 for ways in zip(*found.values())]
        text += (f"\n## Several processes at once\n\nSamples a second of all together, of row "
                 f"{found['by turns'][0]['row']}.\n\n" + table(["processes", *found], lines))
    for peers in sorted(path for folder in folders for path in folder.glob("peers*.md")):
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
