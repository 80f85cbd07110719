# The tables of a report for other programs: results.csv with a line per row of each config, means and deviations as
# plain numbers; report.tex with the tables as they stand on the page, for LaTeX with booktabs.
import csv
import io
import re
import statistics
from typing import Sequence

from report import sweep
from report.document import Block, Heading, Table
from report.runs import Group, Row
from report.table import metrics_of, summary_values

SPECIAL = {"\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{",
           "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "\u00b1": r"$\pm$"}


def csv_text(groups: Sequence[Group]) -> str:
    lines = [line for group in groups for line in csv_lines(group)]
    names = list(dict.fromkeys(name for line in lines for name in line))
    file = io.StringIO()
    writer = csv.DictWriter(file, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return file.getvalue()


def csv_lines(group: Group) -> list[dict[str, object]]:
    return [csv_line(group, row) for row in group.rows]


def csv_line(group: Group, row: Row) -> dict[str, object]:
    origin, axes = sweep.split(row.id)
    line: dict[str, object] = {"config": group.stem, "row": row.id, "origin": origin, **axes, "n": len(row.finished),
                               "runs": len(row.runs)}
    for metric in metrics_of(group):
        values = metric.values(row)
        line |= {metric.name: statistics.fmean(values) if values else None,
                 f"{metric.name} std": statistics.stdev(values) if len(values) > 1 else None}
    for key in ("parameters", "multiply_adds", "seconds"):
        values = summary_values(row, key, row.finished or row.runs)
        line[key] = statistics.fmean(values) if values else None
    return line


def latex_text(blocks: Sequence[Block]) -> str:
    pieces, title = ["% Tables of a report of optdnn; wants \\usepackage{booktabs}."], ""
    for block in blocks:
        if isinstance(block, Heading):
            title = block.text
        elif isinstance(block, Table):
            pieces.append(latex_of(block, title))
    return "\n\n".join(pieces) + "\n"


def latex_of(table: Table, title: str) -> str:
    lines = [" & ".join(map(latex_cell, cells)) + r" \\" for cells in [table.header, *table.rows]]
    return "\n".join([f"% {title}", rf"\begin{{tabular}}{{l{'r' * (len(table.header) - 1)}}}", r"\toprule", lines[0],
                      r"\midrule", *lines[1:], r"\bottomrule", r"\end{tabular}"])


def latex_cell(text: str) -> str:
    """The little Markdown of a cell."""
    def one(match: re.Match[str]) -> str:
        if match["bold"]:
            return rf"\textbf{{{latex_cell(match['bold'])}}}"
        return "".join(SPECIAL.get(c, c) for c in match["self"] or match["other"])

    return re.sub(r"\\(?P<self>[\\`*|<>\[\]])|\*\*(?P<bold>(?:\\.|[^*\\])+)\*\*|(?P<other>.)", one, text)
