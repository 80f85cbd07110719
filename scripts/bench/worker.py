# A Python peer, under the Python of .venv-peers. Reads JSON lines: first what to train, then {"losses": n} or
# {"iterations": n, "warm_up": m} or {"peak": true}; answers each with a JSON list: the losses of n iterations from the
# initial weights, the seconds of n iterations, or the peak memory in MiB, on a CPU of the process, on a GPU of what
# PyTorch took of it. Eager or compiled; fused optimizer; images channels-last. On a GPU in 16 bits by autocast, float16
# with a loss scale, the fastest convolutions, and one wait in a block of iterations, whose mean is the time of each.
import json
import pathlib
import resource
import sys
import time
from typing import Any, Callable

import torch
from safetensors.torch import load_file

import networks


def load(network: torch.nn.Module, weights: dict[str, torch.Tensor]) -> None:
    """By our names, which are theirs unless it says which; a running mean may have one row per step there."""
    if hasattr(network, "renamed"):
        weights = network.renamed(weights)
    state = network.state_dict()
    for name, tensor in state.items():
        if not name.endswith("num_batches_tracked"):
            tensor.copy_(weights.pop(name).reshape(tensor.shape))
    if weights:
        raise RuntimeError(f"weights without a place: {', '.join(weights)}")


def make_iteration(task: dict[str, Any], batches: list[tuple[torch.Tensor, torch.Tensor]]) -> Callable[[int], Any]:
    """A network at its initial weights; each call trains it once, on the n-th batch, and returns the loss."""
    device, precision = task["device"], getattr(torch, task["precision"])
    network = getattr(networks, task["network"])(**task["arguments"])
    load(network, load_file(pathlib.Path(task["folder"]) / "initial.safetensors"))
    network = network.to(device)
    if batches[0][0].dim() == 4:
        network = network.to(memory_format=torch.channels_last)
    options = dict(task["optimizer"])
    optimizer = getattr(torch.optim, options.pop("name"))(network.parameters(), fused=True, **options)

    scaler = torch.amp.GradScaler(device, enabled=precision == torch.float16)

    def loss_of(inputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        with torch.autocast(device, precision, enabled=precision != torch.float32):
            return torch.nn.functional.cross_entropy(network(inputs), targets)

    mode = task["compile_mode"]
    run = torch.compile(loss_of, mode=mode) if mode else loss_of

    def iteration(number: int) -> torch.Tensor:
        loss = run(*batches[number % len(batches)])
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
        optimizer.zero_grad(set_to_none=True)
        return loss.detach()

    return iteration


def read_batches(folder: pathlib.Path, device: str) -> list[tuple[torch.Tensor, torch.Tensor]]:
    tensors = load_file(folder / "batches.safetensors", device=device)
    batches = [(tensors[f"{i}/inputs"], tensors[f"{i}/targets"]) for i in range(len(tensors) // 2)]
    return [(x.contiguous(memory_format=torch.channels_last) if x.dim() == 4 else x, y) for x, y in batches]


def wait(device: str) -> None:
    if device != "cpu":
        torch.cuda.synchronize()


def main() -> None:
    task = json.loads(sys.stdin.readline())
    torch.set_num_threads(task["threads"])
    torch.backends.cudnn.benchmark = True
    torch.backends.cudnn.allow_tf32 = False  # as `train.precision: float32` has it
    batches = read_batches(pathlib.Path(task["folder"]), task["device"])
    block = 1 if task["device"] == "cpu" else 20
    timed, done = make_iteration(task, batches), 0
    for line in sys.stdin:
        question = json.loads(line)
        if "losses" in question:
            iteration = make_iteration(task, batches)
            answer = [iteration(n).item() for n in range(question["losses"])]
        elif "peak" in question:
            answer = [resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 if task["device"] == "cpu" else
                      torch.cuda.max_memory_reserved() / 2**20]
        else:
            answer = []
            for n in range(question["warm_up"]):
                timed(done + n)
            for n in range(question["iterations"] // block):
                wait(task["device"])
                begin = time.perf_counter()
                for i in range(block):
                    timed(done + i)
                wait(task["device"])
                answer.append((time.perf_counter() - begin) / block)
                done += block
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
