# The multi-scale equilibrium network, as in lib/optdnn/baselines. Its first passes of training, which run a few steps
# and no solve, and its dropout are for training and left out.
import torch

from .layers import BatchNorm, GroupNorm
from .modules import NormalisedConvolution
from .solvers import solve

nn, F = torch.nn, torch.nn.functional


class OnceNormalised(nn.Module):
    def __init__(self, inputs, outputs, kernel):
        super().__init__()
        self.conv, self.padding = NormalisedConvolution(inputs, outputs, True, kernel), kernel // 2

    def forward(self, x):
        return F.conv2d(x, self.conv.used(), padding=self.padding)


class Resampling(nn.Module):
    def __init__(self, inputs, outputs, kernel, stride):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, bias=False)
        self.norm = GroupNorm(outputs)

    def forward(self, x):
        return self.norm(self.conv(x))


class FusedNorm(GroupNorm):
    most = 4


class Scale(nn.Module):
    """h = GN(relu(z + GN(x + W2 relu(GN(W1 z))))), and what it gets from the other scales"""

    def __init__(self, widths, place, expansion):
        super().__init__()
        width, self.chains = widths[place], []
        self.conv1 = OnceNormalised(width, expansion * width, 3)
        self.conv2 = OnceNormalised(expansion * width, width, 3)
        self.post, self.post_norm = OnceNormalised(width, width, 1), FusedNorm(width)
        self.norm1, self.norm2, self.norm3 = GroupNorm(expansion * width), GroupNorm(width), GroupNorm(width)
        for origin, inputs in enumerate(widths):
            steps = [(width if at + 1 == place else inputs, 3, 2) for at in range(origin, place)]
            steps += [(width, 1, 1)] if origin > place else []
            names = [f"from_{origin}_{i}" for i in range(len(steps))]
            for name, (outputs, kernel, stride) in zip(names, steps):
                self.add_module(name, Resampling(inputs, outputs, kernel, stride))
            self.chains.append(names)

    def block(self, z, x):
        y = self.conv2(torch.relu(self.norm1(self.conv1(z))))
        return self.norm3(torch.relu(z + self.norm2(y if x is None else y + x)))

    def resampled(self, h, origin, size):
        for i, name in enumerate(self.chains[origin]):
            h = getattr(self, name)(torch.relu(h) if i else h)
        return h if h.shape[2:] == size else F.interpolate(h, size=size, mode="nearest")

    def fused(self, total):
        return self.post_norm(self.post(torch.relu(total)))


class Rectified(nn.Module):
    def __init__(self, inputs, outputs, kernel, stride):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2)
        self.norm = BatchNorm(outputs)

    def forward(self, x):
        return torch.relu(self.norm(self.conv(x)))


class HeadBlock(nn.Module):
    def __init__(self, inputs, width):
        super().__init__()
        self.conv1, self.norm1 = nn.Conv2d(inputs, width, 1, bias=False), BatchNorm(width, affine=False)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.norm2 = BatchNorm(width, affine=False)
        self.conv3, self.norm3 = nn.Conv2d(width, 4 * width, 1, bias=False), BatchNorm(4 * width, affine=False)
        differs = inputs != 4 * width
        self.shortcut = nn.Conv2d(inputs, 4 * width, 1, bias=False) if differs else None
        self.shortcut_norm = BatchNorm(4 * width) if differs else None

    def forward(self, x):
        y = torch.relu(self.norm1(self.conv1(x)))
        y = self.norm3(self.conv3(torch.relu(self.norm2(self.conv2(y)))))
        return torch.relu(y + (x if self.shortcut is None else self.shortcut_norm(self.shortcut(x))))


class MdeqHead(nn.Module):
    """Every scale is widened; the finest is halved and added to the next, down to the coarsest"""

    def __init__(self, widths, head_widths, features, outputs):
        super().__init__()
        self.scales = len(widths)
        for i in range(self.scales):
            self.add_module(f"block_{i}", HeadBlock(widths[i], head_widths[i]))
            if i > 0:
                self.add_module(f"halve_{i}", Rectified(4 * head_widths[i - 1], 4 * head_widths[i], 3, 2))
        self.last = Rectified(4 * head_widths[-1], features, 1, 1)
        self.linear = nn.Linear(features, outputs)

    def forward(self, states):
        y = self.block_0(states[0])
        for i in range(1, self.scales):
            y = getattr(self, f"block_{i}")(states[i]) + getattr(self, f"halve_{i}")(y)
        return self.linear(self.last(y).mean((2, 3)))


class Mdeq(nn.Module):
    """States of several resolutions that one transformation leaves unchanged together"""

    def __init__(self, inputs, outputs, widths, expansion, head_widths, features, pretrained, solver):
        super().__init__()
        self.widths, self.solver, width = widths, solver, widths[0]
        self.stem1, self.norm1 = nn.Conv2d(inputs, width, 3, padding=1, bias=False), BatchNorm(width)
        self.stem2, self.norm2 = nn.Conv2d(width, width, 3, padding=1, bias=False), BatchNorm(width)
        for i in range(len(widths)):
            self.add_module(f"scale_{i}", Scale(widths, i, expansion))
        self.head = MdeqHead(widths, head_widths, features, outputs)
        if pretrained:
            self.register_buffer("passes", torch.zeros((), dtype=torch.int64))

    def transform(self, states, x):
        scales = [getattr(self, f"scale_{i}") for i in range(len(states))]
        blocks = [scale.block(z, None if i else x) for i, (scale, z) in enumerate(zip(scales, states))]
        totals = [sum((scale.resampled(h, j, blocks[i].shape[2:]) for j, h in enumerate(blocks) if j != i), blocks[i])
                  for i, scale in enumerate(scales)]
        return [scale.fused(total) for scale, total in zip(scales, totals)]

    def forward(self, images):
        x = torch.relu(self.norm2(self.stem2(torch.relu(self.norm1(self.stem1(images))))))
        shapes = [(x.shape[0], width, x.shape[2] >> i, x.shape[3] >> i) for i, width in enumerate(self.widths)]
        sizes = [shape[1] * shape[2] * shape[3] for shape in shapes]

        def unpacked(rows):
            return [part.reshape(shape) for part, shape in zip(rows.split(sizes, 1), shapes)]

        def F_of(rows):
            return torch.cat([state.flatten(1) for state in self.transform(unpacked(rows), x)], 1)

        return self.head(unpacked(F_of(solve(F_of, x.new_zeros(x.shape[0], sum(sizes)), **self.solver))))
