# net.py beside the program: the same samples through both.
import importlib.util
import pathlib
import types
from typing import Any

import torch

from export import description

LOOSE = 1e-4  # of the largest output: rounding, and the program's own convolutions


def imported(path: pathlib.Path) -> types.ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def difference(path: pathlib.Path, samples: pathlib.Path) -> tuple[int, float, float]:
    """(samples, the largest difference of an output, the largest output)."""
    tensors, _ = description.read(samples)
    model = imported(path).load()
    with torch.no_grad():
        ours = model(tensors["inputs"].to(next(model.parameters()).dtype))
    theirs = tensors["outputs"].to(ours.dtype)
    return len(ours), (ours - theirs).abs().max().item(), theirs.abs().max().item()


def allowed(described: dict[str, Any]) -> float:
    """The share of the largest output that may differ. A solve may end a step earlier or later."""
    config = described["config"]
    solver = config.get("solver") or config.get("model", {}).get("solver")
    return LOOSE if solver is None else max(LOOSE, 10 * solver["tolerance"])
