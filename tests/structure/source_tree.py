# The project's files as the structure tests see them: {path: text}, and which file includes which.
# Product code is what is built and run; tests and documents are read too where a rule is about them.
import os
import pathlib
import re
import shutil
import subprocess
import unittest

ROOT = pathlib.Path(os.environ.get("OPTDNN_SOURCE_DIR", pathlib.Path(__file__).resolve().parents[2]))
BUILD = pathlib.Path(os.environ.get("OPTDNN_BUILD_DIR", ROOT / "build" / "release"))
CPP = (".h", ".cpp", ".cc")


class Rules(unittest.TestCase):
    def assert_none(self, complaints):
        if complaints:
            self.fail(f"{len(complaints)} complaints\n  " + "\n  ".join(complaints))


def read_tree(root=ROOT):
    """{path relative to the root: text} of every file of the project that git would keep."""
    listing = ["git", "-C", str(root), "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(listing, capture_output=True, text=True) if shutil.which("git") else None
    if listed and listed.returncode == 0:
        paths = listed.stdout.splitlines()
    else:  # an unpacked archive, or a machine without git
        tops = ["apps", "configs", "lib", "scripts", "tests", "third_party", ".ci"]
        paths = [str(p.relative_to(root)) for top in tops for p in (root / top).rglob("*")]
        paths += [p.name for p in root.iterdir() if p.is_file()]
    tree = {}
    for path in sorted(set(paths)):
        old_run = path.startswith("tests/old_runs/") and "/left/" in path  # as an older program wrote it
        if "__pycache__" in path or old_run or not (root / path).is_file():
            continue
        try:
            tree[path] = (root / path).read_bytes().decode("utf-8")
        except UnicodeDecodeError:
            pass  # a golden file or a fuzz corpus may hold any bytes
    return tree


def cpp_files(tree, *folders):
    return {path: text for path, text in tree.items() if path.endswith(CPP) and path.startswith(folders)}


def includes(text):
    """The names between quotes or angle brackets, in order."""
    return re.findall(r'^[ \t]*#[ \t]*include[ \t]*[<"]([^">]+)[>"]', text, re.MULTILINE)


def package_of(path):
    """lib/optdnn/base/text.h -> base, apps/optdnn/main.cpp -> apps."""
    parts = path.split("/")
    return "apps" if parts[0] == "apps" else parts[2] if parts[:2] == ["lib", "optdnn"] and len(parts) > 3 else None


def without_comments(text):
    """Line numbers stay; string and character literals are kept, so that a // inside one opens no comment."""
    return re.sub(r"""//[^\n]*|/\*.*?\*/|'(?:\\.|[^'\\\n])'|"(?:\\.|[^"\\\n])*\"""",
                  lambda m: "\n" * m.group().count("\n") if m.group()[0] == "/" else m.group(), text, flags=re.DOTALL)
