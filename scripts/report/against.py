# Error against the axes of a sweep: a panel per task and axis that is a number, a line per row that was swept, at each
# value of the other axes. Points are means over the finished seeds, bars reach from the smallest to the largest.
import statistics
from typing import Iterator

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from report import style, sweep
from report.runs import Group, Row
from report.table import Metric, headline_of
from report.tasks import datasets_of

LINES_A_PANEL = 12
CAPTION = "Mean over finished seeds; bars: smallest to largest."
Series = dict[str, list[tuple[float, list[float]]]]  # name -> (value of the axis, the seeds' metric)


def draw(group: Group, _: list[str]) -> Iterator[tuple[str, str, Figure]]:
    metric = headline_of(group)
    if metric is None:
        return
    panels = [(title, axis, lines) for title, rows in datasets_of(group)
              for axis in sweep.axes_of([row.id for row in rows]) if (lines := series_of(rows, axis, metric))]
    for number, page in enumerate(style.pages(panels, 6), 1):
        figure, axes = style.panels(len(page), columns=3, width=3.3, height=2.6)
        for (title, axis, lines), ax in zip(page, axes):
            draw_panel(ax, axis, lines, metric)
            ax.set_title(style.short(title, 44))
            ax.legend(fontsize=7)
        yield "sweep" if len(panels) <= 6 else f"sweep-{number}", CAPTION, figure


def series_of(rows: list[Row], axis: str, metric: Metric) -> Series:
    lines: Series = {}
    for row in rows:
        origin, axes = sweep.split(row.id)
        value = sweep.value_of(axes.pop(axis, ""))
        values = metric.values(row)
        if value is not None and values:
            lines.setdefault(", ".join([origin, *(f"{k} {v}" for k, v in axes.items())]), []).append((value, values))
    lines = {name: sorted(points) for name, points in lines.items() if len({x for x, _ in points}) > 1}
    return dict(list(lines.items())[:LINES_A_PANEL])


def draw_panel(ax: Axes, axis: str, lines: Series, metric: Metric) -> None:
    for index, (name, points) in enumerate(lines.items()):
        x, means = [x for x, _ in points], [statistics.fmean(values) for _, values in points]
        bars = [[mean - min(values) for mean, (_, values) in zip(means, points)],
                [max(values) - mean for mean, (_, values) in zip(means, points)]]
        ax.errorbar(x, means, yerr=bars, label=style.short(name), marker=style.MARKERS[index % len(style.MARKERS)],
                    markersize=4, capsize=2, elinewidth=0.8, **style.line(index))
    every = [x for points in lines.values() for x, _ in points]
    if min(every) > 0 and max(every) >= 10 * min(every):
        ax.set_xscale("log")
    values = [value for points in lines.values() for _, found in points for value in found]
    if min(values) > 0 and max(values) > 20 * min(values):
        style.logarithmic(ax, min(values), max(values))
    ax.set_xlabel(axis)
    ax.set_ylabel(metric.title)
