#!/usr/bin/env python3
# The peak of memory that `optdnn check` estimates beside what `optdnn train` has at its peak (ru_maxrss, which is VmHWM
# of the process), row by row.
#   scripts/python scripts/bench/memory_estimate.py [--config configs/smoke.yaml] [--row ID]... [--set PATH=VALUE]...
# Exit codes: 0 all within 20 %, 1 not.
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

SOURCE = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = os.environ.get("OPTDNN_PROGRAM", str(SOURCE / "build/release/optdnn"))
ALLOWED = 0.2


def estimate_mib(arguments: list[str]) -> dict[str, float]:
    text = subprocess.run([PROGRAM, "check", *arguments, "--json"], cwd=SOURCE, check=True, capture_output=True,
                          text=True).stdout
    return {row["id"]: row["memory_mib"] for row in json.loads(text)}


def peak_mib(arguments: list[str]) -> float:
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen([PROGRAM, "train", *arguments, "--quiet", "--out", folder], cwd=SOURCE)
        _, status, usage = os.wait4(process.pid, 0)
        if status != 0:
            sys.exit(f"the training ended with status {status}")
        return usage.ru_maxrss / 1024


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--config", default="configs/smoke.yaml")
    parser.add_argument("--row", action="append", default=[])
    parser.add_argument("--set", action="append", default=[])
    options = parser.parse_args()
    common = [options.config, "--threads", "1"] + [word for value in options.set for word in ("--set", value)]
    rows = options.row or list(estimate_mib(common))
    print("| row | estimated (MiB) | at the peak (MiB) | ratio |\n|---|--:|--:|--:|")
    worst = 0.0
    for row in rows:
        arguments = [*common, "--row", row]
        estimated, measured = estimate_mib(arguments)[row], peak_mib(arguments)
        worst = max(worst, abs(estimated / measured - 1))
        print(f"| {row} | {estimated:.0f} | {measured:.0f} | {estimated / measured:.2f} |", flush=True)
    print(f"\nlargest difference {100 * worst:.0f} %")
    return 0 if worst <= ALLOWED else 1


if __name__ == "__main__":
    sys.exit(main())
