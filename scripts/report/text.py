# How numbers become text. A metric has a fixed number of decimals; a number too small to show two digits that way is
# written 1.2e-06. The spread is the sample standard deviation (n - 1) over seeds.
import math
import statistics
from typing import Sequence

PLUS_MINUS = "\u00b1"
NOTHING = "-"


def fixed(value: float, decimals: int) -> str:
    return f"{value:.1e}" if is_scientific(value, decimals) else f"{value:,.{decimals}f}"


def is_scientific(value: float, decimals: int) -> bool:
    return value != 0 and (abs(value) < 10.0 ** (1 - decimals) and decimals > 2 or abs(value) >= 1e7)


def mean_spread(values: Sequence[float], decimals: int) -> str:
    """7.28 +- 0.10; the mean alone where there is one value."""
    if not values:
        return NOTHING
    mean = statistics.fmean(values)
    if len(values) == 1:
        return fixed(mean, decimals)
    spread = statistics.stdev(values)
    if is_scientific(mean, decimals):
        digits, exponent = f"{mean:.2e}".split("e")
        return f"({digits} {PLUS_MINUS} {spread / 10.0 ** int(exponent):.2f})e{exponent}"
    return f"{fixed(mean, decimals)} {PLUS_MINUS} {spread:,.{decimals}f}"


def median_quartiles(values: Sequence[float], decimals: int) -> str:
    """0.37 (-1.20 to 0.58); the value alone where there is one. Quartiles lie between the data (inclusive). Beyond 1
    three digits are enough."""
    if len(values) < 2:
        return fixed(values[0], decimals) if values else NOTHING
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    if (largest := max(map(abs, (low, middle, high)))) > 0:
        decimals = min(decimals, max(0, 2 - math.floor(math.log10(largest))))
    return f"{fixed(middle, decimals)} ({fixed(low, decimals)} to {fixed(high, decimals)})"


def span(values: Sequence[float]) -> str:
    """1,234 where all agree, else 1,200 to 1,300."""
    return " to ".join(f"{value:,.0f}" for value in sorted({min(values), max(values)})) if values else NOTHING


def listed(words: Sequence[object]) -> str:
    """1, 2 and 3"""
    words = [str(word) for word in words]
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1] if words else ""]))


def counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def duration(seconds: float) -> str:
    """38 s, 12 min, 3.4 h"""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
