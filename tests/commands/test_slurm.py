# scripts/slurm/ against stand-ins of sbatch, srun and scontrol (slurm/), which do what SLURM's manual says of the few
# options and variables that the scripts use. No test here has met SLURM itself.

import json
import os
import pathlib
import subprocess
import unittest

from program import PROGRAM, SOURCE, Commands
from test_processes import NORMED, tensors
from test_workers import table

STAND_INS = pathlib.Path(__file__).parent / "slurm"


class Slurm(Commands):
    def sbatch(self, *words: str, job: int) -> str:
        environment = os.environ | {"PATH": f"{STAND_INS}:{os.environ['PATH']}", "OPTDNN_PROGRAM": PROGRAM,
                                    "STAND_IN_FOLDER": str(self.folder), "STAND_IN_JOB": str(job),
                                    "OMP_NUM_THREADS": "1"}
        result = subprocess.run(["sbatch", *words], cwd=self.folder, env=environment, capture_output=True, text=True,
                                timeout=200)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        self.assertIn(f"Submitted batch job {job}", result.stdout)
        return result.stdout + result.stderr

    def preempt(self, job: int) -> None:
        (self.folder / f"preempt-{job}").touch()

    def test_one_run_on_two_tasks_is_preempted_requeued_and_ends_as_an_unbroken_one(self) -> None:
        config = NORMED.replace("iterations: 30", "iterations: 60") % "float64"
        self.write("c.yaml", config)
        job = 4000 + os.getpid() % 15000
        self.preempt(job)
        said = self.sbatch("--nodes=1", "--ntasks-per-node=2", str(SOURCE / "scripts/slurm/train.sbatch"), "c.yaml",
                           "--quiet", "--threads", "1", job=job)
        run = self.folder / "runs/c/run/seed-0"
        self.assertEqual(said.count("the same command continues it"), 1, said)
        claims = sorted(run.glob("claim-*"))
        self.assertEqual(len(claims), 2)
        self.assertEqual([json.loads(claim.read_text().splitlines()[0])["slurm_restarts"] for claim in claims], [0, 1])
        self.assertEqual(json.loads((run / "summary.json").read_text())["status"], "finished")
        self.run_program("train", "c.yaml", "--quiet", "--threads", "1", "--processes", "2", "--out", "whole")
        whole = self.folder / "whole/c/run/seed-0"
        for name, values in tensors(whole / "checkpoints/last.safetensors").items():
            self.assertEqual(values.tobytes(), tensors(run / "checkpoints/last.safetensors")[name].tobytes(), name)

    def test_an_array_of_workers_trains_a_table_though_one_is_preempted(self) -> None:
        self.write("many.yaml", table(rows=4, seeds=2, iterations=400))
        self.preempt(702)
        said = self.sbatch("--array=1-3", str(SOURCE / "scripts/slurm/sweep.sbatch"), "many.yaml", "--alone", "--quiet",
                           job=700)
        self.assertEqual(said.count("Requeued job 702"), 1, said)  # it may have met the signal before it trained
        summaries = [json.loads(path.read_text()) for path in self.folder.glob("runs/many/*/*/summary.json")]
        self.assertEqual([summary["status"] for summary in summaries], ["finished"] * 8)

    def test_tasks_without_a_place_to_meet_are_refused(self) -> None:
        self.write("c.yaml", NORMED % "float64")
        result = subprocess.run([PROGRAM, "train", "c.yaml"], cwd=self.folder, capture_output=True, text=True,
                                env=os.environ | {"SLURM_STEP_ID": "0", "SLURM_PROCID": "1",
                                                  "SLURM_STEP_NUM_TASKS": "2"})
        self.assertEqual(result.returncode, 3)
        self.assertIn("have no place to meet", result.stderr)
        self.assertFalse((self.folder / "runs").exists())


if __name__ == "__main__":
    unittest.main()
