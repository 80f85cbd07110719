# net.py -> ONNX, by torch's exporter, for what has no end that depends on the numbers: explicit rules, and solves by
# picard that take all their steps (tolerance 0). Weights that are normalised are so once and for all. How samples
# become inputs and outputs values is kept as the file's metadata `preparation` (lib/optdnn/data/preparation.h).
import json
import logging
import pathlib
from typing import Any

import torch

from export import compare, description


class Refused(Exception):
    """Why this network has no ONNX."""


class Missing(Exception):
    """A package that is not installed."""


def why_not(described: dict[str, Any]) -> str:
    """Empty if the network can be written."""
    config = described["config"]
    solver = config.get("solver") or config.get("model", {}).get("solver")
    name = described["rule"]["name"] if described.get("rule") else config["model"]["name"]
    if solver is None:
        return ""
    if config.get("model", {}).get("splitting") == "peaceman_rachford":
        return f"'{name}' solves by FFT; splitting: forward_backward does not"
    if solver["name"] != "picard":
        return f"'{name}' is solved by {solver['name']}, whose steps solve linear systems; solver: picard does not"
    if solver["tolerance"] > 0:
        return f"'{name}' is solved to a tolerance, in as many steps as that takes; tolerance: 0 takes all of them"
    return ""


def write(module: pathlib.Path, to: pathlib.Path, described: dict[str, Any], samples: pathlib.Path | None) -> list[str]:
    """The operators that the file uses."""
    if reason := why_not(described):
        raise Refused(reason)
    try:
        import onnx
        import onnxscript  # noqa: F401  torch's exporter wants it
    except ModuleNotFoundError as error:
        raise Missing(error.name) from None
    model = compare.imported(module).load()
    with torch.no_grad():
        for part in model.modules():
            if hasattr(part, "used"):
                part.used = lambda weights=part.used(): weights
    kind = next(model.parameters()).dtype
    inputs = torch.zeros(2, *described["input"], dtype=kind)
    if samples:
        inputs = description.read(samples)[0]["inputs"][:2].to(kind)
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # it would tell of packages that are not needed
    batch = torch.export.Dim("batch", min=1, max=1 << 20)
    program = torch.onnx.export(model, (inputs,), dynamo=True, dynamic_shapes=({0: batch},), input_names=["inputs"],
                                output_names=["outputs"], verbose=False)
    program.save(str(to))
    written = onnx.load(str(to))
    onnx.helper.set_model_props(written, {"preparation": json.dumps(described["preparation"])})
    onnx.save(written, str(to))
    return sorted({node.op_type for node in written.graph.node})


def difference(to: pathlib.Path, samples: pathlib.Path) -> tuple[int, float, float]:
    """As of compare.py, by onnxruntime."""
    try:
        import onnxruntime
    except ModuleNotFoundError as error:
        raise Missing(error.name) from None
    tensors, _ = description.read(samples)
    session = onnxruntime.InferenceSession(str(to), providers=["CPUExecutionProvider"])
    ours = torch.from_numpy(session.run(None, {"inputs": tensors["inputs"].numpy()})[0])
    theirs = tensors["outputs"].to(ours.dtype)
    return len(ours), (ours - theirs).abs().max().item(), theirs.abs().max().item()
