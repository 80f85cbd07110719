# A convergence study (optdnn converge): a row per rule, its error against the number of steps K on logarithmic axes.
# Rules whose certificate promises a limit and the others stand in panels of their own, beside the slope of first order.
from typing import Any, Iterator

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullFormatter

from report import style
from report.document import Block, Bullets, Paragraph, Table, plain
from report.runs import Group, Row, mapping, number
from report.table import certificate_of, measured_on, refusals
from report.text import NOTHING, fixed

ROWS_A_PANEL = 8


def is_study(group: Group) -> bool:
    return any(study_of(row) for row in group.rows)


def study_of(row: Row) -> dict[str, Any]:
    return next((study for run in row.runs if (study := mapping(run.summary.get("convergence")))), {})


def errors_of(row: Row) -> dict[int, float]:
    """By K, where finite and not zero, so that it has a logarithm."""
    errors = mapping(study_of(row).get("errors"))
    return {int(k): value for k, text in errors.items() if (value := number(text)) and value > 0 and k.isdecimal()}


def promise(row: Row) -> str:
    """By the certificate: convergent, coupled or no."""
    study = study_of(row)
    if certificate_of(study, "convergent") is True:
        return "convergent"
    return "coupled" if study.get("coupled") is True else "no"


def promised(row: Row) -> bool:
    return promise(row) != "no"


def order_cell(row: Row) -> str:
    order = number(study_of(row).get("order"))
    return NOTHING if order is None else fixed(order, 2)


def steps_cell(row: Row) -> str:
    steps = mapping(study_of(row).get("effective_step"))
    return ", ".join(f"{plain(f)} {number(h) or 0.0:.4g}" for f, h in steps.items()) or NOTHING


def deepest_cell(row: Row) -> str:
    errors = errors_of(row)
    return f"{errors[max(errors)]:.1e} (K = {max(errors):,})" if errors else NOTHING


def converges_cell(row: Row) -> str:
    return "yes" if study_of(row).get("converges") is True else "no"


COLUMNS = [("row", lambda row: plain(row.id)), ("effective step", steps_cell), ("error of the deepest", deepest_cell),
           ("fitted order", order_cell), ("converges", converges_cell), ("certificate", promise)]


def table_blocks(group: Group) -> list[Block]:
    wrong = [plain(row.id) for row in group.rows if promised(row) != (converges_cell(row) == "yes")]
    table = Table([title for title, _ in COLUMNS], [[cell(row) for _, cell in COLUMNS] for row in group.rows])
    legend = ("Error: distance, in double precision, of the output after K steps from the exact flow at time = "
              "effective step, modules being fixed vector fields scaled by 1/K. Order: p of error ~ K^-p, fitted over "
              "the deeper half of the depths. A rule without an effective step is compared with the flow at step 1, a "
              "coupled one with its coupled flow.")
    blocks: list[Block] = [table, Paragraph(legend)]
    blocks.append(Paragraph("Certificate and measurement differ for: " + ", ".join(wrong) if wrong else
                            "Certificate and measurement agree in every row."))
    if refused := refusals(group):
        blocks += [Paragraph("Not convergent:"), Bullets(refused)]
    return blocks + measured_on(group)


def draw(group: Group, _: list[str]) -> Iterator[tuple[str, str, Figure]]:
    rows = [row for row in group.rows if errors_of(row)]
    pages = [(title, page) for title, verdict in (("convergent or coupled", True), ("neither", False))
             for page in style.pages([row for row in rows if promised(row) == verdict], ROWS_A_PANEL)]
    if not pages:
        return
    figure, axes = style.panels(len(pages), columns=3, width=3.7, height=4.6)
    for (title, page), ax in zip(pages, axes):
        draw_panel(ax, page, title)
    yield ("convergence", "Error against the number of steps K; in brackets the fitted order. Grey: error ~ 1/K.",
           figure)


def draw_panel(ax: Axes, rows: list[Row], title: str) -> None:
    for index, row in enumerate(rows):
        depths, errors = zip(*sorted(errors_of(row).items()))
        order = order_cell(row)
        label = style.short(row.id) + (f" ({order})" if order != NOTHING else "")
        ax.plot(depths, errors, marker=style.MARKERS[index], markersize=3.5, label=label, **style.line(index))
    ax.set(xscale="log", yscale="log", title=title, xlabel="steps K", ylabel="distance from the flow")
    draw_slope(ax, rows)
    depths = sorted({k for row in rows for k in errors_of(row)})
    ax.xaxis.set_major_locator(FixedLocator(depths[::-(-len(depths) // 6)]))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda k, _: f"{k:.0f}"))
    ax.yaxis.set_major_locator(LogLocator(numticks=8))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda error, _: f"{error:.0e}"))
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_minor_formatter(NullFormatter())
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=2 if len(rows) > 5 else 1, fontsize=7.5,
              columnspacing=1.0)


def draw_slope(ax: Axes, rows: list[Row]) -> None:
    """1/K through the largest error at the smallest depth of the panel."""
    depths = np.array(sorted({k for row in rows for k in errors_of(row)}), dtype=float)
    top = max(error for row in rows for k, error in errors_of(row).items() if k == depths[0])
    ax.plot(depths, top * depths[0] / depths, color="#999999", linewidth=0.8, linestyle=":", zorder=0)
