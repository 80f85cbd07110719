#!/usr/bin/env python3
# What the choice among convolutions stands on (lib/optdnn/kernels/README.md): LibTorch's beside F(2x2, 3x3),
# F(4x4, 3x3) and rows for each pass against channels, image size, batch, and the shapes where they lose. Writes
# report.md and convolutions.png, and names every shape where the rule is not within a tenth of the fastest way.
#   scripts/python scripts/bench/convolutions.py --threads 2 --out configs/results/convolutions
#   scripts/python scripts/bench/convolutions.py --from measured.jsonl --out FOLDER     # of an earlier measurement
# Builds build/release/tests/bench/convolution_times where it is missing. Exit codes: 0; 3 if that fails.
import argparse
import json
import pathlib
import subprocess
import sys
from typing import Any

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "build/release/tests/bench/convolution_times"
PASSES = ("forward", "data", "weights")
WAYS = {"libtorch_s": "LibTorch", "tile_2_s": "F(2x2)", "tile_4_s": "F(4x4)", "rows_s": "rows"}

# (batch, size_px, inputs, outputs), one figure each
CHANNELS = [(128, 32, c, c) for c in (1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 24, 32, 48, 64, 96, 128, 160)]
SIZES = [(64, p, 32, 32) for p in (2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 16, 20, 24, 28, 32, 56)]
BATCHES = [(n, 8, 64, 64) for n in (1, 2, 4, 8, 16, 32, 64, 128, 256)]
OTHERS = ([(128, 32, 3, 16), (128, 32, 16, 3), (128, 32, 8, 16), (128, 32, 16, 8), (128, 16, 16, 32), (1, 32, 16, 16)] +
          [(128, 16, 5, 5), (8, 32, 5, 5), (1, 32, 5, 5), (4, 16, 5, 5), (128, 8, 5, 5), (128, 32, 4, 8)] +
          [(64, 32, c, 12) for c in (28, 100, 160)] + [(64, 16, c, 12) for c in (160, 244, 304)] +
          [(32, 56, 64, 64), (32, 28, 128, 128), (32, 14, 256, 256), (4, 14, 256, 256), (32, 7, 512, 512)])
SWEEPS = {"channels": (CHANNELS, 2, "channels, 32 px, batch 128"), "size": (SIZES, 1, "pixels, 32 channels, batch 64"),
          "batch": (BATCHES, 0, "images of 8 px, 64 channels")}
SLACK = 1.1

Measured = dict[str, Any]


def shape_of(row: Measured) -> tuple[int, int, int, int]:
    return row["batch"], row["size_px"], row["inputs"], row["outputs"]


