# Coefficients and certificate over training. Metrics coefficient/<stage>/<name>[/<k>[/...]]: a panel per row, stage and
# name, a line per step, coloured along the steps; mean and smallest to largest over seeds. The spectral radius of the
# tableau is drawn where it changes, with a cross where the rule as learned is not convergent.
import math
import re
from typing import Iterator

from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import BoundaryNorm
from matplotlib.figure import Figure

from report import style
from report.curves import band, finite_values
from report.document import plain
from report.runs import Group, Row, Run, natural
from report.text import listed

PANELS_A_PAGE = 12
ROWS_A_PAGE = 8
Panel = tuple[Row, str, str, list[str]]  # row, stage, name, metrics


def draw(group: Group, _: list[str]) -> Iterator[tuple[str, str, Figure]]:
    panels = [panel for row in group.rows for panel in panels_of(row)]
    last_step = max((step_of(metric) or 0 for panel in panels for metric in panel[3]), default=0)
    pages = style.pages(panels, PANELS_A_PAGE)
    for number, page in enumerate(pages, 1):
        figure, axes = style.panels(len(page))
        for panel, ax in zip(page, axes):
            draw_panel(ax, panel, last_step)
        figure.supxlabel("epoch", fontsize=9)
        figure.supylabel("value of the coefficient", fontsize=9)
        if last_step:
            bar = figure.colorbar(ScalarMappable(norm_of(last_step), style.STEPS), ax=axes, label="step k", aspect=30)
            bar.set_ticks([k + 0.5 for k in ticks(last_step)], labels=[str(k) for k in ticks(last_step)])
            bar.ax.minorticks_off()
        yield (f"coefficients-{number}" if len(pages) > 1 else "coefficients",
               "Line: mean over seeds; band: smallest to largest; black: one value for all steps.", figure)


def panels_of(row: Row) -> list[Panel]:
    names = {name for run in row.runs for record in run.records for name in record if name.startswith("coefficient/")}
    panels: dict[tuple[str, str], list[str]] = {}
    for metric in sorted(names, key=natural):
        parts = metric.split("/")
        if len(parts) >= 3:
            panels.setdefault((parts[1], parts[2]), []).append(metric)
    return [(row, stage, name, metrics) for (stage, name), metrics in panels.items()]


def step_of(metric: str) -> int | None:
    step = re.match(r"coefficient/[^/]*/[^/]*/(\d{1,6})", metric)
    return int(step[1]) if step else None


def norm_of(last_step: int) -> BoundaryNorm:
    return BoundaryNorm(range(last_step + 2), colormaps[style.STEPS].N)


def ticks(last_step: int) -> list[int]:
    return sorted(set(range(0, last_step + 1, max(1, last_step // 6))))


def draw_panel(ax: Axes, panel: Panel, last_step: int) -> None:
    row, stage, name, metrics = panel
    runs = [run for run in row.runs if run.status != "diverged"] or row.runs
    for metric in metrics:
        step = step_of(metric)
        color = "black" if step is None else colormaps[style.STEPS](norm_of(max(1, last_step))(step))
        epochs, mean, low, high = band(runs, metric)
        ax.plot(epochs, mean, color=color, marker="o" if len(epochs) == 1 else "")
        ax.fill_between(epochs, low, high, color=color, alpha=0.15, linewidth=0)
    stages = "" if stage == "0" and not has_stage_one(row) else f", stage {stage}"
    ax.set_title(f"{style.short(row.id, 26)}\n{name}{stages}")
    style.epochs(ax)


def has_stage_one(row: Row) -> bool:
    return any(name.startswith("coefficient/1/") for run in row.runs for record in run.records for name in record)


RADIUS, CONVERGENT = "certificate/spectral_radius", "certificate/convergent"
FORMERLY = "certificate/certified"  # in runs of before the two verdicts


def draw_radius(group: Group, _: list[str]) -> Iterator[tuple[str, str, Figure]]:
    rows = [row for row in group.rows if any(finite_values(run, RADIUS) for run in row.runs)]
    moving = [row for row in rows if any(moves(finite_values(run, RADIUS)) for run in row.runs)]
    still = [row.id for row in rows if row not in moving]
    note = f" It stays constant for {plain(listed(still))}." if still else ""
    pages = style.pages(moving, ROWS_A_PAGE)
    for number, page in enumerate(pages, 1):
        figure, (ax,) = style.panels(1, width=6.6, height=2.8)
        for index, row in enumerate(page):
            epochs, mean, low, high = band(row.runs, RADIUS)
            ax.plot(epochs, mean, label=style.short(row.id), **style.line(index))
            ax.fill_between(epochs, low, high, color=style.color(index), alpha=0.18, linewidth=0)
            draw_refused(ax, row.runs, style.color(index))
        ax.set(xlabel="epoch", ylabel="spectral radius of the tableau")
        style.epochs(ax)
        style.legend(figure, ax)
        yield (f"radius-{number}" if len(pages) > 1 else "radius",
               "Line: mean over seeds; band: smallest to largest; a cross where a seed's rule is not convergent."
               + note,
               figure)


def moves(values: list[float]) -> bool:
    return bool(values) and max(values) - min(values) > 1e-9


def draw_refused(ax: Axes, runs: list[Run], color: str) -> None:
    points = [(record["epoch"], record[RADIUS]) for run in runs for record in run.records
              if record.get(CONVERGENT, record.get(FORMERLY)) == 0 and math.isfinite(record.get(RADIUS, math.nan))]
    if points:
        ax.plot(*zip(*points), "x", color=color, markersize=5)
