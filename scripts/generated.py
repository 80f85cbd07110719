# What the scripts do that write files of the tree from others: write them, or with --check only compare.
import argparse
import pathlib
from typing import Callable


def run(texts: dict[pathlib.Path, Callable[[], str]], about: str) -> int:
    """The exit code: 1 where --check finds a file out of date."""
    names = " or ".join(file.name for file in texts)
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--check", action="store_true", help=f"write nothing; fail where {names} is out of date")
    if parser.parse_args().check:
        return int(any(not file.exists() or file.read_text() != text() for file, text in texts.items()))
    for file, text in texts.items():
        file.write_text(text(), encoding="utf-8")
    return 0
