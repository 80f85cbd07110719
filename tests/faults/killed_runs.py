#!/usr/bin/env python3
# Kills `optdnn train CONFIG` with SIGKILL again and again, each time after a random time, until it has ended; then
# compares what it left with what an unbroken run leaves: weights and records must be the same bit by bit.
#   scripts/python tests/faults/killed_runs.py --kills 200 [--config configs/smoke.yaml] [--row ID]... [--seed 1]
# Prints how many processes were killed and how many run folders were compared. Exit codes: 0 all the same, 1 not.
import argparse
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import time

SOURCE = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = os.environ.get("OPTDNN_PROGRAM", str(SOURCE / "build/release/optdnn"))


def records(run: pathlib.Path) -> list[dict]:
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return [{name: value for name, value in line.items() if name != "seconds"} for line in lines]


def train(arguments: list[str], out: pathlib.Path) -> subprocess.Popen:
    return subprocess.Popen([PROGRAM, "train", *arguments, "--out", str(out), "--quiet", "--threads", "1"], cwd=SOURCE,
                            stderr=subprocess.PIPE, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"})


def ended(process: subprocess.Popen) -> None:
    error = process.communicate()[1]
    if process.returncode != 0:
        sys.exit(f"the program ended with {process.returncode}\n{error}")


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--config", default="configs/smoke.yaml")
    parser.add_argument("--row", action="append", default=[])
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    arguments = [options.config] + [word for row in options.row for word in ("--row", row)]
    arguments += ["--set", "train.save_every={iterations: 3}", "--set", "train.log_every={iterations: 1}"]
    random.seed(options.seed)
    with tempfile.TemporaryDirectory() as folder:
        unbroken = pathlib.Path(folder) / "unbroken"
        begin = time.monotonic()
        ended(train(arguments, unbroken))
        whole_s = time.monotonic() - begin
        kills = compared = 0
        wrong = []
        while kills < options.kills:
            out = pathlib.Path(folder) / f"killed-{kills}"
            while kills < options.kills:
                process = train(arguments, out)
                try:
                    process.wait(timeout=random.uniform(0.3, 0.3 + whole_s / 16))
                    break
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.communicate()
                    kills += 1
            ended(train(arguments, out))
            for run in sorted(unbroken.glob("*/*/seed-*")):
                other = out / run.relative_to(unbroken)
                compared += 1
                weights = "checkpoints/last.safetensors"
                same = records(run) == records(other) and (run / weights).read_bytes() == (other / weights).read_bytes()
                if not same:
                    wrong.append(str(other))
        print(f"{kills} processes killed, {compared} run folders compared, {len(wrong)} differ")
        print("\n".join(wrong))
        return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
