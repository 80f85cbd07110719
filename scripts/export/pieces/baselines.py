# The published networks that are no rule, as in lib/optdnn/baselines.
import torch

from .ends import DenseDown, OneConvolution, PoolLinear, padded
from .layers import BatchNorm
from .modules import PreActivation

nn, F = torch.nn, torch.nn.functional


class Mlp(nn.Module):
    def __init__(self, sizes, activation):
        super().__init__()
        self.depth, self.activation = len(sizes) - 2, activation
        for i in range(self.depth + 1):
            self.add_module(f"layer_{i}", nn.Linear(sizes[i], sizes[i + 1]))

    def forward(self, x):
        for i in range(self.depth):
            x = self.activation(getattr(self, f"layer_{i}")(x))
        return getattr(self, f"layer_{self.depth}")(x)


class DenseMlp(nn.Module):
    """Every layer reads the input and all layers before it"""

    def __init__(self, inputs, outputs, depth, growth, activation):
        super().__init__()
        self.depth, self.activation = depth, activation
        for i in range(depth + 1):
            self.add_module(f"layer_{i}", nn.Linear(inputs + i * growth, growth if i < depth else outputs))

    def forward(self, x):
        for i in range(self.depth):
            x = torch.cat([x, self.activation(getattr(self, f"layer_{i}")(x))], -1)
        return getattr(self, f"layer_{self.depth}")(x)


class ResidualBlock(nn.Module):
    """shortcut(x) + two convolutions; pre: norm and relu before each, else after"""

    def __init__(self, inputs, width, stride, pre, projected, dropout):
        super().__init__()
        self.pre, self.width, self.stride, self.dropout = pre, width, stride, dropout
        self.conv1 = nn.Conv2d(inputs, width, 3, stride, padding=1, bias=False)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.norm1, self.norm2 = BatchNorm(inputs if pre else width), BatchNorm(width)
        projected = projected and inputs != width
        self.projection = nn.Conv2d(inputs, width, 1, stride, bias=False) if projected else None
        self.projection_norm = BatchNorm(width) if projected and not pre else None

    def shortcut(self, x, activated):
        if self.projection is None:
            return x if x.shape[1] == self.width else padded(x, self.width, self.stride)
        return self.projection(activated) if self.pre else self.projection_norm(self.projection(x))

    def forward(self, x):
        if self.pre:
            activated = torch.relu(self.norm1(x))
            hidden = torch.relu(self.norm2(self.conv1(activated)))
            hidden = F.dropout(hidden, self.dropout, self.training) if self.dropout else hidden
            return self.shortcut(x, activated) + self.conv2(hidden)
        hidden = torch.relu(self.norm1(self.conv1(x)))
        return torch.relu(self.shortcut(x, x) + self.norm2(self.conv2(hidden)))


class ResNet(nn.Module):
    """Three stages of residual blocks, each after the first at half the resolution and twice the width"""

    def __init__(self, inputs, outputs, stem, width, blocks, pre, projected, dropout=0.0):
        super().__init__()
        self.stem, self.order = nn.Conv2d(inputs, stem, 3, padding=1, bias=False), []
        self.stem_norm = None if pre else BatchNorm(stem)
        before = stem
        for stage in range(3):
            for i in range(blocks):
                after, stride = width << stage, 2 if stage > 0 and i == 0 else 1
                self.order.append(f"block_{stage}_{i}")
                self.add_module(self.order[-1], ResidualBlock(before, after, stride, pre, projected, dropout))
                before = after
        self.last_norm = BatchNorm(before) if pre else None
        self.head = nn.Linear(before, outputs)

    def forward(self, x):
        x = self.stem(x)
        x = x if self.stem_norm is None else torch.relu(self.stem_norm(x))
        for name in self.order:
            x = getattr(self, name)(x)
        x = x if self.last_norm is None else torch.relu(self.last_norm(x))
        return self.head(x.mean((2, 3)))


class DenseNet(nn.Module):
    """Three dense blocks, whose layers read all features so far: features <- [features, layer(features)]"""

    def __init__(self, inputs, outputs, stem, growth, layers, bottleneck, compression):
        super().__init__()
        self.layers, width = layers, stem
        self.stem = OneConvolution(inputs, width, 3)
        chain = [(1, 4 * growth), (3, growth)] if bottleneck else [(3, growth)]
        for block in range(3):
            if block > 0:
                kept = max(1, int(width * compression))
                self.add_module(f"transition_{block}", DenseDown(width, kept, BatchNorm))
                width = kept
            for i in range(layers):
                self.add_module(f"block_{block}_{i}", PreActivation(width, chain, BatchNorm, torch.relu))
                width += growth
        self.head = PoolLinear(width, outputs, BatchNorm, torch.relu)

    def forward(self, x):
        features = self.stem(x)
        for block in range(3):
            features = features if block == 0 else getattr(self, f"transition_{block}")(features)
            for i in range(self.layers):
                features = torch.cat([features, getattr(self, f"block_{block}_{i}")(features)], 1)
        return self.head(features)
