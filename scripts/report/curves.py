# Training curves: a panel per metric, a line per row; of a table of several tasks (tasks.py) a figure per metric, its
# training loss and its headline, with a panel per task, a line per rule. The line is the mean over the seeds that did
# not diverge, the band reaches from the smallest to the largest of them; a seed that diverged is a thin line of its own
# that ends in a cross where its last finite value was. Seeds of which only the end is known are named.
import math
from typing import Iterator

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from report import style
from report.document import plain
from report.runs import Group, Row, Run
from report.table import HEADLINES, KNOWN
from report.tasks import names_in, tasks_of
from report.text import listed

ROWS_A_PAGE = 8
CAPTION = ("Line: mean over seeds, nothing smoothed; band: smallest to largest. "
           "Thin line with a cross: a seed that diverged, up to its last finite value.")


def draw(group: Group, _: list[str]) -> Iterator[tuple[str, str, Figure]]:
    rows = [row for row in group.rows if any(run.records for run in row.runs)]
    metrics = metrics_of(rows)
    caption = CAPTION + without_curves(group)
    tasks = [(title, kept) for title, of_task in tasks_of(group) if (kept := [row for row in of_task if row in rows])]
    if not metrics:
        return
    if len(tasks) > 1:
        yield from draw_tasks(tasks, [metric for metric in metrics if metric in ("train/loss", *HEADLINES)], caption)
        return
    pages = style.pages(rows, ROWS_A_PAGE)
    for number, page in enumerate(pages, 1):
        figure, axes = style.panels(len(metrics), columns=3, width=3.3, height=2.6)
        for metric, ax in zip(metrics, axes):
            draw_metric(ax, page, metric)
            limit(ax, rows, metric)
        style.legend(figure, axes[0])
        yield f"curves-{number}" if len(pages) > 1 else "curves", caption, figure


def without_curves(group: Group) -> str:
    """A sentence on the seeds that are in the tables and not in the figures."""
    named = []
    for row in group.rows:
        if lacking := sum(not run.records for run in row.finished):
            some = f" ({lacking} of {len(row.finished)} seeds)" if lacking < len(row.finished) else ""
            named.append(plain(row.id) + some)
    return f" Not drawn, as only their ends were kept: {listed(named)}." if named else ""


def draw_tasks(tasks: list[tuple[str, list[Row]]], metrics: list[str],
               caption: str) -> Iterator[tuple[str, str, Figure]]:
    """A line has the colour of its name in every panel; pages of at most so many names."""
    names = {row.id: name for _, rows in tasks for row, name in zip(rows, names_in(rows).values())}
    pages = style.pages(list(dict.fromkeys(names.values())), ROWS_A_PAGE)
    for metric in metrics:
        for number, page in enumerate(pages, 1):
            shown = [(title, [row for row in rows if names[row.id] in page], rows) for title, rows in tasks]
            shown = [(title, rows, every) for title, rows, every in shown if rows]
            figure, axes = style.panels(len(shown), columns=3, width=3.3, height=2.6)
            for (title, rows, every), ax in zip(shown, axes):
                draw_metric(ax, rows, metric, {row.id: (page.index(names[row.id]), names[row.id]) for row in rows})
                limit(ax, every, metric)
                ax.set_title(style.short(title, 44))
            style.legend(figure, axes)
            name = "curves-" + metric.replace("/", "-")
            yield f"{name}-{number}" if len(pages) > 1 else name, caption, figure


def metrics_of(rows: list[Row]) -> list[str]:
    names = {name for row in rows for run in row.runs for record in run.records for name in record}
    tests = sorted((name for name in names if name.startswith("test/")), key=lambda name: (name not in KNOWN, name))
    known = [name for name in KNOWN if name in names]
    return ["train/loss"] * ("train/loss" in names) + known + [name for name in tests if name not in KNOWN]


def draw_metric(ax: Axes, rows: list[Row], metric: str, lines: dict[str, tuple[int, str]] | None = None) -> None:
    """`lines`: by row, the number and the name of its line, where they are not its place and its id."""
    for place, row in enumerate(rows):
        index, label = lines[row.id] if lines else (place, row.id)
        whole = [run for run in row.runs if run.status != "diverged"]
        epochs, mean, low, high = band(whole, metric)
        marker = "o" if len(epochs) == 1 else ""
        ax.plot(epochs, mean, label=style.short(label), marker=marker, **style.line(index))
        ax.fill_between(epochs, low, high, color=style.color(index), alpha=0.18, linewidth=0)
        for run in row.runs:
            if run.status == "diverged":
                draw_diverged(ax, series(run, metric), style.color(index))
    ax.set_ylabel("train loss" if metric == "train/loss" else KNOWN[metric].title if metric in KNOWN else metric)
    ax.set_xlabel("epoch")
    style.epochs(ax)


def draw_diverged(ax: Axes, points: dict[float, float], color: str) -> None:
    finite = [(epoch, value) for epoch, value in points.items() if math.isfinite(value)]
    if finite:
        ax.plot(*zip(*finite), color=color, linewidth=0.7)
        ax.plot(*finite[-1], "x", color=color, markersize=7, markeredgewidth=2)


def series(run: Run, metric: str) -> dict[float, float]:
    """epoch -> value; of the train loss the means between log points, beside which an evaluation's, of all the time
    since the last one, would be a spike."""
    records = [record for record in run.records if metric in record]
    logged = [record for record in records if not any(name.startswith("test/") for name in record)]
    if metric == "train/loss" and logged:
        records = logged
    return {record["epoch"]: record[metric] for record in records}


def band(runs: list[Run], metric: str) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Epochs, mean, smallest and largest over runs. Seeds whose value is not finite count nowhere."""
    all_points = [series(run, metric) for run in runs]
    epochs = np.array(sorted({epoch for points in all_points for epoch in points}))
    values = np.array([[points.get(epoch, math.nan) for epoch in epochs] for points in all_points])
    values = values.reshape(-1, len(epochs))
    values = np.where(np.isfinite(values), values, math.nan)
    there = np.isfinite(values).any(axis=0)
    epochs, values = epochs[there], values[:, there]
    if not len(epochs):
        return (np.empty(0),) * 4
    return epochs, np.nanmean(values, axis=0), np.nanmin(values, axis=0), np.nanmax(values, axis=0)


def limit(ax: Axes, rows: list[Row], metric: str) -> None:
    """The same for every page, and set by the runs that did not diverge, where there are any."""
    whole = [run for row in rows for run in row.runs if run.status != "diverged"]
    runs = whole if any(finite_values(run, metric) for run in whole) else [run for row in rows for run in row.runs]
    values = [value for run in runs for value in finite_values(run, metric)]
    if not values:
        return
    low, high = min(values), max(values)
    if low > 0 and high > 20 * low:
        style.logarithmic(ax, low, high)
    elif high > low:
        ax.set_ylim(low - 0.05 * (high - low), high + 0.05 * (high - low))


def finite_values(run: Run, metric: str) -> list[float]:
    return [value for value in series(run, metric).values() if math.isfinite(value)]

