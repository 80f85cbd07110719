# Many workers on one table: each run is trained once, none is lost, also where workers are killed and where they sit
# on two machines that see each other's folders alone (two names of a host, set by unshare where that is allowed).

import collections
import json
import os
import random
import signal
import subprocess
import sys
import time
import unittest

from program import PROGRAM, SOURCE, Commands, children_of

sys.path.insert(0, str(SOURCE / "scripts"))
from report import runs  # noqa: E402

SHORT = """
table: many
defaults:
  dataset:   {name: nested_rings, points_per_ring: 8, iterations_per_epoch: 10}
  algorithm: {name: gradient_descent}
  module:    {name: dense_two_layer, hidden: 4}
  depth:     2
  width:     2
  optimizer: {name: sgd, learning_rate: 0.05}
  train:     {length: {iterations: %d}, save_every: {iterations: 20}, log_every: {iterations: 10}}
  seeds:     [%s]
rows:
"""


def table(rows: int, seeds: int, iterations: int) -> str:
    text = SHORT % (iterations, ", ".join(map(str, range(seeds))))
    rates = [f"{{learning_rate: {0.01 * (i + 1):.2f}}}" for i in range(rows)]
    return text + "".join(f"  - {{id: r{i}, optimizer: {rate}}}\n" for i, rate in enumerate(rates))


def as_host(name: str) -> list[str]:
    """Words before a command that give it another host name; none where the system does not let us."""
    for unshare in (["unshare", "--uts"], ["unshare", "--user", "--map-root-user", "--uts"]):
        words = [*unshare, "sh", "-c", f'hostname {name} && exec "$@"', "sh"]
        try:
            if subprocess.run([*words, "true"], capture_output=True).returncode == 0:
                return words
        except FileNotFoundError:
            break
    return []


