# Runs the built program the way a shell does, for the tests of the commands.
#
#   OPTDNN_SOURCE_DIR, OPTDNN_PROGRAM   set by ctest
#   OPTDNN_UPDATE_GOLDEN=1              rewrites the golden texts instead of comparing

import os
import pathlib
import subprocess
import tempfile
import unittest

SOURCE = pathlib.Path(os.environ.get("OPTDNN_SOURCE_DIR", pathlib.Path(__file__).parents[2]))
PROGRAM = os.environ.get("OPTDNN_PROGRAM", str(SOURCE / "build/release/optdnn"))
GOLDEN = SOURCE / "tests/golden/commands"


def children_of(process: subprocess.Popen) -> list[int]:
    return list(map(int, pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()))


class Commands(unittest.TestCase):
    """Each test has a folder of its own, where the program runs."""

    def setUp(self) -> None:
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = pathlib.Path(temporary.name)

    def run_program(self, *arguments: str, status: int = 0) -> subprocess.CompletedProcess:
        result = subprocess.run([PROGRAM, *arguments], cwd=self.folder, capture_output=True, text=True, timeout=300)
        self.assertEqual(result.returncode, status, f"{arguments}\n{result.stdout}\n{result.stderr}")
        return result

    def write(self, name: str, text: str) -> str:
        (self.folder / name).write_text(text)
        return name

    def compare_golden(self, name: str, text: str) -> None:
        file = GOLDEN / name
        if os.environ.get("OPTDNN_UPDATE_GOLDEN"):
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        self.assertEqual(text, file.read_text(), f"{file} differs; OPTDNN_UPDATE_GOLDEN=1 rewrites it")


RINGS = """
dataset:   {name: nested_rings, points_per_ring: 32, iterations_per_epoch: 50}
algorithm: {name: apg2, coefficients: {gamma: {value: 1.5, learn: per_step, range: [0, 3]}}}
module:    {name: dense_two_layer, hidden: 8}
depth:     4
width:     2
optimizer: {name: adam, learning_rate: 0.01}
schedule:  {name: cosine}
train:     {length: {epochs: 4}}
"""
