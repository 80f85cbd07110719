# The peers' networks, written as one writes them in PyTorch. Their parameters have our names.
import torch
from torch import Tensor, nn


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
