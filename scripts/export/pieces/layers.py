# Norms that can be told the step they are used at, and weights that are normalised before they are used.
import torch

nn, F = torch.nn, torch.nn.functional


class BatchNorm(nn.Module):
    """Statistics of the batch. Weights that several steps share have `uses` sets of running ones."""

    def __init__(self, channels, uses=1, affine=True):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels)) if affine else None
        self.bias = nn.Parameter(torch.zeros(channels)) if affine else None
        self.register_buffer("running_mean", torch.zeros(uses, channels))
        self.register_buffer("running_var", torch.ones(uses, channels))

    def forward(self, x, step=0):
        use = step if len(self.running_mean) > 1 else 0
        return F.batch_norm(x, self.running_mean[use], self.running_var[use], self.weight, self.bias, self.training,
                            momentum=0.1, eps=1e-5)


class GroupNorm(nn.Module):
    """Statistics of at most 8 groups of channels of each sample."""

    most = 8

    def __init__(self, channels, uses=1):
        super().__init__()
        self.groups = next(n for n in range(self.most, 0, -1) if channels % n == 0 and self.most % n == 0)
        self.weight, self.bias = nn.Parameter(torch.ones(channels)), nn.Parameter(torch.zeros(channels))

    def forward(self, x, step=0):
        return F.group_norm(x, self.groups, self.weight, self.bias, eps=1e-5)


class LayerNorm(GroupNorm):
    """Statistics of all channels of each sample."""

    most = 1


class NoNorm(nn.Module):
    def __init__(self, channels, uses=1):
        super().__init__()

    def forward(self, x, step=0):
        return x


def spectral_norm(weight):
    """The largest singular value of a matrix."""
    gram = weight @ weight.mT if weight.shape[-2] < weight.shape[-1] else weight.mT @ weight
    return torch.linalg.eigvalsh(gram)[-1].clamp_min(1e-24).sqrt()


def weight_normalised(weight, gain):
    """w = g v / |v| for each output."""
    return weight * (gain / weight.flatten(1).norm(dim=1)).view(-1, 1, 1, 1)


def bounded_group_norm(x, norm):
    """Divides by max(deviation, 1), and no weight is above 1: its Lipschitz constant is 1."""
    grouped = x.unflatten(1, (norm.groups, -1))
    mean = grouped.mean((2, 3, 4), keepdim=True)
    deviation = ((grouped ** 2).mean((2, 3, 4), keepdim=True) - mean ** 2).clamp_min(1).sqrt()
    scale = norm.weight.clamp(-1, 1).view(1, norm.groups, -1, 1, 1) / deviation
    return (grouped * scale + norm.bias.view(1, norm.groups, -1, 1, 1) - mean * scale).flatten(1, 2)
