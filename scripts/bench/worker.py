# A Python peer, under the Python of .venv-peers. Reads JSON lines: first what to train, then {"losses": n} or
# {"iterations": n, "warm_up": m} or {"peak": true}; answers each with a JSON list, the losses of n iterations from the
# initial weights, the seconds of n iterations, or the peak memory of the process in MiB. Eager or compiled; fused
# optimizer; images channels-last.
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
    """By our names, which are theirs; a running mean may have one row per step there."""
    state = network.state_dict()
    for name, tensor in state.items():
        if not name.endswith("num_batches_tracked"):
            tensor.copy_(weights.pop(name).reshape(tensor.shape))
    if weights:
        raise RuntimeError(f"weights without a place: {', '.join(weights)}")


def make_iteration(task: dict[str, Any], batches: list[tuple[torch.Tensor, torch.Tensor]]) -> Callable[[int], Any]:
    """A network at its initial weights; each call trains it once, on the n-th batch, and returns the loss."""
    network = getattr(networks, task["network"])(**task["arguments"])
    load(network, load_file(pathlib.Path(task["folder"]) / "initial.safetensors"))
    if batches[0][0].dim() == 4:
        network = network.to(memory_format=torch.channels_last)
    options = dict(task["optimizer"])
    optimizer = getattr(torch.optim, options.pop("name"))(network.parameters(), fused=True, **options)

    def loss_of(inputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.cross_entropy(network(inputs), targets)

    run = torch.compile(loss_of) if task["compiled"] else loss_of

    def iteration(number: int) -> torch.Tensor:
        loss = run(*batches[number % len(batches)])
        loss.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        return loss.detach()

    return iteration


def read_batches(folder: pathlib.Path) -> list[tuple[torch.Tensor, torch.Tensor]]:
    tensors = load_file(folder / "batches.safetensors")
    batches = [(tensors[f"{i}/inputs"], tensors[f"{i}/targets"]) for i in range(len(tensors) // 2)]
    return [(x.contiguous(memory_format=torch.channels_last) if x.dim() == 4 else x, y) for x, y in batches]


def main() -> None:
    task = json.loads(sys.stdin.readline())
    torch.set_num_threads(task["threads"])
    batches = read_batches(pathlib.Path(task["folder"]))
    timed, done = make_iteration(task, batches), 0
    for line in sys.stdin:
        question = json.loads(line)
        if "losses" in question:
            iteration = make_iteration(task, batches)
            answer = [iteration(n).item() for n in range(question["losses"])]
        elif "peak" in question:
            answer = [resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024]
        else:
            answer = []
            for n in range(question["warm_up"] + question["iterations"]):
                begin = time.perf_counter()
                timed(done)
                answer.append(time.perf_counter() - begin)
                done += 1
            answer = answer[question["warm_up"]:]
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
