#!/usr/bin/env python3
# One training iteration of an equilibrium network (model deq), ours against torchdeq: the same weights, batch, solver
# (Anderson, memory 5, relative residual 1e-3 of every sample, at most 30 evaluations), exact gradient by the same solver,
# float32, data in memory. The losses on the CIFAR-10 test set are compared before anything is timed. Both are run in turn.
#   scripts/bench/torchdeq_peer.py [--program build/release/optdnn] [--data data] [--repeats 5] [--width 24]
# Prints a line per measure: minimum and median of ours, of the peer's, and the ratios; times mean nothing by themselves.
# Needs torch, torchdeq 0.1.0 and safetensors; exit code 3 names what is missing.
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

try:
    import numpy as np
    import torch
    from safetensors.torch import load_file
    from torch import nn
    from torch.nn import functional as F
    from torchdeq import get_deq
except ModuleNotFoundError as error:
    print(f"torchdeq_peer.py: Python package '{error.name}' is missing\n   hint: pip install --no-deps torchdeq==0.1.0",
          file=sys.stderr)
    sys.exit(3)

STEPS, TOLERANCE, MEMORY = 30, 1e-3, 5
WARM_UP, ITERATIONS = 3, 12
MEAN, STD = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)


class WeightNormConv(nn.Module):
    """3x3, a gain for each output; the kernel is computed once a pass."""
    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(outputs, inputs, 3, 3))
        self.gain = nn.Parameter(torch.empty(outputs))

    def kernel(self) -> torch.Tensor:
        return self.weight * (self.gain / self.weight.flatten(1).norm(dim=1)).view(-1, 1, 1, 1)


def group_norm(channels: int) -> nn.GroupNorm:
    return nn.GroupNorm(np.gcd(8, channels), channels)


class Deq(nn.Module):
    """lib/optdnn/models/deq.h, with its parameter names where they matter."""
    def __init__(self, width: int, hidden: int):
        super().__init__()
        self.stem = nn.Conv2d(3, width, 3, padding=1, bias=False)
        self.stem_norm, self.head_norm = nn.BatchNorm2d(width), nn.BatchNorm2d(width)
        self.conv1, self.conv2 = WeightNormConv(width, hidden), WeightNormConv(hidden, width)
        self.norm1, self.norm2, self.norm3 = group_norm(hidden), group_norm(width), group_norm(width)
        self.linear = nn.Linear(width, 10)
        self.deq = get_deq(f_solver="anderson", b_solver="anderson", f_max_iter=STEPS, b_max_iter=STEPS, f_tol=TOLERANCE,
                           b_tol=TOLERANCE, f_stop_mode="rel", b_stop_mode="rel", ift=True, core="indexing")

    def load(self, path: str) -> None:
        ours = load_file(path)
        names = {"stem.conv": "stem", "head.norm": "head_norm", "head.linear": "linear"}
        state = {}
        for name, tensor in ours.items():
            layer, _, kind = name.rpartition(".")
            state[f"{names.get(layer, layer)}.{kind}"] = tensor[0] if kind.startswith("running") else tensor
        missing, unexpected = self.load_state_dict(state, strict=False)
        assert not unexpected and all(name.endswith("num_batches_tracked") for name in missing), (missing, unexpected)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        x = self.stem_norm(self.stem(images))
        first, last = self.conv1.kernel(), self.conv2.kernel()

        def layer(z: torch.Tensor) -> torch.Tensor:
            hidden = self.norm1(F.relu(F.conv2d(z, first, padding=1)))
            return self.norm3(F.relu(z + self.norm2(x + F.conv2d(hidden, last, padding=1))))

        states, self.info = self.deq(layer, torch.zeros_like(x), solver_kwargs={"m": MEMORY})
        return self.linear(F.relu(self.head_norm(states[-1])).mean((2, 3)))


def peer(arguments: argparse.Namespace) -> None:
    """In a process of its own: the loss on the test set, or the time of an iteration, as JSON."""
    net = Deq(arguments.width, arguments.hidden).to(memory_format=torch.channels_last)
    net.load(arguments.weights)
    if arguments.peer == "loss":
        print(json.dumps({"loss": test_loss(net, arguments.data)}))
        return
    torch.manual_seed(0)
    images = torch.randn(arguments.batch, 3, 32, 32).contiguous(memory_format=torch.channels_last)
    labels = torch.randint(0, 10, (arguments.batch,))
    optimizer = torch.optim.SGD(net.parameters(), lr=1e-12, fused=True)
    times, steps = [], []
    for iteration in range(WARM_UP + ITERATIONS):
        begin = time.perf_counter()
        optimizer.zero_grad()
        F.cross_entropy(net(images), labels).backward()
        optimizer.step()
        times.append(time.perf_counter() - begin)
        steps.append(net.info["nstep"].float().mean().item())
    print(json.dumps({"ms": 1e3 * statistics.fmean(times[WARM_UP:]), "steps": statistics.fmean(steps)}))


def test_loss(net: Deq, data: str) -> float:
    raw = np.fromfile(next(pathlib.Path(data).rglob("test_batch.bin")), np.uint8).reshape(-1, 3073)
    images = (torch.from_numpy(raw[:, 1:].reshape(-1, 3, 32, 32).copy()).float() / 255 - torch.tensor(MEAN).view(3, 1, 1)) \
        / torch.tensor(STD).view(3, 1, 1)
    labels = torch.from_numpy(raw[:, 0].astype(np.int64))
    net.eval()
    with torch.no_grad():
        losses = [F.cross_entropy(net(images[i:i + 500]), labels[i:i + 500]).item() for i in range(0, len(labels), 500)]
    return statistics.fmean(losses)


