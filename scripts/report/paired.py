# Statistics of runs that come in pairs, one of either row for each seed, with nothing but the standard library and
# numpy.
#   interval     mean +- t(0.975, n - 1) s / sqrt(n), of values or of differences (Student 1908)
#   sign_flip_p  how often a sum of the differences under random signs is as far from 0 as theirs: exact where
#                n <= 16 (all 2^n), else over 100,000 draws by counter, (1 + hits) / (1 + draws) (Fisher 1935)
#   holm         p values that hold for a whole block at once (Holm 1979)
import math
import statistics
from typing import Sequence

import numpy as np

LEVEL = 0.05
EXACT = 16  # most pairs whose signs are all tried
DRAWS = 100_000


def t_cdf(t: float, freedom: int) -> float:
    """Of Student's distribution with a whole number of degrees of freedom: Abramowitz, Stegun 1964, 26.7.3 and 4."""
    angle = math.atan(t / math.sqrt(freedom))
    sine, cosine = math.sin(angle), math.cos(angle)
    term, total = (cosine, cosine) if freedom % 2 else (1.0, 1.0)
    for i in range(3 if freedom % 2 else 2, freedom - 1, 2):
        term *= cosine ** 2 * (i - 1) / i
        total += term
    if freedom % 2 == 0:
        return 0.5 + 0.5 * sine * total
    return 0.5 + (angle + sine * (total if freedom > 1 else 0.0)) / math.pi


def t_quantile(probability: float, freedom: int) -> float:
    """For a probability above one half."""
    low, high = 0.0, 1.0
    while t_cdf(high, freedom) < probability:
        high *= 2
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if t_cdf(middle, freedom) < probability else (low, middle)
    return (low + high) / 2


def half_width(values: Sequence[float]) -> float | None:
    """Of the 95 % interval of the mean; None for a single value."""
    n = len(values)
    return t_quantile(1 - LEVEL / 2, n - 1) * statistics.stdev(values) / math.sqrt(n) if n > 1 else None


def sign_flip_p(differences: Sequence[float]) -> float:
    """Two-sided. Sums that differ by rounding count as equal."""
    values = np.asarray(differences, dtype=np.float64)
    n = len(values)
    observed = abs(values.sum())
    slack = 1e-9 * np.abs(values).sum()
    if n <= EXACT:
        sums = np.zeros(1)
        for value in values:
            sums = np.concatenate([sums - value, sums + value])
        return float(np.mean(np.abs(sums) >= observed - slack))
    signs = np.random.Generator(np.random.Philox(key=n)).integers(0, 2, size=(DRAWS, n), dtype=np.int8)
    hits = int(np.sum(np.abs((2.0 * signs - 1.0) @ values) >= observed - slack))
    return (1 + hits) / (1 + DRAWS)


def smallest_p(n: int) -> float:
    """That n pairs can reach, however far apart they are."""
    return min(1.0, 2.0 / 2.0 ** n) if n <= EXACT else max(2.0 / 2.0 ** n, 1 / (1 + DRAWS))


def holm(values: Sequence[float]) -> list[float]:
    order = sorted(range(len(values)), key=lambda i: values[i])
    adjusted, largest = [0.0] * len(values), 0.0
    for rank, i in enumerate(order):
        largest = max(largest, min(1.0, (len(values) - rank) * values[i]))
        adjusted[i] = largest
    return adjusted
