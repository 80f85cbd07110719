#!/usr/bin/env python3
# How fast one run would be on many processes, ahead of a cluster: a model of an iteration, played through with uneven
# processes, and its check against worlds of two and three processes on this machine.
#   scripts/scaling.py --seconds 0.0875 --parameters 28.6e6 --norms 0        # one iteration on one GPU, measured
#   scripts/scaling.py --seconds 0.0875 --parameters 28.6e6 --node 8 --inside 450e9 --between 50e9 --latency 5e-6
#   scripts/scaling.py --check                                               # trains on 1, 2 and 3 processes here
# An iteration of a batch that N processes share takes
#   compute     fixed + (seconds - fixed) / N, of the slowest of N whose times scatter by --scatter
#   agreement   one exchange of a few numbers between the hosts, before the gradients
#   norms       two exchanges of a few numbers for each batch norm
#   gradients   an all-reduce of 4 bytes a parameter: a ring within a node, 2 (g-1)/g bytes / inside; between nodes each
#               of the node's g processes reduces its part, by a ring or a tree, whichever is faster
# With --overlap gradients travel in pieces while the backward pass, two thirds of the computing, makes the others; the
# program does not do that. The bandwidths are those of one process's link, in bytes a second. Exit codes: 0; 1 if the
# model is off by more than --within; 2 wrong usage; 3 the program is missing.
import argparse
import json
import math
import os
import pathlib
import random
import statistics
import subprocess
import sys
import tempfile

SOURCE = pathlib.Path(__file__).resolve().parent.parent
PROGRAM = os.environ.get("OPTDNN_PROGRAM", str(SOURCE / "build/release/optdnn"))
PIECES, ROUNDS = 8, 50


def all_reduce(processes: int, size: float, latency: float, bandwidth: float) -> float:
    """Seconds; a ring or a tree."""
    if processes == 1:
        return 0
    ring = 2 * (processes - 1) * (latency + size / processes / bandwidth)
    tree = 2 * math.ceil(math.log2(processes)) * latency + 2 * size / bandwidth
    return min(ring, tree)


class Model:
    def __init__(self, o: argparse.Namespace) -> None:
        self.o = o

    def reduce(self, processes: int, size: float) -> float:
        o = self.o
        inside = min(processes, o.node)
        nodes = math.ceil(processes / o.node)
        return (all_reduce(inside, size, o.latency_inside, o.inside) +
                all_reduce(nodes, size / inside, o.latency, o.between))

    def iteration(self, processes: int, overlap: bool, noise: random.Random) -> float:
        o = self.o
        even = o.fixed + (o.seconds - o.fixed) / processes * max(1.0, processes / o.cores)
        compute = max(even * max(0.0, noise.gauss(1, o.scatter)) for _ in range(processes))
        if processes == 1:
            return compute
        small = all_reduce(processes, 64, o.latency_host, o.between)
        norms = 2 * o.norms * self.reduce(processes, 2048)
        size = 4 * o.parameters
        if not overlap:
            return compute + small + norms + self.reduce(processes, size)
        compute += norms
        done = 0.0
        for piece in range(PIECES):
            ready = compute * (1 / 3 + 2 / 3 * (piece + 1) / PIECES)
            done = max(ready, done) + self.reduce(processes, size / PIECES)
        return done + small

    def mean(self, processes: int, overlap: bool = False) -> float:
        noise = random.Random(processes)
        return statistics.fmean(self.iteration(processes, overlap, noise) for _ in range(ROUNDS))


def table(model: Model) -> None:
    one = model.mean(1)
    print(f"{'processes':>9}  {'ms':>9}  {'faster':>7}  {'efficiency':>10}  {'overlapped':>10}")
    for processes in [2**k for k in range(11)]:
        plain, overlapped = model.mean(processes), model.mean(processes, overlap=True)
        print(f"{processes:>9}  {1e3 * plain:>9.3f}  {one / plain:>7.2f}  {100 * one / plain / processes:>8.1f} %"
              f"  {100 * one / overlapped / processes:>8.1f} %")


# --- the check: one small ResNet at two widths ---

CONFIG = """
dataset: {{name: generated_images, size_px: 8, train_images: 1024, test_images: 8, batch_size: 256}}
model: {{name: resnet, layers: 8, width: {width}}}
optimizer: {{name: sgd, learning_rate: 0.001}}
evaluate: {{batch_size: 8, every: {{iterations: {iterations}}}}}
train: {{length: {{iterations: {iterations}}}, log_every: {{iterations: 5}},
         save_every: {{iterations: {iterations}}}}}
"""