CONFIG = """
dataset:   {{name: {dataset}, batch_size: {batch}}}
model:     {{name: deq, width: {width}, hidden: {hidden}, solver: {{name: anderson, steps: {steps}, tolerance: {tolerance}, memory: {memory}}}}}
optimizer: {{name: sgd, learning_rate: 1.0e-12}}
train:     {{length: {{iterations: {iterations}}}, log_every: {{iterations: 1}}, save_every: {{iterations: 1000}}}}
"""


def ours(arguments: argparse.Namespace, folder: pathlib.Path, dataset: str, iterations: int, batch: int) -> tuple[pathlib.Path, int]:
    """The run's folder, and the peak memory of its process in KiB."""
    name = f"{dataset.split(',')[0]}_{iterations}_{batch}"
    config = folder / f"{name}.yaml"
    config.write_text(CONFIG.format(dataset=dataset, batch=batch, width=arguments.width, hidden=arguments.hidden, steps=STEPS,
                                    tolerance=TOLERANCE, memory=MEMORY, iterations=iterations))
    peak = run([arguments.program, "train", str(config), "--out", str(folder / "runs"), "--data", arguments.data, "--fresh",
                "--quiet"])[1]
    return folder / "runs" / name / "run" / "seed-0", peak


def run(command: list[str]) -> tuple[str, int]:
    with tempfile.TemporaryFile("w+") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.PIPE, text=True)
        _, status, usage = os.wait4(process.pid, 0)
        if status != 0:
            raise SystemExit(f"{' '.join(command)}\n{process.stderr.read()}")
        out.seek(0)
        return out.read(), usage.ru_maxrss


def our_time(arguments: argparse.Namespace, folder: pathlib.Path, batch: int) -> tuple[float, int, float]:
    images = "generated_images, train_images: 1024, test_images: 8"
    path, peak = ours(arguments, folder, images, WARM_UP + ITERATIONS, batch)
    records = [json.loads(line) for line in (path / "metrics.jsonl").read_text().splitlines()]
    seconds = {record["iteration"]: record["seconds"] for record in records}
    return 1e3 * (seconds[WARM_UP + ITERATIONS] - seconds[WARM_UP]) / ITERATIONS, peak, records[-1]["solver/steps"]


def peer_time(arguments: argparse.Namespace, weights: str, batch: int) -> tuple[float, int, float]:
    text, peak = run(as_peer(arguments, "time", weights, batch))
    numbers = json.loads(text.splitlines()[-1])
    return numbers["ms"], peak, numbers["steps"]


def as_peer(arguments: argparse.Namespace, what: str, weights: str, batch: int) -> list[str]:
    return [sys.executable, "-B", __file__, "--peer", what, "--weights", weights, "--data", arguments.data, "--width",
            str(arguments.width), "--hidden", str(arguments.hidden), "--batch", str(batch)]


def compare(arguments: argparse.Namespace, folder: pathlib.Path) -> None:
    path, _ = ours(arguments, folder, "cifar10", 1, arguments.batch)
    weights = str(path / "checkpoints" / "last.safetensors")
    mine = json.loads((path / "summary.json").read_text())["last"]["test/loss"]
    theirs = json.loads(run(as_peer(arguments, "loss", weights, arguments.batch))[0].splitlines()[-1])["loss"]
    print(f"loss on the test set: ours {mine:.6f}, torchdeq {theirs:.6f}")
    assert abs(mine - theirs) < 2e-3 * abs(theirs), "the networks differ; nothing was timed"
    mine, theirs = [], []
    for _ in range(arguments.repeats):
        mine.append(our_time(arguments, folder, arguments.batch))
        theirs.append(peer_time(arguments, weights, arguments.batch))
    for name, at in (("ms an iteration", 0), ("peak memory, MiB", 1)):
        scale = 1 / 1024 if at else 1
        a, b = ([scale * one[at] for one in side] for side in (mine, theirs))
        print(f"{name}: ours {min(a):.1f} / {statistics.median(a):.1f}, torchdeq {min(b):.1f} / {statistics.median(b):.1f}, "
              f"ratio {min(b) / min(a):.2f} / {statistics.median(b) / statistics.median(a):.2f} (minimum / median of {len(a)})")
    print(f"mean evaluations a solve: ours {mine[0][2]:.1f}, torchdeq {theirs[0][2]:.1f}; {torch.get_num_threads()} threads, "
          f"torch {torch.__version__}")


def main() -> int:
    parser = argparse.ArgumentParser(description="An equilibrium network: optdnn against torchdeq.")
    root = pathlib.Path(__file__).resolve().parents[2]
    parser.add_argument("--program", default=str(root / "build/release/optdnn"))
    parser.add_argument("--data", default=os.environ.get("OPTDNN_DATA", str(root / "data")))
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--width", type=int, default=24)
    parser.add_argument("--hidden", type=int, default=24)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--weights", help=argparse.SUPPRESS)
    parser.add_argument("--peer", choices=("loss", "time"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.peer:
        peer(arguments)
        return 0
    with tempfile.TemporaryDirectory() as folder:
        compare(arguments, pathlib.Path(folder))
    return 0


if __name__ == "__main__":
    sys.exit(main())
