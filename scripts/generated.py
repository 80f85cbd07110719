# What the scripts do that write a file of the tree from others: write it, or with --check only compare.
import argparse
import pathlib
from typing import Callable


def run(file: pathlib.Path, text: Callable[[], str], about: str) -> int:
    """The exit code: 1 where --check finds the file out of date."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--check", action="store_true", help=f"write nothing; fail where {file.name} is out of date")
    if parser.parse_args().check:
        return int(not file.exists() or file.read_text() != text())
    file.write_text(text(), encoding="utf-8")
    return 0