def measured(width: int, processes: int, threads: int, iterations: int) -> list[float]:
    """Seconds of an iteration between log points, but for the first two and the last, which evaluates."""
    with tempfile.TemporaryDirectory() as folder:
        config = pathlib.Path(folder) / "c.yaml"
        config.write_text(CONFIG.format(width=width, iterations=iterations))
        words = [PROGRAM, "train", str(config), "--out", folder, "--quiet", "--device", "cpu",
                 "--threads", str(threads)]
        subprocess.run(words + (["--processes", str(processes)] if processes > 1 else []), check=True)
        lines = next(pathlib.Path(folder).glob("c/run/seed-0/metrics.jsonl")).read_text().splitlines()
    times = [json.loads(line)["seconds"] for line in lines]
    return [(b - a) / 5 for a, b in zip(times[1:-1], times[2:-1])]


def parameters_of(width: int) -> tuple[int, int]:
    """Of the check's network, and its batch norms."""
    with tempfile.TemporaryDirectory() as folder:
        config = pathlib.Path(folder) / "c.yaml"
        config.write_text(CONFIG.format(width=width, iterations=5))
        found = json.loads(subprocess.run([PROGRAM, "info", str(config), "--json"], check=True, capture_output=True,
                                          text=True).stdout)
    return found[0]["parameters"], 9


def spread(times: list[float]) -> str:
    return f"{1e3 * statistics.median(times):8.2f} ms ({1e3 * min(times):.2f} to {1e3 * max(times):.2f})"


def check(o: argparse.Namespace) -> int:
    cores = len(os.sched_getaffinity(0))
    small, large = {}, {}
    for width, found in [(4, small), (o.width, large)]:
        for processes in [1, 2, 3]:
            found[processes] = measured(width, processes, 1, o.iterations)
            print(f"width {width:>3}, {processes} x 1 thread:  {spread(found[processes])}, n = {len(found[processes])}")
    threads = measured(o.width, 1, cores, o.iterations)
    print(f"width {o.width:>3}, 1 x {cores} threads: {spread(threads)}; two processes take "
          f"{statistics.median(large[2]) / statistics.median(threads):.2f} times that")
    # Of the small network what two processes take beyond the computing is latency: 2 sums, 2 exchanges a norm.
    parameters, norms = parameters_of(o.width)
    beyond = statistics.median(small[2]) - statistics.median(small[1]) / 2
    o.latency = o.latency_inside = o.latency_host = max(1e-6, beyond / (2 * (2 * norms + 2)))
    o.seconds, o.parameters, o.norms = statistics.median(large[1]), parameters, norms
    o.cores, o.node, o.fixed = cores, 1, 0
    o.between = o.bandwidth
    print(f"latency {1e6 * o.latency:.0f} us from the small network, bandwidth {o.bandwidth:.3g} bytes/s as given")
    worst = 1.0
    for processes in [2, 3]:
        told, seen = Model(o).mean(processes), statistics.median(large[processes])
        worst = max(worst, told / seen, seen / told)
        print(f"{processes} processes: the model says {1e3 * told:.2f} ms, measured {1e3 * seen:.2f} ms")
    print(f"off by a factor of {worst:.2f} at most")
    return 0 if worst <= o.within else 1


def main() -> int:
    parser = argparse.ArgumentParser(formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--seconds", type=float, help="of an iteration in one process")
    parser.add_argument("--parameters", type=float, help="of the network")
    parser.add_argument("--norms", type=int, default=0, help="batch norms in it")
    parser.add_argument("--fixed", type=float, default=0.0, help="seconds of an iteration that no share makes shorter")
    parser.add_argument("--scatter", type=float, default=0.02, help="deviation of a process's time, of its mean")
    parser.add_argument("--node", type=int, default=8, help="processes of a node")
    parser.add_argument("--inside", type=float, default=300e9, help="bytes a second between processes of a node")
    parser.add_argument("--between", type=float, default=25e9, help="bytes a second of a process between nodes")
    parser.add_argument("--latency-inside", type=float, default=5e-6, help="seconds of a message in a node")
    parser.add_argument("--latency", type=float, default=10e-6, help="seconds of a message between nodes")
    parser.add_argument("--latency-host", type=float, default=50e-6, help="seconds of a message between hosts, by Gloo")
    parser.add_argument("--cores", type=int, default=1 << 20, help="processes that compute at a time")
    parser.add_argument("--check", action="store_true", help="train here on 1, 2 and 3 processes")
    parser.add_argument("--bandwidth", type=float, default=1e9, help="--check: bytes a second between processes here")
    parser.add_argument("--width", type=int, default=32, help="--check: of the larger network")
    parser.add_argument("--iterations", type=int, default=40, help="--check: of a training")
    parser.add_argument("--within", type=float, default=1.5, help="--check: factor by which the model may be off")
    o = parser.parse_args()
    if o.check:
        if not pathlib.Path(PROGRAM).exists():
            print(f"{PROGRAM} is missing\n   hint: cmake --build --preset release", file=sys.stderr)
            return 3
        return check(o)
    if o.seconds is None or o.parameters is None:
        parser.error("--seconds and --parameters are wanted, or --check")
    table(Model(o))
    return 0


if __name__ == "__main__":
    sys.exit(main())
