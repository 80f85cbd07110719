# The walk of a researcher with a rule and data of their own: Adams-Bashforth 3 is certified, checked, trained on a CSV
# with five seeds beside gradient_descent, reported, exported to Python with equal outputs, and continued elsewhere from
# copied folders. Prints the commands with their seconds.
import json
import math
import os
import pathlib
import random
import shutil
import subprocess
import tempfile
import time
import unittest

SOURCE = pathlib.Path(os.environ.get("OPTDNN_SOURCE_DIR", pathlib.Path(__file__).parents[2]))
PROGRAM = os.environ.get("OPTDNN_PROGRAM", str(SOURCE / "build/release/optdnn"))
EQUATIONS = "x[k+1] = x[k] + (23*T(x[k]) - 16*T(x[k-1]) + 5*T(x[k-2]))/12"
CONFIG = f"""
table: A rule of my own
defaults:
  dataset:   {{name: table, file: my.csv, target: label, drop: [id], test_fraction: 0.25}}
  module:    {{name: dense_two_layer, hidden: 8}}
  depth:     5
  width:     3
  optimizer: {{name: adam, learning_rate: 0.02}}
  train:     {{length: {{epochs: 20}}}}
  seeds:     [0, 1, 2, 3, 4]
rows:
  - {{id: gradient_descent, algorithm: {{name: gradient_descent}}}}
  - {{id: adams_bashforth, algorithm: {{name: adams_bashforth, equations: "{EQUATIONS}"}},
     compare: {{to: gradient_descent}}}}
"""


def csv_text() -> str:
    """Two spirals in three columns."""
    draw, lines = random.Random(0), ["id,a,b,c,label"]
    for i in range(240):
        angle, side = 3 * draw.random(), i % 2
        a, b = ((1 if side else -1) * angle * f(2 * angle) + 0.1 * draw.gauss(0, 1) for f in (math.cos, math.sin))
        lines.append(f"{i},{a:.4f},{b:.4f},{draw.gauss(0, 1):.4f},{'inner' if side else 'outer'}")
    return "\n".join(lines) + "\n"


class Walk(unittest.TestCase):
    def setUp(self) -> None:
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = pathlib.Path(temporary.name)
        (self.folder / "my.csv").write_text(csv_text())
        (self.folder / "my.yaml").write_text(CONFIG)

    def optdnn(self, *words: str) -> str:
        begun = time.monotonic()
        run = subprocess.run([PROGRAM, *words], cwd=self.folder, capture_output=True, text=True, timeout=300)
        self.assertEqual(run.returncode, 0, f"{words}\n{run.stdout}\n{run.stderr}")
        print(f"{time.monotonic() - begun:6.1f} s  optdnn {' '.join(words)}", flush=True)
        return run.stdout

    def test_the_first_hour(self) -> None:
        self.assertTrue(json.loads(self.optdnn("certify", EQUATIONS, "--json"))["convergent"])
        self.assertIn("label", self.optdnn("check", "my.csv") + self.optdnn("check", "my.yaml"))
        self.optdnn("train", "my.yaml", "--row", "gradient_descent", "--threads", "1", "--quiet")

        # elsewhere: the folders are copied, the same command finds what is done and does the rest
        shutil.copytree(self.folder / "runs", self.folder / "elsewhere")
        self.optdnn("train", "my.yaml", "--out", "elsewhere", "--threads", "1", "--quiet")
        runs = sorted((self.folder / "elsewhere/my").glob("*/seed-*/summary.json"))
        self.assertEqual(len(runs), 10)
        self.assertEqual({json.loads(run.read_text())["status"] for run in runs}, {"finished"})
        copied = "my/gradient_descent/seed-0/metrics.jsonl"
        there, here = self.folder / "elsewhere" / copied, self.folder / "runs" / copied
        self.assertEqual(there.read_bytes(), here.read_bytes())

        python = [str(SOURCE / "scripts/python"), "-c", "import matplotlib, torch"]
        if subprocess.run(python, capture_output=True).returncode != 0:
            self.skipTest("this Python lacks matplotlib or torch")
        self.optdnn("report", "elsewhere/my", "--csv")
        report = (self.folder / "elsewhere/my/report/report.md").read_text()
        self.assertIn("| adams_bashforth | ", report)
        self.assertIn("Compared: test error", report)
        said = json.loads(self.optdnn("export", "elsewhere/my/adams_bashforth/seed-0", "--to", "net.py", "--json"))
        self.assertTrue(said["agrees"])
        self.assertIn("x[k+1] = x[k] + (23*Tx[k] - 16*Tx[k-1] + 5*Tx[k-2])/12", (self.folder / "net.py").read_text())


if __name__ == "__main__":
    unittest.main()