class Workers(Commands):
    def summaries(self, out: str = "runs") -> list[dict]:
        found = []
        for path in (self.folder / out).glob("*/*/seed-*/summary.json"):
            try:
                found.append(json.loads(path.read_text()))
            except json.JSONDecodeError:
                pass
        return found

    def finished(self) -> int:
        return sum(summary["status"] == "finished" for summary in self.summaries())

    def worker(self, *words: str, before: list[str] = []) -> subprocess.Popen:
        process = subprocess.Popen([*before, PROGRAM, "train", *words], cwd=self.folder, text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   env=os.environ | {"OMP_NUM_THREADS": "1"})
        self.addCleanup(process.kill)
        return process

    def trainings(self) -> collections.Counter:
        """How often a run ended, by its log."""
        return collections.Counter({str(log.parent): log.read_text().count("finished after ")
                                    for log in self.folder.glob("runs/*/*/*/log.txt")})

    def test_eight_workers_on_two_hosts_train_every_run_once_though_five_are_killed(self) -> None:
        self.write("many.yaml", table(rows=12, seeds=10, iterations=40))
        hosts = [as_host("host-a"), as_host("host-b")]
        words = ("many.yaml", "--shared", "--alone", "--quiet", "--threads", "1")
        workers = [self.worker(*words, before=hosts[i % 2]) for i in range(8)]
        random.seed(1)
        victims = random.sample(workers[2:], 5)  # the first of each host are left
        for number, victim in enumerate(victims):
            while self.finished() < 8 + 12 * number and victim.poll() is None:
                time.sleep(0.02)
            self.assertIsNone(victim.poll(), "it ended before it could be killed: the runs are too short")
            victim.kill()
        for worker in workers:
            error = worker.communicate(timeout=120)[1]
            self.assertEqual(worker.returncode, -signal.SIGKILL if worker in victims else 0, error)
        self.assertEqual(self.finished(), 120)
        # A worker may die after its last iteration and before its summary: the next one then only writes that.
        ends = self.trainings().values()
        self.assertLessEqual(set(ends), {1, 2})
        self.assertLessEqual(sum(ends), 120 + len(victims))
        for records in self.folder.glob("runs/*/*/*/metrics.jsonl"):
            iterations = [json.loads(line)["iteration"] for line in records.read_text().splitlines()]
            self.assertEqual(iterations, list(range(10, 41, 10)), records)
        holders = {json.loads(claim.read_text().splitlines()[0])["host"]
                   for claim in self.folder.glob("runs/*/*/*/claim-*")}
        if hosts[0]:
            self.assertEqual(holders, {"host-a", "host-b"})
        read = [runs.read_run(path) for path in runs.run_folders(self.folder / "runs")]
        self.assertEqual([run.status for run in read], ["finished"] * 120)
        self.assertTrue(all(len(run.records) == 4 for run in read))

    def test_jobs_divide_a_table_and_stop_and_continue_as_one(self) -> None:
        self.write("many.yaml", table(rows=4, seeds=2, iterations=600))
        words = ("many.yaml", "--jobs", "2", "--alone")
        parent = self.worker(*words)
        while not list(self.folder.glob("runs/*/*/*/checkpoints/state.safetensors")) and parent.poll() is None:
            time.sleep(0.02)
        parent.terminate()
        error = parent.communicate(timeout=60)[1]
        self.assertEqual(parent.returncode, 128 + signal.SIGTERM, error)
        self.assertIn("the same command continues", error)
        self.assertLess(self.finished(), 8)
        out = self.run_program("train", *words).stdout
        self.assertIn("8 of 8 runs have ended", out)
        self.assertEqual(self.finished(), 8)
        self.assertEqual(set(self.trainings().values()), {1})

    def test_workers_that_are_stopped_leave_no_success_behind(self) -> None:
        self.write("many.yaml", table(rows=2, seeds=2, iterations=100000))
        parent = self.worker("many.yaml", "--jobs", "2", "--alone")
        while not list(self.folder.glob("runs/*/*/*/checkpoints/state.safetensors")) and parent.poll() is None:
            time.sleep(0.02)
        for child in children_of(parent):
            os.kill(child, signal.SIGTERM)
        error = parent.communicate(timeout=60)[1]
        self.assertEqual(parent.returncode, 128 + signal.SIGTERM, error)
        self.assertIn("runs are left", error)

    def test_all_processes_of_a_group_may_be_told_to_stop(self) -> None:
        self.write("many.yaml", table(rows=2, seeds=1, iterations=100000))
        parent = self.worker("many.yaml", "--jobs", "2", "--alone", "--set", "train.save_every={iterations: 100000}")
        while len(list(self.folder.glob("runs/*/*/*/metrics.jsonl"))) < 2 and parent.poll() is None:
            time.sleep(0.02)
        for pid in [*children_of(parent), parent.pid]:
            os.kill(pid, signal.SIGTERM)
        error = parent.communicate(timeout=60)[1]
        self.assertEqual(parent.returncode, 128 + signal.SIGTERM, error)
        states = list(self.folder.glob("runs/*/*/*/checkpoints/state.safetensors"))
        self.assertEqual(len(states), 2, error)

    def test_a_search_is_made_once_and_its_choice_taken_by_all_workers(self) -> None:
        search = "search: {trials: 2, select: valid/loss, space: {optimizer.learning_rate: [0.01, 0.05]}}"
        config = table(rows=1, seeds=6, iterations=400).replace("rows:\n", f"  {search}\nrows:\n")
        self.write("many.yaml", config.replace("epoch: 10}", "epoch: 10, validation: {samples: 32}}"))
        self.run_program("train", "many.yaml", "--jobs", "2", "--alone", "--quiet")
        self.assertEqual(self.finished(), 6)
        self.assertEqual(set(self.trainings().values()), {1})
        rates = {summary["search"]["values"]["optimizer.learning_rate"] for summary in self.summaries()}
        self.assertEqual(len(rates), 1)
        holders = {json.loads(claim.read_text().splitlines()[0])["pid"]
                   for claim in self.folder.glob("runs/many/r0/seed-*/claim-*")}
        self.assertEqual(len(holders), 2, "the seeds of a row with a search are for all workers")

    def test_a_run_that_diverges_is_said_once_and_the_others_are_trained(self) -> None:
        config = table(rows=3, seeds=1, iterations=20)
        self.write("many.yaml", config.replace("learning_rate: 0.02", "learning_rate: 1.0e+30"))
        result = self.run_program("train", "many.yaml", "--jobs", "2", status=4)
        self.assertEqual(self.finished(), 2)
        self.assertIn("3 of 3 runs have ended, 1 of them badly", result.stdout)
        self.assertEqual(result.stderr.count("diverged before"), 1, result.stderr)

    def test_a_shard_by_row_is_a_fixed_part_of_the_rows(self) -> None:
        self.write("many.yaml", table(rows=3, seeds=2, iterations=10))
        named = self.run_program("train", "many.yaml", "--shard", "1/2", "--by", "row", "--dry-run").stdout.split()
        self.assertEqual(named, ["many/r0/seed-0", "many/r0/seed-1", "many/r2/seed-0", "many/r2/seed-1"])

    def test_ways_to_start_work_exclude_each_other_with_a_hint(self) -> None:
        self.write("many.yaml", table(rows=1, seeds=1, iterations=10))
        for words in (["--shared", "--shard", "1/2"], ["--shared", "--fresh"], ["--jobs", "2", "--fresh"],
                      ["--jobs", "2", "--retry", "failed"], ["--by", "row"]):
            error = self.run_program("train", "many.yaml", *words, status=2).stderr
            self.assertIn("hint: ", error, words)


if __name__ == "__main__":
    unittest.main()
