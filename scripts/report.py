#!/usr/bin/env python3
# Reports on runs: report.md with figures/, report.html that needs nothing else, and results.json.
#   scripts/report.py runs/table_1_nested_rings                      -> runs/table_1_nested_rings/report/
#   scripts/report.py runs/a runs/b --out both --title "a beside b"
#   scripts/report.py runs/a configs/results/a       new rows and seeds beside those of a results.json
#   scripts/report.py runs/a --sort "test error" --columns "rank, test error, parameters" --csv --latex
# `optdnn report` runs it. --csv adds results.csv, --latex report.tex.
# Exit codes: 0 if a run could be read (what could not is named in the report), 2 wrong usage, 3 nothing to read, or
# no place to write.
import argparse
import json
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

try:
    from report import committed, convergence, document, figures, files, results, runs, solver, table
    from report.choice import Choice, NoSuchColumn
except ModuleNotFoundError as error:
    print(f"error: Python package '{error.name}' is missing\n   hint: scripts/optdnn report installs what is needed"
          f" into .venv; or pip install -r {os.path.relpath(sys.path[0])}/requirements.txt", file=sys.stderr)
    sys.exit(3)


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="report.py", description="Tables and figures of trained runs.")
    parser.add_argument("runs", metavar="RUNS", type=pathlib.Path, nargs="+",
                        help="a folder that holds run folders at any depth, or the results.json of a report")
    parser.add_argument("--out", metavar="FOLDER", type=pathlib.Path,
                        help="default: report/ in the first folder of runs")
    parser.add_argument("--title", metavar="TEXT", help="default: the title of the table")
    parser.add_argument("--columns", metavar="NAMES", default="", help="those of the tables, with commas between them")
    parser.add_argument("--sort", metavar="NAME", default="",
                        help="by this column, the smallest first; -NAME the largest")
    parser.add_argument("--csv", action="store_true", help="results.csv too: a line per row")
    parser.add_argument("--latex", action="store_true", help="report.tex too: the tables")
    return parser.parse_args(arguments)


def read(paths: list[pathlib.Path]) -> tuple[list[runs.Group], list[str]]:
    files = {path: file for path in paths if (file := committed.results_file(path))}
    found = [committed.read_committed(file) for file in files.values()]
    groups, problems = runs.read_groups([path for path in paths if path not in files],
                                        [run for those, _ in found for run in those])
    return groups, [*problems, *(problem for _, those in found for problem in those)]


def compose(title: str, groups: list[runs.Group], problems: list[str], choice: Choice) -> list[document.Block]:
    blocks: list[document.Block] = [document.Heading(1, title)]
    for group in groups:
        if len(groups) > 1:
            blocks.append(document.Heading(2, f"{document.plain(group.title)} (`{group.stem}`)"))
        is_study = convergence.is_study(group)
        blocks += convergence.table_blocks(group) if is_study else table.table_blocks(group, choice)
        blocks += solver.table_blocks(group)
        blocks += figures.figure_blocks(group, f"{group.stem}-" if len(groups) > 1 else "", problems)
    if problems:
        blocks += [document.Heading(2, "What could not be read"), document.Bullets(list(map(document.plain, problems)))]
    return blocks


class Foreign(Exception):
    """Says what would be overwritten."""


def holds_a_report(folder: pathlib.Path) -> bool:
    try:
        groups = json.loads((folder / "results.json").read_text(encoding="utf-8"))
        return all("rows" in group for group in groups)
    except (OSError, ValueError, TypeError):
        return False


def write(out: pathlib.Path, title: str, blocks: list[document.Block], groups: list[runs.Group],
          options: argparse.Namespace) -> None:
    texts = {"results.json": results.results_json(groups), "report.md": document.to_markdown(blocks),
             "report.html": document.to_html(title, blocks)}
    texts |= {"results.csv": files.csv_text(groups)} if options.csv else {}
    texts |= {"report.tex": files.latex_text(blocks)} if options.latex else {}
    if (foreign := next((name for name in texts if (out / name).exists()), None)) and not holds_a_report(out):
        raise Foreign(f"{out / foreign} is there, and no report wrote it\n   hint: --out names another folder")
    (out / "figures").mkdir(parents=True, exist_ok=True)
    for block in blocks:
        if isinstance(block, document.Picture):
            (out / "figures" / f"{block.name}.png").write_bytes(block.png)
    for name, text in texts.items():
        temporary = out / (name + ".part")
        temporary.write_text(text, encoding="utf-8")
        os.replace(temporary, out / name)


def main(arguments: list[str] | None = None) -> int:
    options = parse(arguments)
    groups, problems = read(options.runs)
    if not any(run.readable for group in groups for run in group.runs):
        print("\n".join(["report.py: no run could be read", *("   " + p for p in problems)]), file=sys.stderr)
        return 3
    title = document.plain(options.title or ", ".join(dict.fromkeys(group.title for group in groups)))
    folder = next((path for path in options.runs if not committed.results_file(path)), pathlib.Path("."))
    out = options.out or folder / "report"
    choice = Choice([name.strip() for name in options.columns.split(",") if name.strip()], options.sort)
    try:
        blocks = compose(title, groups, problems, choice)
        choice.check()
        write(out, title, blocks, groups, options)
    except (NoSuchColumn, Foreign) as error:
        print(f"report.py: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"report.py: cannot write {error.filename}: {error.strerror}", file=sys.stderr)
        return 3
    for problem in problems:
        print(f"report.py: {problem}", file=sys.stderr)
    print(out / "report.md")
    print(out / "report.html")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
