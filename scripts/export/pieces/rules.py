# What the forward pass of a stage speaks of: modules and values by step.
import torch

nn, F = torch.nn, torch.nn.functional


class NoModule(nn.Module):
    """Of a step whose result nothing reads"""

    def frozen(self, step=0):
        return self

    def forward(self, x):
        return torch.zeros_like(x)


class Steps(nn.ModuleDict):
    """T[k], the module of step k, or T[k, j]"""

    def __init__(self, modules, first=0):
        super().__init__(modules)
        self.first = first

    def __getitem__(self, at):
        k, *fresh = at if isinstance(at, tuple) else (at,)
        name = "_".join(map(str, [k - self.first, *fresh]))
        return super().__getitem__(name) if name in self else NoModule()


class Table(dict):
    """Values by step; zero before the first one, and where nothing reads them."""

    def __missing__(self, k):
        return 0.0


class Coefficients(nn.Module):
    """Learned numbers, gamma=[0, 1] being gamma[0] and gamma[1]. In a range a sigmoid keeps them."""

    def __init__(self, **indices):
        super().__init__()
        self.indices = indices
        for name, slots in indices.items():
            self.register_parameter(name, nn.Parameter(torch.zeros(len(slots))))

    def values(self, name, low=None, high=None):
        if name not in self.indices:
            return Table()
        raw = getattr(self, name)
        return Table(zip(self.indices[name], raw if low is None else low + (high - low) * torch.sigmoid(raw)))


def across(states, transition, last, lags):
    """What later steps read of each state, from `lag` steps before the last one, mapped to the next stage."""
    return [type(state)((k, transition(value)) for k, value in state.items() if k >= last - lag)
            for state, lag in zip(states, lags)]
