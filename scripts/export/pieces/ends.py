# What stands before, between and after the stages, as it is in lib/optdnn/models.
import torch

nn, F = torch.nn, torch.nn.functional


class OneConvolution(nn.Module):
    def __init__(self, inputs, outputs, kernel, stride=1):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, bias=False)

    def forward(self, x):
        return self.conv(x)


class OneLinear(nn.Module):
    def __init__(self, inputs, outputs, bias=True):
        super().__init__()
        self.linear = nn.Linear(inputs, outputs, bias)

    def forward(self, x):
        return self.linear(x)


def padded(x, width, stride):
    """Every stride-th pixel, with zero channels appended; of vectors zeros alone."""
    if x.dim() != 4:
        return F.pad(x, (0, width - x.shape[-1]))
    return F.pad(x[:, :, ::stride, ::stride], (0, 0, 0, 0, 0, width - x.shape[1]))


class Pad(nn.Module):
    def __init__(self, width, stride):
        super().__init__()
        self.width, self.stride = width, stride

    def forward(self, x):
        return padded(x, self.width, self.stride)


class DenseDown(nn.Module):
    """Norm, relu, a 1x1 convolution and the mean of 2x2 pixels"""

    def __init__(self, inputs, outputs, norm):
        super().__init__()
        self.norm, self.conv = norm(inputs), nn.Conv2d(inputs, outputs, 1, bias=False)

    def forward(self, x):
        return F.avg_pool2d(self.conv(torch.relu(self.norm(x))), 2)


class PoolLinear(nn.Module):
    """Norm, activation, the mean over pixels and a linear map"""

    def __init__(self, width, outputs, norm, activation):
        super().__init__()
        self.norm, self.linear, self.activation = norm(width), nn.Linear(width, outputs), activation

    def forward(self, x):
        return self.linear(self.activation(self.norm(x)).mean((2, 3)))


class ReadState(nn.Module):
    def __init__(self, outputs):
        super().__init__()
        self.outputs = outputs

    def forward(self, x):
        return x[..., :self.outputs]


class ChannelNorm(nn.LayerNorm):
    """Layer norm over the channels of every pixel"""

    def forward(self, x):
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class Patchify(nn.Module):
    def __init__(self, inputs, width, patch, normed):
        super().__init__()
        self.conv = nn.Conv2d(inputs, width, patch, patch)
        self.norm = ChannelNorm(width, eps=1e-6) if normed else nn.Identity()

    def forward(self, x):
        return self.norm(self.conv(x))


class PatchTokens(nn.Module):
    """Patches as tokens behind a class token, with learnt positions"""

    def __init__(self, inputs, width, patch, tokens):
        super().__init__()
        self.conv = nn.Conv2d(inputs, width, patch, patch)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        self.pos_embed = nn.Parameter(torch.zeros(1, tokens, width))

    def forward(self, x):
        patches = self.conv(x).flatten(2).transpose(1, 2)
        return torch.cat([self.cls_token.expand(x.shape[0], -1, -1), patches], 1) + self.pos_embed


class NormConv(nn.Module):
    def __init__(self, before, after):
        super().__init__()
        self.norm, self.conv = ChannelNorm(before, eps=1e-6), nn.Conv2d(before, after, 2, 2)

    def forward(self, x):
        return self.conv(self.norm(x))


class NormLinear(nn.Module):
    """Layer norm and a linear map of the mean over pixels, or of the class token"""

    def __init__(self, width, outputs):
        super().__init__()
        self.norm, self.linear = nn.LayerNorm(width, eps=1e-6), nn.Linear(width, outputs)

    def forward(self, x):
        return self.linear(self.norm(x.mean((2, 3)) if x.dim() == 4 else x[:, 0]))
