# The peers' networks, written as one writes them in PyTorch. Their parameters have our names.
import math
import re
import sys
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional


def import_timm() -> Any:
    """torchvision from PyPI cannot load its operators beside a CPU build of torch. timm's models need none of them, but
    torchvision wants two to be declared before it lets itself be imported."""
    try:
        import timm
    except RuntimeError:
        for name in [name for name in sys.modules if name.split(".")[0] in ("timm", "torchvision")]:
            del sys.modules[name]
        library = torch.library.Library("torchvision", "FRAGMENT")
        for name in ("nms", "qnms"):
            library.define(name + "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        import timm
        timm.declared_operators = library  # they last as long as this
    return timm


class Timm(nn.Module):
    """A network of timm's. It has our names with the `names` replaced, each a pattern and what takes its place."""

    def __init__(self, name: str, classes: int, names: dict[str, str]):
        super().__init__()
        self.model, self.names = import_timm().create_model(name, num_classes=classes), names

    def renamed(self, weights: dict[str, Tensor]) -> dict[str, Tensor]:
        for pattern, name in self.names.items():
            weights = {re.sub(pattern, name, key): tensor for key, tensor in weights.items()}
        return {f"model.{key}": tensor for key, tensor in weights.items()}

    def forward(self, x: Tensor) -> Tensor:
        return self.model(x)


class TwoLayer(nn.Module):
    def __init__(self, width: int, hidden: int):
        super().__init__()
        self.layer1, self.layer2 = nn.Linear(width, hidden), nn.Linear(hidden, width)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer2(torch.tanh(self.layer1(x)))


class VectorNetwork(nn.Module):
    """Steps over the plane; a rule is its loop."""

    def __init__(self, depth: int, width: int, hidden: int, classes: int):
        super().__init__()
        self.stage_0 = nn.ModuleDict({"T": nn.ModuleList(TwoLayer(width, hidden) for _ in range(depth))})
        self.head = nn.ModuleDict({"linear": nn.Linear(width, classes)})

    def run(self, x: Tensor) -> Tensor:
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        return self.head["linear"](self.run(x))


class GradientDescent(VectorNetwork):
    def run(self, x: Tensor) -> Tensor:
        for T in self.stage_0["T"]:
            x = x + T(x)
        return x


class Momentum(VectorNetwork):
    def __init__(self, g: float, **sizes: int):
        super().__init__(**sizes)
        self.g = g

    def run(self, x: Tensor) -> Tensor:
        v = torch.zeros_like(x)
        for T in self.stage_0["T"]:
            v = self.g * v + (1 - self.g) * T(x)
            x = x + v
        return x


class Block(nn.Module):
    """BN-ReLU-Conv-BN-ReLU-Conv (He et al. 2016b)."""

    def __init__(self, width: int):
        super().__init__()
        self.norm1, self.norm2 = nn.BatchNorm2d(width), nn.BatchNorm2d(width)
        self.conv1, self.conv2 = (nn.Conv2d(width, width, 3, padding=1, bias=False) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv1(torch.relu(self.norm1(x)))
        return self.conv2(torch.relu(self.norm2(x)))


class ResNet(nn.Module):
    """Pre-activation, three stages, a strided 1x1 convolution between two."""

    def __init__(self, blocks: int, widths: list[int], classes: int):
        super().__init__()
        self.stem = nn.ModuleDict({"conv": nn.Conv2d(3, widths[0], 3, padding=1, bias=False)})
        for i, width in enumerate(widths):
            if i > 0:
                between = nn.Conv2d(widths[i - 1], width, 1, stride=2, bias=False)
                setattr(self, f"transition_{i}", nn.ModuleDict({"conv": between}))
            setattr(self, f"stage_{i}", nn.ModuleDict({"T": nn.ModuleList(Block(width) for _ in range(blocks))}))
        self.stages = len(widths)
        self.head = nn.ModuleDict({"norm": nn.BatchNorm2d(widths[-1]), "linear": nn.Linear(widths[-1], classes)})

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem["conv"](x)
        for i in range(self.stages):
            if i > 0:
                x = getattr(self, f"transition_{i}")["conv"](x)
            for T in getattr(self, f"stage_{i}")["T"]:
                x = x + T(x)
        return self.head["linear"](torch.relu(self.head["norm"](x)).mean((2, 3)))


class WideBlock(nn.Module):
    """Pre-activation, whose shortcut is a 1x1 convolution of what is activated where the width changes."""

    def __init__(self, inputs: int, width: int, stride: int):
        super().__init__()
        self.norm1, self.norm2 = nn.BatchNorm2d(inputs), nn.BatchNorm2d(width)
        self.conv1 = nn.Conv2d(inputs, width, 3, stride=stride, padding=1, bias=False)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.projection = nn.Conv2d(inputs, width, 1, stride=stride, bias=False) if inputs != width else None

    def forward(self, x: Tensor) -> Tensor:
        activated = torch.relu(self.norm1(x))
        shortcut = x if self.projection is None else self.projection(activated)
        return shortcut + self.conv2(torch.relu(self.norm2(self.conv1(activated))))


class WideResNet(nn.Module):
    """Zagoruyko and Komodakis 2016, without dropout."""

    def __init__(self, blocks: int, widening: int, classes: int):
        super().__init__()
        self.stem = nn.Conv2d(3, 16, 3, padding=1, bias=False)
        self.blocks, inputs = [], 16
        for stage in range(3):
            for i in range(blocks):
                width = 16 * widening << stage
                self.blocks.append(f"block_{stage}_{i}")
                self.add_module(self.blocks[-1], WideBlock(inputs, width, 2 if stage > 0 and i == 0 else 1))
                inputs = width
        self.last_norm, self.head = nn.BatchNorm2d(inputs), nn.Linear(inputs, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        for block in self.blocks:
            x = getattr(self, block)(x)
        return self.head(torch.relu(self.last_norm(x)).mean((2, 3)))


class NormConvolution(nn.Module):
    """BN-ReLU-Conv."""

    def __init__(self, inputs: int, outputs: int, kernel_px: int, number: str = ""):
        super().__init__()
        self.number = number
        self.add_module("norm" + number, nn.BatchNorm2d(inputs))
        self.add_module("conv" + number, nn.Conv2d(inputs, outputs, kernel_px, padding=kernel_px // 2, bias=False))

    def forward(self, x: Tensor) -> Tensor:
        norm, conv = getattr(self, "norm" + self.number), getattr(self, "conv" + self.number)
        return conv(torch.relu(norm(x)))


class DenseNet(nn.Module):
    """Huang et al. 2017, without bottlenecks and compression; `layers` of each block."""

    def __init__(self, layers: int, growth: int, classes: int):
        super().__init__()
        width, self.layers = 16, layers
        self.stem = nn.ModuleDict({"conv": nn.Conv2d(3, width, 3, padding=1, bias=False)})
        for block in range(3):
            if block > 0:
                self.add_module(f"transition_{block}", NormConvolution(width, width, 1))
            for i in range(layers):
                self.add_module(f"block_{block}_{i}", NormConvolution(width, growth, 3, "1"))
                width += growth
        self.head = nn.ModuleDict({"norm": nn.BatchNorm2d(width), "linear": nn.Linear(width, classes)})

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem["conv"](x)
        for block in range(3):
            if block > 0:
                x = functional.avg_pool2d(getattr(self, f"transition_{block}")(x), 2)
            for i in range(self.layers):
                x = torch.cat([x, getattr(self, f"block_{block}_{i}")(x)], 1)
        return self.head["linear"](torch.relu(self.head["norm"](x)).mean((2, 3)))


class DenseSum(DenseNet):
    """The rule x[k+1] = sum of T[k,j](x[j]) over j: DenseNet with the weights of a layer's T[k,j] side by side."""

    def renamed(self, weights: dict[str, Tensor]) -> dict[str, Tensor]:
        merged = {name: tensor for name, tensor in weights.items() if not name.startswith("stage_")}
        first = "stage_0.T.0_0."
        for name in [key.removeprefix(first) for key in weights if key.startswith(first)]:
            for block in range(3):
                for k in range(self.layers):
                    parts = [weights[f"stage_{block}.T.{k}_{j}.{name}"] for j in range(k + 1)]
                    parts = [part if part.dim() == 4 else part.reshape(1, -1) for part in parts]
                    merged[f"block_{block}_{k}.{name}"] = torch.cat(parts, 1)
        return merged


class DenseApg2(nn.Module):
    """apg2 over BN-ReLU-Conv in the DenseNet setting: what leaves a stage is all its iterates side by side."""

    def __init__(self, steps: int, growth: int, classes: int):
        super().__init__()
        self.stem = nn.ModuleDict({"conv": nn.Conv2d(3, growth, 3, padding=1, bias=False)})
        out = (steps + 1) * growth
        for i in range(3):
            if i > 0:
                self.add_module(f"transition_{i}", NormConvolution(out, growth, 1))
            modules = nn.ModuleList(NormConvolution(growth, growth, 3, "1") for _ in range(steps))
            self.add_module(f"stage_{i}", nn.ModuleDict({"T": modules}))
        self.head = nn.ModuleDict({"norm": nn.BatchNorm2d(out), "linear": nn.Linear(out, classes)})

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem["conv"](x)
        for i in range(3):
            if i > 0:
                x = functional.avg_pool2d(getattr(self, f"transition_{i}")(x), 2)
            z, iterates = x, [x]
            for T in getattr(self, f"stage_{i}")["T"]:
                y = 0.5 * x + 0.5 * z
                step = T(y)
                z, x = z + 1.5 * step, y + step
                iterates.append(x)
            x = torch.cat(iterates, 1)
        return self.head["linear"](torch.relu(self.head["norm"](x)).mean((2, 3)))


class Deq(nn.Module):
    """An equilibrium network by torchdeq: Anderson both ways, exact gradient, every sample within the tolerance."""

    def __init__(self, width: int, hidden: int, classes: int, steps: int, tolerance: float, memory: int):
        super().__init__()
        from torchdeq import get_deq
        self.stem = nn.Conv2d(3, width, 3, padding=1)
        self.stem_norm, self.head_norm = nn.BatchNorm2d(width), nn.BatchNorm2d(width)
        self.conv1 = nn.Conv2d(width, hidden, 3, padding=1, bias=False)
        self.conv2 = nn.Conv2d(hidden, width, 3, padding=1, bias=False)
        self.norm1, self.norm2, self.norm3 = (nn.GroupNorm(math.gcd(8, c), c) for c in (hidden, width, width))
        self.linear = nn.Linear(width * 4 * 4, classes)
        self.memory = memory
        self.deq = get_deq(f_solver="anderson", b_solver="anderson", f_max_iter=steps, b_max_iter=steps,
                           f_tol=tolerance, b_tol=tolerance, f_stop_mode="rel", b_stop_mode="rel", ift=True)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem_norm(self.stem(x))

        def layer(z: Tensor) -> Tensor:
            hidden = self.norm1(torch.relu(self.conv1(z)))
            return self.norm3(torch.relu(z + self.norm2(x + self.conv2(hidden))))

        states, _ = self.deq(layer, torch.zeros_like(x), solver_kwargs={"m": self.memory})
        return self.linear(functional.avg_pool2d(self.head_norm(states[-1]), 8).flatten(1))
