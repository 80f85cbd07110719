# What --columns and --sort choose of the tables, by the titles of their columns or their beginnings. A table leaves out
# what it has not; a name that none has is a mistake.
import dataclasses
import difflib
import re

from report.document import Table


class NoSuchColumn(Exception):
    """Says which there are."""


@dataclasses.dataclass
class Choice:
    columns: list[str] = dataclasses.field(default_factory=list)  # empty: all
    sort: str = ""                                                # "-error": the largest first
    titles: list[str] = dataclasses.field(default_factory=list)   # of the tables so far
    found: set[str] = dataclasses.field(default_factory=set)      # names that one of them has

    def place(self, header: list[str], name: str) -> int | None:
        self.titles += [title for title in header if title not in self.titles]
        place = place_of(header, name)
        self.found |= set() if place is None else {name}
        return place

    def check(self) -> None:
        """After all tables. Raises NoSuchColumn."""
        for name in [*self.columns, *filter(None, [self.sort.lstrip("-")])]:
            if self.titles and name not in self.found:
                close = difflib.get_close_matches(name, self.titles, 1)
                meant = f"did you mean '{close[0]}'? " if close else ""
                if bare(name) == "rank":
                    meant = "rows are ranked where all of a table cost the same; "
                raise NoSuchColumn(f"no column '{name}'\n   hint: {meant}columns: {', '.join(self.titles)}")


def bare(text: str) -> str:
    return re.sub(r"[\W_]+", " ", text.lower()).strip()


def place_of(header: list[str], name: str) -> int | None:
    """The column called so, or the first one that begins or is found so; test/error_pct is test error (%)."""
    wanted = bare(name.replace("_pct", ""))
    titles = [bare(title) for title in header]
    for fits in (lambda t: t == wanted, lambda t: t.startswith(wanted), lambda t: wanted in t):
        for place, title in enumerate(titles):
            if fits(title):
                return place
    return None


def number_in(cell: str) -> float | None:
    """The first number of a cell: 7.28 of 7.28 +- 0.10."""
    found = re.search(r"[-+]?\d[\d,]*(?:\.\d+)?(?:e[-+]?\d+)?", cell.replace("\\", ""))
    exponent = re.search(r"\)e([-+]?\d+)", cell)  # (1.00 +- 0.05)e-06
    return None if not found else float(found[0].replace(",", "")) * 10.0 ** int(exponent[1] if exponent else 0)


def chosen(table: Table, choice: Choice, keys: int = 1) -> Table:
    """The first `keys` columns tell the rows apart, and stay."""
    header, rows = list(table.header), [list(row) for row in table.rows]
    place = choice.place(header, choice.sort.lstrip("-")) if choice.sort else None
    if place is not None:
        sign = -1 if choice.sort.startswith("-") else 1
        numbers = [number_in(row[place]) for row in rows]
        if any(number is not None for number in numbers):
            order = sorted(range(len(rows)), key=lambda i: (numbers[i] is None, sign * (numbers[i] or 0.0)))
            rows = [rows[i] for i in order]
        else:
            rows.sort(key=lambda row: row[place], reverse=sign < 0)
    if choice.columns:
        places = [place for name in choice.columns if (place := choice.place(header, name)) is not None]
        places = places if keys == 1 and 0 in places else [*range(keys), *(place for place in places if place >= keys)]
        header, rows = [header[i] for i in places], [[row[i] for i in places] for row in rows]
    return Table(header, rows)
