# What `optdnn export RUN --to net.safetensors` writes: the weights by their names and, in the metadata, the network as
# the program describes it (lib/optdnn/experiment/describe.h) and the `preparation` of its samples
# (lib/optdnn/data/preparation.h). The format: lib/optdnn/training/safetensors.h.
import json
import pathlib
from typing import Any

import torch

TYPES = {"F32": torch.float32, "F64": torch.float64, "I64": torch.int64}
MOST_HEADER = 100 << 20


class Damaged(Exception):
    """The file is not what it should be; says why."""


def read(path: pathlib.Path) -> tuple[dict[str, torch.Tensor], dict[str, Any] | None]:
    """The tensors, and the description where there is one, the preparation in it."""
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    if len(data) < 8 or length > min(len(data) - 8, MOST_HEADER):
        raise Damaged(f"{path}: no safetensors file")
    try:
        header = json.loads(data[8:8 + length])
        metadata = header.pop("__metadata__", {})
        tensors = {name: tensor_of(entry, memoryview(data)[8 + length:]) for name, entry in header.items()}
        if "network" not in metadata:
            return tensors, None
        return tensors, json.loads(metadata["network"]) | {"preparation": json.loads(metadata.get("preparation", "{}"))}
    except (ValueError, KeyError, TypeError, AttributeError, RuntimeError) as error:
        raise Damaged(f"{path}: a damaged safetensors file: {error}") from None


def tensor_of(entry: dict[str, Any], data: memoryview) -> torch.Tensor:
    begin, end = entry["data_offsets"]
    kind = TYPES[entry["dtype"]]
    if not 0 <= begin <= end <= len(data):
        raise ValueError("a tensor lies outside the file")
    if begin == end:
        return torch.empty(entry["shape"], dtype=kind)
    return torch.frombuffer(bytearray(data[begin:end]), dtype=kind).reshape(entry["shape"])
