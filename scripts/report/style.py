# How figures look: a palette that colour-blind readers can tell apart (Okabe and Ito 2008, without its yellow), line
# styles as a second sign, and grids of small panels whose axes are named once.
import matplotlib
import numpy as np

matplotlib.use("Agg")

from matplotlib import pyplot  # noqa: E402
from matplotlib.axes import Axes  # noqa: E402
from matplotlib.figure import Figure  # noqa: E402
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter  # noqa: E402

PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#999999")
LINES = ("-", "--", "-.", ":")
MARKERS = ("o", "^", "s", "D", "v", "P", "X", "*")
STEPS = "viridis"  # along the steps of a network: dark first
DPI = 90

pyplot.rcParams.update({
    "font.size": 9, "axes.titlesize": 9, "axes.labelsize": 9, "legend.fontsize": 8.5, "legend.frameon": False,
    "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True, "grid.color": "#dddddd",
    "grid.linewidth": 0.6, "axes.axisbelow": True, "lines.linewidth": 1.4, "xtick.labelsize": 8, "ytick.labelsize": 8,
    "axes.formatter.useoffset": False, "text.parse_math": False, "figure.constrained_layout.use": True,
})


def panels(count: int, columns: int = 4, width: float = 2.4, height: float = 2.2) -> tuple[Figure, list[Axes]]:
    """A figure of `count` panels, row by row; no row with one panel less than half filled."""
    columns = min(columns, count, -(-count // -(-count // columns)))
    rows = -(-count // columns)
    size = (max(3.6, columns * width), rows * height + 0.5)
    figure, grid = pyplot.subplots(rows, columns, squeeze=False, figsize=size)
    axes = list(grid.flat)
    for unused in axes[count:]:
        unused.remove()
    return figure, axes[:count]


def epochs(ax: Axes) -> None:
    ax.xaxis.set_major_locator(MaxNLocator(6, integer=ax.get_xlim()[1] > 4))


def logarithmic(ax: Axes, low: float, high: float) -> None:
    """Ticks as plain numbers: 1, 2, 5 in each decade, or the decades alone where there are many."""
    ax.set_yscale("log")
    ax.set_ylim(low / 1.3, high * 1.3)
    ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if high < 200 * low else (1,), numticks=12))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ax.yaxis.set_minor_formatter(NullFormatter())


def legend(figure: Figure, axes: Axes | list[Axes]) -> None:
    """Beneath the panels: what has a label in one of them, each once."""
    found: dict = {}
    for ax in axes if isinstance(axes, list) else [axes]:
        for handle, label in zip(*ax.get_legend_handles_labels()):
            found.setdefault(label, handle)
    labels, handles = list(found), list(found.values())
    if labels:
        columns = int(figure.get_figwidth() / (0.6 + 0.075 * max(map(len, labels))))
        figure.legend(handles, labels, loc="outside lower center", markerscale=1.8,
                      ncols=max(1, min(columns, len(labels))))


def sample(count: int, most: int) -> np.ndarray:
    """At most `most` of `count` indices, without a rhythm that data in turns by class could share."""
    return np.sort(np.random.default_rng(0).permutation(count)[:most])


def pages(items: list, size: int) -> list[list]:
    """As few pages as needed, evenly filled."""
    count = -(-len(items) // size)
    length = -(-len(items) // count) if count else 1
    return [items[i:i + length] for i in range(0, len(items), length)]


def short(name: str, length: int = 30) -> str:
    """Shortened in the middle, where the names of a sweep differ least."""
    half = (length - 3) // 2
    return name if len(name) <= length else name[:half] + "..." + name[-half:]


def color(index: int) -> str:
    return PALETTE[index % len(PALETTE)]


def line(index: int) -> dict[str, str]:
    """Colour and dashes of the index-th line."""
    return {"color": color(index), "linestyle": LINES[(index // 2) % len(LINES)]}
