# Fixed points u = F(u), as in lib/optdnn/solvers. Rows are samples, each with its own end; the result is F of the best
# iterate.
import torch

nn, F = torch.nn, torch.nn.functional


def solve(function, u, method, steps, tolerance, check_every=1):
    """Of every row the iterate with the smallest |F(u) - u| / |F(u)|, within `tolerance` or after all steps."""
    best, least = u, torch.full_like(u[:, 0], float("inf"))
    running, following = torch.ones_like(least, dtype=torch.bool), method()
    for step in range(1, steps + 1):
        f = function(u)
        g = f - u
        if step == steps or step % check_every == 0:
            residual = g.norm(dim=1) / (f.norm(dim=1) + 1e-30)
            better = running & (residual < least)
            best, least = torch.where(better[:, None], u, best), torch.where(better, residual, least)
            if tolerance > 0:
                running = running & (least > tolerance)
                if not running.any():
                    break
        if step < steps:
            u = following(u, f, g)
    return best


class Picard:
    """u <- d u + (1 - d) F(u)"""

    def __init__(self, damping=0.0):
        self.damping = damping

    def __call__(self, u, f, g):
        return f + self.damping * (u - f) if self.damping else f


class Anderson:
    """The combination of the latest F(u) with the smallest residual"""

    def __init__(self, memory=5, damping=0.0, ridge=1e-6):
        self.memory, self.damping, self.ridge = memory, damping, ridge
        self.values, self.residuals, self.taken, self.last = {}, {}, 0, None

    def __call__(self, u, f, g):
        slot = self.taken % self.memory
        self.taken += 1
        self.values[slot], self.residuals[slot] = f, g
        values, residuals = (torch.stack([kept[i] for i in range(len(kept))], 1)
                             for kept in (self.values, self.residuals))
        gram = (residuals @ residuals.mT).double()
        count, size = len(self.values), gram[:, slot, slot]
        weights = torch.eye(count, dtype=gram.dtype, device=gram.device)[slot].expand(len(u), count)
        if count > 1:
            scale = gram.diagonal(dim1=1, dim2=2).clamp_min(1e-300).rsqrt()
            identity = torch.eye(count, dtype=gram.dtype, device=gram.device)
            system = gram * scale[:, :, None] * scale[:, None, :] + self.ridge * identity
            solved = torch.linalg.solve_ex(system, scale[:, :, None])[0][:, :, 0] * scale
            solved = solved / solved.sum(1, keepdim=True)
            usable = solved.isfinite().all(1) & (size <= 4 * self.last)
            weights = torch.where(usable[:, None], solved, weights)
        self.last = size
        weights = weights.to(f.dtype)[:, None, :]
        mixed = (weights @ values)[:, 0]
        return mixed - self.damping * (weights @ residuals)[:, 0] if self.damping else mixed


class Broyden:
    """Newton's method with an inverse derivative of low rank"""

    def __init__(self, memory=10):
        self.memory, self.left, self.right, self.step, self.residual = memory, [], [], None, None

    def times(self, left, right, x):
        return sum((a * (b * x).sum(1, keepdim=True) for a, b in zip(left, right)), -x)

    def update(self, g):
        if len(self.left) == self.memory:
            self.left, self.right = [], []
        y, row = g - self.residual, self.times(self.right, self.left, self.step)
        divisor = (row * y).sum(1, keepdim=True)
        usable = divisor.abs() > 1e-12 * (self.step ** 2).sum(1, keepdim=True)
        column = (self.step - self.times(self.left, self.right, y)) / torch.where(usable, divisor, 1.0)
        for kept, new in ((self.left, column), (self.right, row)):
            kept.append(torch.where(usable & new.isfinite().all(1, keepdim=True), new, 0.0))

    def __call__(self, u, f, g):
        step = g
        if self.step is not None:
            self.update(g)
            step = -self.times(self.left, self.right, g)
            usable = (g ** 2).sum(1, keepdim=True) <= 4 * (self.residual ** 2).sum(1, keepdim=True)
            step = torch.where(usable & step.isfinite().all(1, keepdim=True), step, g)
        self.step, self.residual = step, g
        return u + step


class Solves:
    """The solves of a stage: unknowns that look like `like`, side by side. Each begins where that of the step before
    it ended, or at zero."""

    def __init__(self, like, warm, **options):
        self.like, self.warm, self.options, self.found = like, warm, options, {}

    def __call__(self, group, equations, count):
        def function(rows):
            unknowns = [part.reshape(self.like.shape) for part in rows.chunk(count, 1)]
            return torch.cat([value.flatten(1) for value in equations(unknowns)], 1)
        start = self.found.get(group)
        if start is None or not self.warm:
            start = torch.zeros_like(self.like.flatten(1).repeat(1, count))
        self.found[group] = solve(function, start, **self.options)
        return [part.reshape(self.like.shape) for part in function(self.found[group]).chunk(count, 1)]
