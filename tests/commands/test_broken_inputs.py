# Every broken input of the table is answered with a message and the documented exit code, and nothing is lost.
# tests/broken_inputs.md is what this prints; OPTDNN_UPDATE_GOLDEN=1 writes it anew.

import concurrent.futures
import os
import pathlib
import subprocess
import tempfile
import unittest

import broken_configs
import broken_data
import broken_exports
import broken_own_data
from broken_case import Case
from program import PROGRAM, SOURCE

TABLE = SOURCE / "tests/broken_inputs.md"
HEAD = """\
# Broken inputs

Written by `tests/commands/test_broken_inputs.py`, which runs the program on each. Exit codes: 2 the config or the
command line, 3 the environment (data, files, device); 0 where something is left out, named and the rest used. In every
case the files that were there before are unchanged afterwards, and no run is begun.

| input | command | message | exit |
|---|---|---|---|
"""


def snapshot(folder: pathlib.Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes()
            for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink()}


def message_of(result: subprocess.CompletedProcess, folder: str) -> str:
    """What is wrong and the hint, on one line; of several mistakes the first."""
    lines = (result.stderr.splitlines() or []) + (result.stdout.splitlines() if result.returncode in (0, 3) else [])
    wrong = [line for line in lines if "error: " in line or "warning: " in line or " is damaged" in line
             or "left out: " in line or ", neither a JPEG" in line or " is too large" in line]
    hints = [line.strip() for line in lines if line.strip().startswith("hint: ")]
    text = (wrong[0] if wrong else lines[0] if lines else "") + (f"; {hints[0]}" if hints else "")
    return text.replace(folder + "/", "").replace(folder, ".")


def shortened(text: str, length: int = 300) -> str:
    text = "".join(c if c.isprintable() else "?" for c in text).replace("|", "\\|")
    return text if len(text) <= length else text[:length] + "..."


def run_case(case: Case) -> tuple[Case, int, str, str]:
    """The exit code, the message, and what else is wrong."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name).resolve()
        for path, content in case.files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(content if isinstance(content, bytes) else content.encode())
        for path, target in case.links.items():
            os.symlink(target, folder / path)
        before = snapshot(folder)
        result = subprocess.run([PROGRAM, *case.arguments], cwd=folder, capture_output=True, timeout=300,
                                encoding="utf-8", errors="replace")
        after = snapshot(folder)
        wrong = ""
        if result.returncode != case.status:
            wrong = f"exit code {result.returncode}, wanted {case.status}: {result.stdout}{result.stderr}"
        elif before != {path: after.get(path) for path in before}:
            wrong = "a file was changed"
        elif set(after) - set(before):
            wrong = f"files were left behind: {sorted(set(after) - set(before))}"
        elif "internal error" in result.stderr or "bug of optdnn" in result.stderr:
            wrong = "an internal error"
        message = message_of(result, str(folder))
        if not message:
            wrong = "no message"
        return case, result.returncode, message, wrong


class BrokenInputs(unittest.TestCase):
    def test_each_is_answered_with_a_message_and_nothing_is_lost(self) -> None:
        cases = (broken_configs.all_cases() + broken_data.all_cases() + broken_own_data.all_cases() +
                 broken_exports.all_cases())
        self.assertGreaterEqual(len(cases), 150)
        self.assertEqual(len({case.what for case in cases}), len(cases))
        rows = []
        with concurrent.futures.ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
            for case, status, message, wrong in pool.map(run_case, cases):
                with self.subTest(case.what):
                    self.assertEqual(wrong, "")
                command = " ".join(word if len(word) < 40 else word[:20] + "..." for word in case.arguments)
                rows.append(f"| {case.what} | `{command}` | {shortened(message)} | {status} |\n")
        text = HEAD + "".join(rows)
        if os.environ.get("OPTDNN_UPDATE_GOLDEN"):
            TABLE.write_text(text)
        self.assertEqual(text, TABLE.read_text(), f"{TABLE} differs; OPTDNN_UPDATE_GOLDEN=1 rewrites it")


if __name__ == "__main__":
    unittest.main()
