# Rows beside the row they are compared with (`compare: {to: ROW}`): a table per block, the rows with one `to`. Pairs by
# seed, the mean difference with its 95 % interval, the exact sign-flip p and Holm's over the block. Bold is what is
# significant within its block; a row that lost a seed has no p.
import statistics
from dataclasses import dataclass, field
from typing import Any

from report import paired
from report.document import Block, Heading, Paragraph, Table, plain
from report.runs import Group, Row, mapping, number
from report.text import NOTHING, PLUS_MINUS, counted, fixed


@dataclass
class Line:
    """One row of a block; the differences are row minus `to`, by seed."""
    row: Row
    values: list[float]
    differences: list[float]
    p: float | None = None       # None where a seed was lost, or nothing can be compared
    holm: float | None = None
    ratio: float | None = None   # of the costs

    @property
    def is_significant(self) -> bool:
        return self.holm is not None and self.holm <= paired.LEVEL


@dataclass
class Comparison:
    to: Row
    cost: str
    lines: list[Line] = field(default_factory=list)

    @property
    def tested(self) -> list[Line]:
        return [line for line in self.lines if line.p is not None]


def compare_of(row: Row) -> dict[str, Any]:
    return next((found for run in row.runs if (found := mapping(run.summary.get("compare")))), {})


def comparisons(group: Group, metric: Any) -> list[Comparison]:
    """The blocks of a table on one metric, in the order of their rows."""
    rows, blocks = {row.id: row for row in group.rows}, {}
    for row in group.rows:
        to = compare_of(row).get("to")
        if not isinstance(to, str) or to not in rows or rows[to] is row:
            continue
        cost = str(compare_of(row).get("cost", "multiply_adds"))
        block = blocks.setdefault(to, Comparison(rows[to], cost))
        block.lines.append(line_of(row, rows[to], cost, metric))
    for block in blocks.values():
        for line, adjusted in zip(block.tested, paired.holm([line.p for line in block.tested])):
            line.holm = adjusted
    return list(blocks.values())


def line_of(row: Row, to: Row, cost: str, metric: Any) -> Line:
    own, theirs = by_seed(row, metric), by_seed(to, metric)
    seeds = [seed for seed in own if seed in theirs]
    line = Line(row, list(own.values()), [own[seed] - theirs[seed] for seed in seeds], ratio=ratio_of(row, to, cost))
    every = {run.seed for run in row.runs} | {run.seed for run in to.runs}
    if seeds and len(seeds) == len(every):
        line.p = paired.sign_flip_p(line.differences)
    return line


def by_seed(row: Row, metric: Any) -> dict[Any, float]:
    return {run.seed: value for run in row.finished if (value := metric.of(run)) is not None}


def ratio_of(row: Row, to: Row, cost: str) -> float | None:
    costs = [next((c for run in r.runs if (c := number(run.summary.get(cost)))), None) for r in (row, to)]
    return costs[0] / costs[1] if all(costs) else None


def blocks_of(group: Group, metric: Any) -> list[Block]:
    found = comparisons(group, metric) if metric else []
    blocks: list[Block] = [Heading(3, f"Compared: {metric.title}")] if found else []
    for block in found:
        words = block.cost.replace("_", "-")
        header = ["row", "n", "mean", f"minus {plain(block.to.id)}", "p", "p (Holm)", f"share of {words}"]
        lines = [[plain(block.to.id), *itself(block.to, metric), NOTHING, NOTHING, NOTHING, "1.00"]]
        lines += [[plain(line.row.id), *cells(line, metric)] for line in block.lines]
        blocks += [Table(header, lines), Paragraph(about(block))]
    return blocks


def itself(row: Row, metric: Any) -> list[str]:
    values = list(by_seed(row, metric).values())
    return [str(len(values)), with_interval(values, metric.decimals)]


def cells(line: Line, metric: Any) -> list[str]:
    difference = with_interval(line.differences, metric.decimals, sign=True)
    if line.is_significant:
        difference = f"**{difference}**"
    return [str(len(line.differences)), with_interval(line.values, metric.decimals), difference, p_text(line.p),
            p_text(line.holm), NOTHING if line.ratio is None else f"{line.ratio:.2f}"]


def with_interval(values: list[float], decimals: int, sign: bool = False) -> str:
    if not values:
        return NOTHING
    mean, width = statistics.fmean(values), paired.half_width(values)
    text = ("+" if sign and mean > 0 else "") + fixed(mean, decimals)
    return text if width is None else f"{text} {PLUS_MINUS} {fixed(width, decimals)}"


def p_text(p: float | None) -> str:
    return NOTHING if p is None else f"{p:.1e}" if p < 0.001 else f"{p:.3f}"


def about(block: Comparison) -> str:
    n = min((len(line.differences) for line in block.tested), default=0)
    text = (f"Beside {plain(block.to.id)}: means and differences with 95 % intervals (paired t), p by sign flips, Holm "
            f"over {counted(len(block.tested), 'row')}. ")
    if not block.tested:
        return text + "No row has a p: each lost a seed, or has no partner."
    least = paired.smallest_p(n)
    text += f"The smallest p of {counted(n, 'pair')} is {p_text(least)}, {p_text(min(1.0, least * len(block.tested)))} "
    text += "after Holm: "
    if least * len(block.tested) > paired.LEVEL:
        return text + f"nothing here can be significant at {paired.LEVEL}."
    return text + f"**bold** is what is significant at {paired.LEVEL}."


def json_of(group: Group, metric: Any) -> list[dict[str, Any]]:
    return [{"to": block.to.id, "cost": block.cost, "metric": metric.name,
             "rows": [{"row": line.row.id, "n": len(line.differences), "p": line.p, "holm": line.holm,
                       "difference": statistics.fmean(line.differences) if line.differences else None,
                       "half_width": paired.half_width(line.differences), "cost_ratio": line.ratio}
                      for line in block.lines]}
            for block in (comparisons(group, metric) if metric else [])]
