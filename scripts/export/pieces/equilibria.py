# Networks of one layer whose state it leaves unchanged, as in lib/optdnn/baselines.
import torch

from .layers import BatchNorm, GroupNorm
from .solvers import solve

nn, F = torch.nn, torch.nn.functional


class Deq(nn.Module):
    """z = GN(relu(z + GN(x + W2 GN(relu(W1 z)))))"""

    def __init__(self, inputs, outputs, width, hidden, pixels, solver):
        super().__init__()
        self.solver, self.window = solver, [min(8, n) for n in pixels]
        self.stem, self.stem_norm = nn.Conv2d(inputs, width, 3, padding=1), BatchNorm(width)
        self.conv1, self.norm1 = nn.Conv2d(width, hidden, 3, padding=1, bias=False), GroupNorm(hidden)
        self.conv2, self.norm2 = nn.Conv2d(hidden, width, 3, padding=1, bias=False), GroupNorm(width)
        self.norm3, self.head_norm = GroupNorm(width), BatchNorm(width)
        features = width * (pixels[0] // self.window[0]) * (pixels[1] // self.window[1])
        self.linear = nn.Linear(features, outputs)

    def forward(self, images):
        x = self.stem_norm(self.stem(images))

        def layer(rows):
            z = rows.view(x.shape)
            hidden = self.norm1(torch.relu(self.conv1(z)))
            return self.norm3(torch.relu(z + self.norm2(x + self.conv2(hidden)))).flatten(1)

        z = layer(solve(layer, torch.zeros_like(x.flatten(1)), **self.solver)).view(x.shape)
        return self.linear(F.avg_pool2d(self.head_norm(z), self.window).flatten(1))


class MonDeq(nn.Module):
    """z = P relu(W z + U x + b), W = (1 - m) I - g A'A + B - B', found by operator splitting; convolutions have
    periodic edges, and P makes a border of one pixel zero."""

    def __init__(self, inputs, outputs, width, pixels, margin, alpha, by_fft, solver):
        super().__init__()
        self.margin, self.alpha, self.by_fft, self.solver = margin, alpha, by_fft, solver
        self.A, self.B = (nn.Parameter(torch.ones(width, width, 3, 3)) for _ in range(2))
        self.g, self.h = (nn.Parameter(torch.ones(())) for _ in range(2))
        self.U, self.bias = nn.Parameter(torch.zeros(width, inputs, 3, 3)), nn.Parameter(torch.zeros(width))
        self.window = [min(4, n + 2) for n in pixels]
        features = width * ((pixels[0] + 2) // self.window[0]) * ((pixels[1] + 2) // self.window[1])
        self.linear = nn.Linear(features, outputs)

    def convolved(self, x, kernel):
        return F.conv2d(F.pad(x, (1, 1, 1, 1), mode="circular"), kernel)

    def back(self, x, kernel):
        return self.convolved(x, kernel.transpose(0, 1).flip(2, 3))

    def used(self):
        return self.A / self.A.norm(), self.h * self.B / self.B.norm()

    def times_W(self, z, A, B):
        return ((1 - self.margin) * z - self.g * self.back(self.convolved(z, A), A) + self.convolved(z, B)
                - self.back(z, B))

    def resolvent(self, A, B, height, width):
        """((1 + alpha) I - alpha W)^-1, a matrix for each frequency"""
        def transformed(kernel):
            image = F.pad(kernel.flip(2, 3), (0, width - 3, 0, height - 3)).roll((-1, -1), (2, 3))
            return torch.fft.rfft2(image).permute(2, 3, 0, 1).flatten(0, 1)
        a, b, identity = transformed(A), transformed(B), torch.eye(len(A), dtype=A.dtype, device=A.device)
        W = (1 - self.margin) * identity - self.g * a.mH @ a + b - b.mH
        return torch.linalg.inv((1 + self.alpha) * identity - self.alpha * W)

    def relu(self, x):
        return F.pad(torch.relu(x[:, :, 1:-1, 1:-1]), (1, 1, 1, 1))

    def equilibrium(self, images):
        A, B = self.used()
        x = self.alpha * (self.convolved(F.pad(images, (1, 1, 1, 1)), self.U) + self.bias.view(-1, 1, 1))
        zeros = torch.zeros_like(x.flatten(1))
        if not self.by_fft:
            def forward_backward(rows):
                z = rows.view(x.shape)
                return self.relu((1 - self.alpha) * z + self.alpha * self.times_W(z, A, B) + x).flatten(1)
            return forward_backward(solve(forward_backward, zeros, **self.solver)).view(x.shape)
        height, width = x.shape[2:]
        V = self.resolvent(A, B, height, width)

        def times_V(y):
            spectrum = torch.fft.rfft2(y)
            solved = V @ spectrum.permute(2, 3, 1, 0).flatten(0, 1)
            return torch.fft.irfft2(solved.unflatten(0, (height, -1)).permute(3, 2, 0, 1), (height, width))

        def peaceman_rachford(rows):
            w = rows.view(x.shape)
            y = 2 * self.relu(w) - w
            return (2 * times_V(y + x) - y).flatten(1)

        return self.relu(peaceman_rachford(solve(peaceman_rachford, zeros, **self.solver)).view(x.shape))

    def forward(self, images):
        return self.linear(F.avg_pool2d(self.equilibrium(images), self.window).flatten(1))
