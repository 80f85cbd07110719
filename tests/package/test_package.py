# The Python package: certificates, a table of runs, a network as a torch module.
import importlib.util
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

SOURCE = pathlib.Path(os.environ.get("OPTDNN_SOURCE_DIR", pathlib.Path(__file__).parents[2]))
os.environ.setdefault("OPTDNN", os.environ.get("OPTDNN_PROGRAM", str(SOURCE / "build/release/optdnn")))
sys.path.insert(0, str(SOURCE / "scripts/package"))

import optdnn  # noqa: E402
from optdnn import folders  # noqa: E402

CONFIG = """
dataset:   {name: nested_rings, points_per_ring: 16, test_points_per_ring: 16, iterations_per_epoch: 5}
algorithm: {name: apg2}
module:    {name: dense_two_layer, hidden: 4}
depth:     3
width:     2
optimizer: {name: adam, learning_rate: 0.01}
train:     {length: {epochs: 1}}
"""


def has(package: str) -> bool:
    return importlib.util.find_spec(package) is not None


class Package(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        (cls.folder / "rings.yaml").write_text(CONFIG)
        words = [optdnn.program(), "train", "rings.yaml", "--quiet", "--threads", "1"]
        subprocess.run(words, cwd=cls.folder, check=True)

    def test_rules_are_certified_by_name_and_by_equations(self) -> None:
        self.assertTrue(optdnn.certify("apg2")["convergent"])
        bashforth = "x[k+1] = x[k] + (23*T(x[k]) - 16*T(x[k-1]) + 5*T(x[k-2]))/12"
        self.assertTrue(optdnn.certify(bashforth)["convergent"])
        damped = "x[k+1] = x[k] + beta*(x[k] - x[k-1]) + T(x[k])"
        self.assertTrue(optdnn.certify(damped, {"beta": 0.5})["convergent"])
        self.assertFalse(optdnn.certify(damped, {"beta": 1})["convergent"])

    def test_a_wrong_rule_raises_with_the_programs_words_and_code(self) -> None:
        with self.assertRaises(optdnn.Failed) as raised:
            optdnn.certify("x[k+1] = x[k] + T(q[k])")
        self.assertEqual(raised.exception.code, 2)
        self.assertIn("q", str(raised.exception))

    def test_a_run_is_a_line(self) -> None:
        [run] = folders.run_folders(self.folder)
        line = folders.line_of(run)
        self.assertEqual((line["config"], line["row"], line["seed"], line["status"]), ("rings", "run", 0, "finished"))
        self.assertGreater(line["parameters"], 0)
        self.assertIn("test/error_pct", line)

    def test_axes_are_columns_and_damaged_files_cost_no_more(self) -> None:
        run = self.folder / "made/sweep/apg2-depth=3-rate=0.1/seed-2"
        run.mkdir(parents=True)
        (run / "status.json").write_text(json.dumps({"state": "running"}))
        (run / "summary.json").write_text('{"status": ')
        line = folders.line_of(run)
        self.assertEqual([line[key] for key in ("origin", "depth", "rate", "seed", "status")],
                         ["apg2", 3.0, 0.1, 2, "running"])
        self.assertEqual(folders.run_folders(self.folder / "made"), [run])
        (run.parent / "search/seed-0").mkdir(parents=True)
        (run.parent / "search/seed-0/summary.json").write_text("{}")
        self.assertEqual(folders.run_folders(self.folder / "made"), [run])

    @unittest.skipUnless(has("pandas"), "pandas is not installed")
    def test_runs_are_a_data_frame(self) -> None:
        frame = optdnn.runs(self.folder / "runs")
        self.assertEqual(list(frame["network"]), ["apg2"])
        self.assertGreater(frame.groupby("row")["test/error_pct"].mean()["run"], 0)

    @unittest.skipUnless(has("setuptools"), "setuptools is not installed")
    def test_pip_installs_it_without_a_network(self) -> None:
        source, target = self.folder / "package", self.folder / "site"  # pip builds inside the source
        shutil.copytree(SOURCE / "scripts/package", source)
        subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-index",
                        "--no-build-isolation", "--no-deps", "--target", target, source], check=True)
        said = subprocess.run([sys.executable, "-c", "import optdnn; print(optdnn.__file__, "
                               "optdnn.certify('apg2')['convergent'], len(optdnn.runs('runs')))"],
                              cwd=self.folder, env=os.environ | {"PYTHONPATH": str(target)}, capture_output=True,
                              text=True)
        self.assertEqual(said.stdout.split(), [str(target / "optdnn/__init__.py"), "True", "1"], said.stderr)

    @unittest.skipUnless(has("torch"), "torch is not installed in this Python")
    def test_a_network_is_loaded_and_has_the_programs_error(self) -> None:
        import torch
        run = self.folder / "runs/rings/run/seed-0"
        model = optdnn.load(run)
        weights, samples = self.folder / "w.safetensors", self.folder / "s.safetensors"
        subprocess.run([optdnn.program(), "export", run, "--to", weights, "--keep-samples", samples], check=True,
                       capture_output=True)
        sys.path.insert(0, str(SOURCE / "scripts"))
        from export import description
        tensors, _ = description.read(samples)
        with torch.no_grad():
            self.assertLess((model(tensors["inputs"]) - tensors["outputs"]).abs().max().item(), 1e-4)


if __name__ == "__main__":
    unittest.main()
