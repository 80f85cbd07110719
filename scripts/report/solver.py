# How the solves of implicit rows went: steps, residual, failed solves, spectral radius and the cosines of cheaper
# gradients with the exact one over training, and the residual against the evaluations of the modules at the last
# record.
import math
from typing import Iterator

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from report import style
from report.curves import band, finite_values, limit
from report.document import Block, Paragraph, Table, plain
from report.runs import Group, Row
from report.text import mean_spread

ROWS_A_PAGE = 8
CURVE = "solver/residual_after/"
METRICS = {"solver/steps": "evaluations a solve", "solver/residual": "relative residual",
           "solver/failed": "failed solves", "solver/spectral_radius": "spectral radius of J",
           "solver/cosine/phantom": "cosine of phantom", "solver/cosine/jacobian_free": "cosine of Jacobian-free"}


def solving_rows(group: Group) -> list[Row]:
    return [row for row in group.rows if any(finite_values(run, "solver/steps") for run in row.runs)]


def table_blocks(group: Group) -> list[Block]:
    rows = solving_rows(group)
    lines = [[plain(row.id), *(last_cell(row, metric) for metric in METRICS)] for row in rows]
    about = "Solves of implicit steps at the last record: mean and standard deviation over seeds."
    return [Paragraph(about), Table(["row", *METRICS.values()], lines)] if lines else []


def last_cell(row: Row, metric: str) -> str:
    last = [values[-1] for run in row.runs if (values := finite_values(run, metric))]
    return mean_spread(last, 0 if metric == "solver/failed" else 4)


def draw(group: Group, _: list[str]) -> Iterator[tuple[str, str, Figure]]:
    rows = solving_rows(group)
    pages = style.pages(rows, ROWS_A_PAGE)
    for number, page in enumerate(pages, 1):
        figure, axes = style.panels(len(METRICS) + 1, columns=4, width=3.0, height=2.6)
        for (metric, title), ax in zip(METRICS.items(), axes):
            draw_metric(ax, page, rows, metric, title)
        draw_residuals(axes[-1], page)
        style.legend(figure, axes[0])
        yield (f"solver-{number}" if len(pages) > 1 else "solver",
               "Over training: mean over seeds; band: smallest to largest; samples and steps of the rule since the "
               "record before, failed backward solves included. Last panel: the mean residual at the last "
               "record.", figure)


def draw_metric(ax: Axes, page: list[Row], rows: list[Row], metric: str, title: str) -> None:
    for index, row in enumerate(page):
        epochs, mean, low, high = band(row.runs, metric)
        ax.plot(epochs, mean, label=style.short(row.id), marker="o" if len(epochs) == 1 else "", **style.line(index))
        ax.fill_between(epochs, low, high, color=style.color(index), alpha=0.18, linewidth=0)
    ax.set(xlabel="epoch", ylabel=title)
    limit(ax, rows, metric)
    style.epochs(ax)


def draw_residuals(ax: Axes, page: list[Row]) -> None:
    drawn = []
    for index, row in enumerate(page):
        points = last_residuals(row)
        if points:
            ax.plot(*zip(*points), **style.line(index))
            drawn += [value for _, value in points]
    ax.set(xlabel="evaluations of the modules", ylabel="relative residual")
    if drawn:
        style.logarithmic(ax, min(drawn), max(drawn))


def last_residuals(row: Row) -> list[tuple[int, float]]:
    """(evaluations, residual): the mean over seeds of each one's last record that has any."""
    values: dict[int, list[float]] = {}
    for run in row.runs:
        record = next((r for r in reversed(run.records) if "solver/steps" in r), {})
        for name, value in record.items():
            if name.startswith(CURVE) and name[len(CURVE):].isdecimal() and math.isfinite(value) and value > 0:
                values.setdefault(int(name[len(CURVE):]), []).append(value)
    return [(step, float(np.mean(values[step]))) for step in sorted(values)]
