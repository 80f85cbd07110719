# Folders that version 0.1.0 left (tests/old_runs/0.1.0) are continued, evaluated, reported and exported.
#
# Made with that version by `optdnn train <config> --threads 1`; images and implicit were stopped by SIGTERM, and
# unbroken.json has what they ended with when nobody stopped them.

import json
import os
import shutil
import subprocess
import sys
import unittest

from program import SOURCE, Commands

OLD = SOURCE / "tests/old_runs/0.1.0"


class OldRuns(Commands):
    def setUp(self) -> None:
        super().setUp()
        for config in OLD.glob("*.yaml"):
            shutil.copy(config, self.folder)
        shutil.copytree(OLD / "left", self.folder / "runs")

    def summary(self, name: str) -> dict:
        return json.loads((self.folder / f"runs/{name}/run/seed-0/summary.json").read_text())

    def test_what_was_finished_is_found_finished(self) -> None:
        for name in ["rings", "resnet"]:
            self.assertIn("seed-0: finished before", self.run_program("train", f"{name}.yaml").stdout)

    def test_what_was_stopped_is_continued(self) -> None:
        for name, unbroken in json.loads((OLD / "unbroken.json").read_text()).items():
            before = self.summary(name)
            self.run_program("train", f"{name}.yaml", "--threads", "1")
            log = (self.folder / f"runs/{name}/run/seed-0/log.txt").read_text()
            self.assertIn(f"begun at {before['iterations']}", log)
            after = self.summary(name)
            self.assertEqual((after["status"], after["iterations"]), ("finished", unbroken["iterations"]))
            # Rounding differs from one version to the next, and a training makes the most of it.
            self.assertAlmostEqual(after["last"]["test/loss"], unbroken["test/loss"], delta=0.5)

    def test_its_weights_are_evaluated_and_exported(self) -> None:
        for name in ["rings", "resnet", "images", "implicit"]:
            run = f"runs/{name}/run/seed-0"
            result = json.loads(self.run_program("eval", run, "--json", "--threads", "1").stdout)
            self.run_program("export", run, "--to", f"{name}.safetensors")
            summary = self.summary(name)
            if summary["status"] == "stopped":  # its weights are younger than its last evaluation
                continue
            for metric, value in summary["last"].items():
                self.assertAlmostEqual(result[metric], value, delta=1e-3 * max(1, abs(value)), msg=f"{name} {metric}")

    def test_another_config_is_still_refused(self) -> None:
        (self.folder / "resnet.yaml").write_text((OLD / "resnet.yaml").read_text().replace("width: 4", "width: 5"))
        self.assertIn("model.width (there 4, here 5)", self.run_program("train", "resnet.yaml", status=2).stderr)

    def test_they_are_reported(self) -> None:
        try:
            import matplotlib  # noqa: F401
        except ImportError:
            self.skipTest("no matplotlib")
        result = subprocess.run([sys.executable, str(SOURCE / "scripts/report.py"), "runs/rings", "runs/resnet"],
                                cwd=self.folder, capture_output=True, text=True,
                                env=os.environ | {"MPLBACKEND": "agg"}, timeout=300)
        self.assertEqual(result.returncode, 0, result.stderr)


if __name__ == "__main__":
    unittest.main()
