# How net.py gets its weights.
import torch

nn, F = torch.nn, torch.nn.functional


class Net(nn.Module):
    """In net.py: the network."""


def load(path=__file__.removesuffix(".py") + ".safetensors"):
    """The network with its weights, in evaluation. They are a safetensors file: eight bytes with the length of a
    header in JSON, the header with the place of every tensor by name, the tensors."""
    with open(path, "rb") as file:
        data = file.read()
    length = int.from_bytes(data[:8], "little")
    header, numbers = data[8:8 + length].decode(), bytearray(data[8 + length:])
    types = {"F32": torch.float32, "F64": torch.float64, "I64": torch.int64}
    net = Net()
    if '"dtype":"F64"' in header:
        net.double()
    with torch.no_grad():
        for name, tensor in net.state_dict().items():
            entry = header.split(f'"{name}":{{', 1)[1].split("}", 1)[0]
            kind = types[entry.split('"dtype":"', 1)[1].split('"', 1)[0]]
            begin, end = map(int, entry.split('"data_offsets":[', 1)[1].split("]", 1)[0].split(","))
            shape = [int(n) for n in entry.split('"shape":[', 1)[1].split("]", 1)[0].split(",") if n]
            if shape != list(tensor.shape):
                raise ValueError(f"{path}: {name} has shape {shape}, not {list(tensor.shape)}")
            tensor.copy_(torch.frombuffer(numbers[begin:end], dtype=kind).reshape(shape))
    return net.eval()
