# Error against the axes of a sweep: panels per task and axis that is a number, a line per row that was swept, at each
# value of the other axes; where there are many lines, in several panels. Points are means over the finished seeds, bars
# reach from the smallest to the largest.
import statistics
from typing import Iterator

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from report import style, sweep
from report.runs import Group, Row
from report.table import Metric, headline_of
from report.tasks import datasets_of

LINES_A_PANEL = 8
LINE_OF_LEGEND = 0.16  # inches
CAPTION = "Mean over finished seeds; bars: smallest to largest."
Series = dict[str, list[tuple[float, list[float]]]]  # name -> (value of the axis, the seeds' metric)


def draw(group: Group, _: list[str]) -> Iterator[tuple[str, str, Figure]]:
    metric = headline_of(group)
    if metric is None:
        return
    panels = [(title, axis, dict(lines)) for title, rows in datasets_of(group)
              for axis in sweep.axes_of([row.id for row in rows])
              for lines in style.pages(list(series_of(rows, axis, metric).items()), LINES_A_PANEL)]
    for number, page in enumerate(style.pages(panels, 6), 1):
        beneath = LINE_OF_LEGEND * max(len(lines) for _, _, lines in page)
        figure, axes = style.panels(len(page), columns=3, width=3.3, height=2.6 + beneath)
        for (title, axis, lines), ax in zip(page, axes):
            draw_panel(ax, axis, lines, metric)
            ax.set_title(style.short(title, 44))
            ax.legend(fontsize=8, loc="upper center", bbox_to_anchor=(0.5, -0.5 / 2.6))
        yield "sweep" if len(panels) <= 6 else f"sweep-{number}", CAPTION, figure


def series_of(rows: list[Row], axis: str, metric: Metric) -> Series:
    lines: Series = {}
    several = len({sweep.split(row.id)[0] for row in rows}) > 1
    for row in rows:
        origin, axes = sweep.split(row.id)
        value = sweep.value_of(axes.pop(axis, ""))
        values = metric.values(row)
        if value is not None and values:
            others = [v if sweep.value_of(v) is None else f"{k} {v}" for k, v in axes.items()]
            name = ", ".join([origin] * (several or not others) + others)
            lines.setdefault(name, []).append((value, values))
    return {name: sorted(points) for name, points in lines.items() if len({x for x, _ in points}) > 1}


def draw_panel(ax: Axes, axis: str, lines: Series, metric: Metric) -> None:
    for index, (name, points) in enumerate(lines.items()):
        x, means = [x for x, _ in points], [statistics.fmean(values) for _, values in points]
        bars = [[mean - min(values) for mean, (_, values) in zip(means, points)],
                [max(values) - mean for mean, (_, values) in zip(means, points)]]
        ax.errorbar(x, means, yerr=bars, label=style.short(name, 34), marker=style.MARKERS[index % len(style.MARKERS)],
                    markersize=4, capsize=2, elinewidth=0.8, **style.line(index))
    every = [x for points in lines.values() for x, _ in points]
    if min(every) > 0 and max(every) >= 10 * min(every):
        ax.set_xscale("log")
        ax.set_xticks(sorted(set(every)), [f"{x:g}" for x in sorted(set(every))])
        ax.minorticks_off()
    values = [value for points in lines.values() for _, found in points for value in found]
    if min(values) > 0 and max(values) > 20 * min(values):
        style.logarithmic(ax, min(values), max(values))
    ax.set_xlabel(axis)
    ax.set_ylabel(metric.title)