def measure(options: argparse.Namespace) -> list[Measured]:
    if not PROGRAM.exists():
        subprocess.run(["cmake", "--build", ROOT / "build/release", "--target", "convolution_times"], check=True)
    shapes = dict.fromkeys(CHANNELS + SIZES + BATCHES + OTHERS)
    words = [PROGRAM, "--threads", options.threads, "--rounds", options.rounds, *(["--avx2"] if options.avx2 else []),
             *(",".join(map(str, shape)) for shape in shapes)]
    rows = []
    with subprocess.Popen(list(map(str, words)), stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout
        for line in running.stdout:
            rows.append(json.loads(line))
            print(line, end="", file=sys.stderr)
    if running.returncode:
        raise subprocess.CalledProcessError(running.returncode, words)
    return rows


def gain(row: Measured, way: str) -> float:
    """Times as fast as LibTorch."""
    return row["libtorch_s"] / row[way]


def table(rows: list[Measured]) -> list[str]:
    found = {(shape_of(row), row["pass"]): row for row in rows}
    lines = ["| channels, pixels, batch | " + " | ".join(PASSES) + " |", "|---|" + "--:|" * len(PASSES)]
    for shape in dict.fromkeys(map(shape_of, rows)):
        batch, size_px, inputs, outputs = shape
        cells = [" / ".join(f"{gain(row, key):.1f}" for key in WAYS if key in row and key != "libtorch_s") +
                 f" ({row['fast']})" for row in (found[shape, name] for name in PASSES)]
        lines.append(f"| {inputs} to {outputs}, {size_px} px, {batch} | " + " | ".join(cells) + " |")
    return lines


def misfits(rows: list[Measured]) -> list[str]:
    """Where what `fast` chooses takes longer than the fastest way, by more than the slack."""
    seconds = {name: key for key, name in WAYS.items()}
    lines = []
    for row in rows:
        chosen, fastest = row[seconds[row["fast"]]], min(row[key] for key in WAYS if key in row)
        if chosen > SLACK * fastest:
            best = next(name for key, name in WAYS.items() if row.get(key) == fastest)
            batch, size_px, inputs, outputs = shape_of(row)
            lines.append(f"- {row['pass']}, {inputs} to {outputs} channels, {size_px} px, batch {batch}: {row['fast']} "
                         f"takes {chosen / fastest:.2f} times as long as {best}")
    return lines


def draw(rows: list[Measured], path: pathlib.Path) -> None:
    import matplotlib
    matplotlib.use("Agg")
    from matplotlib import pyplot
    found = {(shape_of(row), row["pass"]): row for row in rows}
    figure, axes = pyplot.subplots(len(PASSES), len(SWEEPS), figsize=(11, 9), sharey="row", layout="constrained")
    for column, (shapes, index, label) in enumerate(SWEEPS.values()):
        for axis, name in zip(axes[:, column], PASSES):
            present = [shape for shape in shapes if (shape, name) in found]
            for key, way in WAYS.items():
                measured = [shape for shape in present if key in found[shape, name]]
                flop = [2 * 9 * n * p * p * c * k for n, p, c, k in measured]
                rate = [f / found[shape, name][key] / 1e9 for f, shape in zip(flop, measured)]
                axis.plot([shape[index] for shape in measured], rate, marker="o", markersize=3, label=way)
            axis.set_xscale("log", base=2)
            axis.set_title(name if column == 1 else "")
            axis.set_xlabel(label if name == PASSES[-1] else "")
            axis.set_ylabel("GFLOP/s of the direct way" if column == 0 else "")
            axis.grid(alpha=0.3)
    axes[0, 0].legend()
    figure.savefig(path, dpi=100)


def main() -> int:
    parser = argparse.ArgumentParser(description="LibTorch's convolutions beside the project's.")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--avx2", action="store_true", help="our AVX2 kernels where AVX-512 is the best")
    parser.add_argument("--from", dest="measured", type=pathlib.Path, help="JSON lines measured before")
    parser.add_argument("--out", type=pathlib.Path, required=True)
    options = parser.parse_args()
    try:
        rows = (list(map(json.loads, options.measured.read_text().splitlines())) if options.measured
                else measure(options))
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"convolutions.py: {error}\n   hint: scripts/optdnn --version configures build/release", file=sys.stderr)
        return 3
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "measured.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    draw(rows, options.out / "convolutions.png")
    wrong = misfits(rows)
    text = ["# 3x3 convolutions: the project's beside LibTorch's", "",
            f"{rows[0]['threads']} threads, {rows[0]['processor']}, {rows[0]['instructions']}; times as fast as "
            "LibTorch, F(2x2) / F(4x4) / rows where channels are few and as many out as in, minimum over rounds in "
            "turn, and in brackets what `fast` chooses.", "",
            "![speed against channels, image size and batch](convolutions.png)", "", *table(rows), "",
            "Where the choice takes more than 1.1 times the fastest way:" if wrong
            else "The choice is nowhere more than 1.1 times the fastest way.", "", *wrong]
    (options.out / "report.md").write_text("\n".join(text).rstrip() + "\n")
    print("\n".join(text))
    return 0


if __name__ == "__main__":
    sys.exit(main())
