# A report as a list of blocks, written as Markdown or as one HTML page that needs nothing else and whose tables can be
# sorted.
# Texts are a little Markdown: **bold**, `code`, and a backslash before a character that means itself. What comes from
# files goes through plain().
import base64
import html
import re
from dataclasses import dataclass
from typing import Sequence


@dataclass
class Heading:
    level: int
    text: str


@dataclass
class Paragraph:
    text: str


@dataclass
class Bullets:
    items: Sequence[str]


@dataclass
class Table:
    header: Sequence[str]
    rows: Sequence[Sequence[str]]  # the first column is text, the others are numbers


@dataclass
class Picture:
    name: str  # of its file, without .png
    caption: str
    png: bytes


Block = Heading | Paragraph | Bullets | Table | Picture


def plain(text: object) -> str:
    return re.sub(r"([\\`*|<>\[\]])", r"\\\1", " ".join(str(text).split()))


def to_markdown(blocks: Sequence[Block]) -> str:
    return "\n\n".join(markdown_of(block) for block in blocks) + "\n"


def markdown_of(block: Block) -> str:
    match block:
        case Heading(level, text):
            return "#" * level + " " + text
        case Paragraph(text):
            return text
        case Bullets(items):
            return "\n".join("- " + item for item in items)
        case Table(header, rows):
            rule = [":--"] + ["--:"] * (len(header) - 1)
            return "\n".join("| " + " | ".join(cells) + " |" for cells in [header, rule, *rows])
        case Picture(name, caption, _):
            return f"![{name}](figures/{name}.png)\n\n{caption}"


STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #1a1a1a; background: #fff; max-width: 86rem; margin: 2rem auto;
       padding: 0 1rem; overflow-wrap: break-word; }
h1, h2, h3 { line-height: 1.2; margin: 2rem 0 .6rem; }
div.table { overflow-x: auto; max-height: 85vh; }
table { border-collapse: separate; border-spacing: 0; font-size: .82rem; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .3rem; text-align: right; white-space: nowrap; border-bottom: 1px solid #ddd; }
th { border-bottom: 2px solid #444; vertical-align: bottom; white-space: normal; position: sticky; top: 0; z-index: 1;
     background: #fff; cursor: pointer; }
th:hover { color: #0072b2; }
th[aria-sort=ascending]::after { content: " \\2191"; }
th[aria-sort=descending]::after { content: " \\2193"; }
th:first-child, td:first-child { text-align: left; position: sticky; left: 0; background: #fff; }
th:first-child { z-index: 2; }
td:first-child { max-width: 12rem; white-space: normal; overflow-wrap: anywhere; }
tbody tr:hover td { background: #f3f6fa; }
figure { margin: 1.5rem 0; }
figure img { max-width: 100%; height: auto; }
figcaption, footer { color: #555; font-size: .9rem; max-width: 60rem; }
code { background: #f2f2f2; padding: 0 .25em; border-radius: 3px; }
@media (max-width: 40rem) {
  body { font-size: 15px; margin: 1rem auto; padding: 0 .7rem; }
  table { font-size: .78rem; }
  th, td { padding: .2rem .4rem; }
  td:first-child { min-width: 6rem; max-width: 9rem; }
}
@media print {
  @page { size: A4 landscape; margin: 12mm; }
  body { font-size: 9pt; max-width: none; margin: 0; padding: 0; }
  div.table { overflow: visible; max-height: none; }
  table { font-size: 7pt; width: 100%; }
  th, td { position: static !important; padding: 1pt 3pt; white-space: normal; }
  tr, figure { break-inside: avoid; }
  h1, h2, h3 { break-after: avoid; }
  thead { display: table-header-group; }
  figure img { max-height: 150mm; }
}
"""

# A click on the head of a column sorts by its first numbers, or its texts; again the other way; again as it was.
SCRIPT = """
for (const table of document.querySelectorAll("table")) {
  const body = table.tBodies[0], original = [...body.rows];
  const key = (row, i) => {
    const text = row.cells[i].textContent;
    const found = text.match(/[-+]?\\d[\\d,]*(?:\\.\\d+)?(?:e[-+]?\\d+)?/);
    const power = text.match(/\\)e([-+]?\\d+)/);
    return found ? Number(found[0].replaceAll(",", "")) * 10 ** (power ? Number(power[1]) : 0) : null;
  };
  [...table.tHead.rows[0].cells].forEach((head, i) => {
    head.tabIndex = 0;
    const sort = () => {
      const next = {none: "ascending", ascending: "descending", descending: "none"}[head.ariaSort || "none"];
      for (const other of table.tHead.rows[0].cells) other.ariaSort = "none";
      head.ariaSort = next;
      const sign = next === "descending" ? -1 : 1, numeric = i > 0 && original.some(row => key(row, i) !== null);
      const order = (a, b) => {
        if (!numeric) return sign * a.cells[i].textContent.localeCompare(b.cells[i].textContent);
        const [x, y] = [key(a, i), key(b, i)];
        return x === null || y === null ? (x === null) - (y === null) : sign * (x - y);
      };
      body.append(...(next === "none" ? original : [...original].sort(order)));
    };
    head.addEventListener("click", sort);
    head.addEventListener("keydown", event => { if (event.key === "Enter") sort(); });
  });
}
"""


def to_html(title: str, blocks: Sequence[Block]) -> str:
    return "\n".join(["<!DOCTYPE html>", '<html lang="en"><head><meta charset="utf-8">',
                      '<meta name="viewport" content="width=device-width, initial-scale=1">',
                      f"<title>{inline(title)}</title>", f"<style>{STYLE}</style></head><body>",
                      *map(html_of, blocks), f"<script>{SCRIPT}</script></body></html>", ""])


def html_of(block: Block) -> str:
    match block:
        case Heading(level, text):
            return f"<h{level}>{inline(text)}</h{level}>"
        case Paragraph(text):
            return f"<p>{inline(text)}</p>"
        case Bullets(items):
            return "<ul>" + "".join(f"<li>{inline(item)}</li>" for item in items) + "</ul>"
        case Table(header, rows):
            lines = ["<tr>" + "".join(f"<td>{inline(cell)}</td>" for cell in row) + "</tr>" for row in rows]
            head = "".join(f"<th>{inline(cell)}</th>" for cell in header)
            body = "\n".join(lines)
            return f'<div class="table"><table><thead><tr>{head}</tr></thead><tbody>\n{body}\n</tbody></table></div>'
        case Picture(_, caption, png):
            data = base64.b64encode(png).decode("ascii")
            alt = html.escape(re.sub(r"\\(.)|\*\*|`", r"\1", caption))
            return (f'<figure><img alt="{alt}" src="data:image/png;base64,{data}">'
                    f"<figcaption>{inline(caption)}</figcaption></figure>")


def inline(text: str) -> str:
    """The little Markdown of a text as HTML."""
    pattern = r"\\(?P<self>[\\`*|<>\[\]])|\*\*(?P<bold>(?:\\.|[^*\\])+)\*\*|`(?P<code>[^`]+)`|(?P<other>.)"

    def one(match: re.Match[str]) -> str:
        if match["bold"]:
            return f"<b>{inline(match['bold'])}</b>"
        if match["code"]:
            return f"<code>{html.escape(match['code'])}</code>"
        return html.escape(match["self"] or match["other"])

    return re.sub(pattern, one, text, flags=re.DOTALL)
