# Runs of the program: what they leave behind, and that a run which was stopped ends as an unbroken one.

import json
import pathlib
import signal
import subprocess
import time
import unittest

from program import PROGRAM, RINGS, Commands

LONG = RINGS.replace("epochs: 4", "epochs: 40").replace("iterations_per_epoch: 50", "iterations_per_epoch: 100")


def records(run: pathlib.Path) -> list[dict]:
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return [{key: value for key, value in line.items() if key != "seconds"} for line in lines]


class Runs(Commands):
    def summary(self, run: str) -> dict:
        return json.loads((self.folder / run / "summary.json").read_text())

    def started(self, config: str, out: str, **streams) -> subprocess.Popen:
        """The program while it trains, once it has saved a checkpoint."""
        streams = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE} | streams
        process = subprocess.Popen([PROGRAM, "train", config, "--out", out, "--threads", "1"], cwd=self.folder,
                                   text=True, **streams)
        state = f"{out}/*/run/seed-0/checkpoints/state.safetensors"
        while not list(self.folder.glob(state)) and process.poll() is None:
            time.sleep(0.01)
        self.addCleanup(process.kill)
        return process

    def test_a_run_leaves_its_config_records_summary_log_and_weights(self) -> None:
        self.run_program("train", self.write("rings.yaml", RINGS))
        run = self.folder / "runs/rings/run/seed-0"
        self.assertEqual(sorted(path.name for path in run.iterdir()),
                         ["checkpoints", "claim-1", "events.out.tfevents.optdnn", "log.txt", "metrics.csv",
                          "metrics.jsonl",
                          "pictures.safetensors", "resolved.yaml", "status.json", "summary.json"])
        summary = self.summary("runs/rings/run/seed-0")
        self.assertEqual((summary["status"], summary["iterations"], summary["seed"]), ("finished", 200, 0))
        self.assertTrue(summary["certificate"][0]["convergent"])
        last = records(run)[-1]
        for name in ["test/loss", "test/error_pct", "certificate/convergent", "certificate/stability_constant",
                     "coefficient/0/gamma/2"]:
            self.assertIn(name, last)

    def test_it_is_said_which_executor_ran_and_one_that_declines_is_refused(self) -> None:
        config = self.write("rings.yaml", RINGS)
        checked = json.loads(self.run_program("check", config, "--json").stdout)
        self.assertEqual(checked[0]["executors"], [{"stage": 0, "name": "whole", "declined": {}}])
        self.run_program("train", config, "--executor", "operators")
        self.assertEqual(self.summary("runs/rings/run/seed-0")["executors"],
                         [{"stage": 0, "name": "operators", "declined": {"whole": "another one is forced",
                                                                         "fused": "another one is forced"}}])
        self.assertIn("stage 0 by operators, not by whole (another one is forced)",
                      (self.folder / "runs/rings/run/seed-0/log.txt").read_text())
        refused = self.run_program("check", config, "--set", "module.activation=gelu", "--executor", "whole", status=2)
        self.assertIn("an activation other than tanh, sigmoid and relu", refused.stdout + refused.stderr)
        self.assertIn("unknown executor 'hole'",
                      self.run_program("check", config, "--executor", "hole", status=2).stderr)

    def test_the_same_command_again_finds_the_run_finished(self) -> None:
        config = self.write("rings.yaml", RINGS)
        self.run_program("train", config)
        before = (self.folder / "runs/rings/run/seed-0/summary.json").read_bytes()
        self.assertIn("finished before", self.run_program("train", config).stdout)
        self.assertEqual(before, (self.folder / "runs/rings/run/seed-0/summary.json").read_bytes())

    def test_another_config_in_that_place_is_refused_naming_the_key_and_set_aside_when_asked(self) -> None:
        self.run_program("train", self.write("rings.yaml", RINGS))
        self.write("rings.yaml", RINGS.replace("hidden: 8", "hidden: 9"))
        error = self.run_program("train", "rings.yaml", status=2).stderr
        self.assertIn("module.hidden (there 8, here 9)", error)
        self.run_program("train", "rings.yaml", "--fresh")
        self.assertIn("hidden: 9", (self.folder / "runs/rings/run/seed-0/resolved.yaml").read_text())
        aside = list(self.folder.glob("runs/.old/*/rings/run/seed-0"))
        self.assertEqual(len(aside), 1)
        self.assertIn("hidden: 8", (aside[0] / "resolved.yaml").read_text())
        self.assertEqual(list(aside[0].glob("claim-*")), [])

    def test_a_start_that_fails_does_not_keep_the_corrected_config_out(self) -> None:
        folder = "dataset: {name: image_folder, folder: none, classes: 2, size_px: 8, resize_px: 8}\n"
        rest = "model: {name: resnet, layers: 8}\ntrain: {length: {epochs: 1}}\n"
        self.run_program("train", self.write("c.yaml", folder + rest), status=3)
        self.assertFalse((self.folder / "runs/c/run/seed-0/resolved.yaml").exists())
        made = "dataset: {name: generated_images, size_px: 8, train_images: 16, test_images: 8, batch_size: 8}\n"
        self.run_program("train", self.write("c.yaml", made + rest), "--threads", "1")

    def test_a_folder_that_another_process_works_in_is_refused_and_taken_when_that_one_is_killed(self) -> None:
        config = self.write("rings.yaml", LONG)
        process = self.started(config, "runs")
        error = self.run_program("train", config, status=3).stderr
        self.assertIn(f"is in use by process {process.pid} on ", error)
        process.kill()
        process.communicate()
        self.run_program("train", config)
        self.assertTrue((self.folder / "runs/rings/run/seed-0/claim-2").exists())

    def test_a_run_that_diverged_is_left_alone_unless_it_is_to_be_retried(self) -> None:
        config = self.write("rings.yaml", RINGS.replace("{name: adam, learning_rate: 0.01}",
                                                        "{name: sgd, learning_rate: 1.0e+30}"))
        self.run_program("train", config, status=4)
        summary = (self.folder / "runs/rings/run/seed-0/summary.json").read_bytes()
        again = self.run_program("train", config, status=4).stderr
        self.assertIn("diverged before: the ", again)
        self.assertIn("--retry failed", again)
        self.assertEqual(summary, (self.folder / "runs/rings/run/seed-0/summary.json").read_bytes())
        self.assertNotIn("diverged before", self.run_program("train", config, "--retry", "failed", status=4).stderr)

    def test_a_continued_run_does_not_read_the_weights_it_began_with(self) -> None:
        self.run_program("train", self.write("first.yaml", RINGS))
        self.run_program("export", "runs/first/run/seed-0", "--to", "weights.safetensors")
        config = self.write("rings.yaml", LONG + "init: {from: weights.safetensors}\n")
        process = self.started(config, "begun")
        process.terminate()
        process.communicate()
        (self.folder / "weights.safetensors").unlink()
        self.run_program("train", config, "--out", "begun")
        self.run_program("train", config, "--out", "anew", status=3)

    def test_a_norm_over_one_value_is_refused_with_place_and_cure(self) -> None:
        config = self.write("bn1.yaml", """
dataset: {name: generated_images, size_px: 4, train_images: 9, test_images: 8, batch_size: 8}
algorithm: {name: gradient_descent}
module: {name: conv_preact}
depth: [1, 1, 1]
width: [4, 8, 16]
train: {length: {epochs: 2}}
""")
        for command in ["check", "train"]:
            error = self.run_program(command, config, "--threads", "1", status=2).stderr
            self.assertIn("bn1.yaml:2:10: the 9 training images leave a batch of one", error)
            self.assertIn("dataset.drop_last", error)
        resnet = "model={name: resnet, layers: 8, width: 4}"
        self.run_program("train", config, "--threads", "1", "--set", "dataset.drop_last=true")
        self.assertEqual(self.summary("runs/bn1+drop_last=true/run/seed-0")["iterations"], 2)
        table = "dataset: {name: generated_images, size_px: 4, train_images: 9, test_images: 8, batch_size: 8}\n"
        self.run_program("check", self.write("r.yaml", table + resnet.replace("=", ": ", 1) +
                                             "\ntrain: {length: {epochs: 1}}\n"), "--threads", "1", status=2)

    def test_a_warm_up_as_long_as_the_training_is_said(self) -> None:
        config = self.write("rings.yaml", RINGS.replace("{name: cosine}", "{name: cosine, warmup: {epochs: 9}}"))
        self.assertIn("the warm-up of 450 iterations", self.run_program("train", config).stderr)
        self.assertIn("the warm-up of 450 iterations", self.run_program("check", config).stderr)

    def test_same_config_seed_and_threads_give_the_same_bits_for_any_number_of_loader_threads(self) -> None:
        config = self.write("rings.yaml", RINGS)
        weights = set()
        for i, threads in enumerate(["0", "1", "4"]):
            self.run_program("train", config, "--out", f"out{i}", "--loader-threads", threads)
            weights.add((self.folder / f"out{i}/rings/run/seed-0/checkpoints/last.safetensors").read_bytes())
        self.assertEqual(len(weights), 1)

    def test_a_stopped_run_continues_and_ends_as_an_unbroken_one(self) -> None:
        config = self.write("rings.yaml", LONG)
        self.run_program("train", config, "--out", "unbroken", "--threads", "1")
        for number in [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1]:
            broken = f"broken{number}"
            process = self.started(config, broken)
            process.send_signal(number)
            error = process.communicate(timeout=60)[1]
            self.assertEqual(process.returncode, 128 + number, error)
            self.assertIn("the same command continues it", error)
            self.assertEqual(self.summary(f"{broken}/rings/run/seed-0")["status"], "stopped")
            self.run_program("train", config, "--out", broken, "--threads", "1")
            ends = [self.folder / out / "rings/run/seed-0" for out in ["unbroken", broken]]
            self.assertEqual(*[(end / "checkpoints/last.safetensors").read_bytes() for end in ends])
            self.assertEqual(*[records(end) for end in ends])

    def test_a_run_whose_output_nobody_reads_any_more_is_saved_and_stops(self) -> None:
        process = self.started(self.write("rings.yaml", LONG), "runs", stdout=subprocess.PIPE)
        process.stdout.close()
        process.wait(timeout=60)
        self.assertEqual(process.returncode, 128 + signal.SIGPIPE)
        self.assertEqual(self.summary("runs/rings/run/seed-0")["status"], "stopped")

    def test_a_killed_run_continues_from_its_last_checkpoint(self) -> None:
        config = self.write("rings.yaml", LONG)
        self.run_program("train", config, "--out", "unbroken", "--threads", "1")
        process = subprocess.Popen([PROGRAM, "train", config, "--out", "killed", "--quiet", "--threads", "1"],
                                   cwd=self.folder)
        state = self.folder / "killed/rings/run/seed-0/checkpoints/state.safetensors"
        while not state.exists() and process.poll() is None:
            time.sleep(0.01)
        process.kill()
        process.wait()
        self.run_program("train", config, "--out", "killed", "--threads", "1")
        ends = [self.folder / out / "rings/run/seed-0" for out in ["unbroken", "killed"]]
        self.assertEqual(*[(end / "checkpoints/last.safetensors").read_bytes() for end in ends])
        self.assertEqual(*[records(end) for end in ends])

    def test_a_row_that_diverges_is_named_and_does_not_stop_the_others(self) -> None:
        table = "table: t\ndefaults:\n" + "".join(f"  {line}\n" for line in RINGS.strip().splitlines())
        table += "rows:\n  - {id: bad, optimizer: {name: sgd, learning_rate: 1.0e+30}}\n  - {id: good}\n"
        result = self.run_program("train", self.write("t.yaml", table), status=4)
        self.assertIn("1 of 2 runs failed:\n  t/bad/seed-0\n", result.stderr)
        self.assertRegex(result.stderr, "iteration [0-9]+")
        self.assertEqual(self.summary("runs/t/bad/seed-0")["status"], "diverged")
        self.assertEqual(self.summary("runs/t/good/seed-0")["status"], "finished")

    def test_seeds_of_a_vector_task_train_as_one_network_and_leave_what_each_would_alone(self) -> None:
        config = self.write("rings.yaml", RINGS + "seeds: [3, 4, 5]\n")
        self.run_program("train", config)
        self.run_program("train", config, "--alone", "--out", "alone")
        for seed in [3, 4, 5]:
            together, alone = (self.summary(f"{out}/rings/run/seed-{seed}") for out in ["runs", "alone"])
            self.assertEqual((together.get("runs_at_once"), alone.get("runs_at_once")), (3, None))
            self.assertEqual(together["config_hash"], alone["config_hash"])
            for name, value in alone["last"].items():
                self.assertAlmostEqual(together["last"][name], value, delta=0.05 * max(1, abs(value)), msg=name)
            records_of = [records(self.folder / f"{out}/rings/run/seed-{seed}") for out in ["runs", "alone"]]
            self.assertEqual(*[[sorted(record) for record in one] for one in records_of])

    def test_seeds_that_stand_at_different_iterations_are_all_finished(self) -> None:
        config = self.write("rings.yaml", RINGS + "seeds: [3, 4, 5]\n")
        self.run_program("train", config, "--seed", "4")
        self.assertIn("seed-4: finished before", self.run_program("train", config).stdout)
        for seed in [3, 4, 5]:
            self.assertEqual(self.summary(f"runs/rings/run/seed-{seed}")["status"], "finished")

    def test_rows_seeds_and_shards_are_chosen_by_flags(self) -> None:
        config = self.write("rings.yaml", RINGS + "seeds: [3, 4, 5]\n")
        planned = self.run_program("train", config, "--dry-run").stdout.split()
        self.assertEqual(planned, [f"rings/run/seed-{seed}" for seed in [3, 4, 5]])
        shards = [self.run_program("train", config, "--dry-run", "--shard", f"{i}/2").stdout.split() for i in [1, 2]]
        self.assertEqual(sorted(shards[0] + shards[1]), planned)
        self.assertEqual(self.run_program("train", config, "--dry-run", "--seed", "9").stdout, "rings/run/seed-9\n")

    def test_eval_repeats_the_last_evaluation(self) -> None:
        self.run_program("train", self.write("rings.yaml", RINGS))
        result = json.loads(self.run_program("eval", "runs/rings/run/seed-0", "--json").stdout)
        self.assertEqual(result["test/error_pct"], self.summary("runs/rings/run/seed-0")["last"]["test/error_pct"])

    def test_weights_that_are_not_as_they_were_written_are_not_used(self) -> None:
        config = self.write("rings.yaml", RINGS)
        self.run_program("train", config)
        run = "runs/rings/run/seed-0"
        weights = self.folder / run / "checkpoints/last.safetensors"
        sound = weights.read_bytes()
        header = 8 + int.from_bytes(sound[:8], "little")
        for place in (header + 5, sound.index(b'"iteration":"') + 13):  # a weight, the metadata
            weights.write_bytes(sound[:place] + bytes([sound[place] ^ 1]) + sound[place + 1:])
            for command in (["eval", run], ["predict", run, "--to", "p.csv"], ["export", run, "--to", "e.safetensors"],
                            ["train", config, "--out", "begun", "--set", f"init.from={weights}"]):
                self.assertIn("not as it was written", self.run_program(*command, status=3).stderr)

    def test_outputs_that_are_not_finite_are_no_result(self) -> None:
        self.run_program("train", self.write("rings.yaml", RINGS))
        run = "runs/rings/run/seed-0"
        weights = self.folder / run / "checkpoints/last.safetensors"
        data = weights.read_bytes()
        length = int.from_bytes(data[:8], "little")
        header = json.loads(data[8:8 + length])
        header["__metadata__"] = {"preparation": header["__metadata__"]["preparation"]}  # no sums
        text = json.dumps(header).encode()
        numbers = b"\xff" * (len(data) - 8 - length)  # not a number, each
        weights.write_bytes(len(text).to_bytes(8, "little") + text + numbers)
        self.assertIn("not finite", self.run_program("eval", run, status=4).stderr)
        self.assertIn("not finite", self.run_program("predict", run, "--to", "p.csv", status=4).stderr)

    def test_output_that_cannot_be_written_is_an_error(self) -> None:
        for command in (["list", "algorithms"], ["certify", "apg2", "--json"], ["show", self.write("c.yaml", RINGS)]):
            with open("/dev/full", "w") as full:
                run = subprocess.run([PROGRAM, *command], cwd=self.folder, stdout=full, stderr=subprocess.PIPE,
                                     text=True)
            self.assertEqual((run.returncode, "cannot be written" in run.stderr), (3, True), command)

    def test_records_and_states_that_are_lost_are_told_of(self) -> None:
        process = self.started(self.write("rings.yaml", LONG), "runs")
        process.terminate()
        process.communicate(timeout=60)
        run = self.folder / "runs/rings/run/seed-0"
        lines = (run / "metrics.jsonl").read_text().splitlines(keepends=True)
        (run / "metrics.jsonl").write_text("".join(lines[1:]))
        self.assertIn("records are lost", self.run_program("train", "rings.yaml", "--threads", "1").stderr)
        (run / "summary.json").unlink()
        for file in (run / "checkpoints").glob("state*"):
            file.unlink()
        self.assertIn("no state to go on from", self.run_program("train", "rings.yaml", "--threads", "1").stderr)

    def test_of_damaged_checkpoints_the_newest_sound_one_is_taken(self) -> None:
        config = self.write("rings.yaml", RINGS)
        self.run_program("train", config)
        run = self.folder / "runs/rings/run/seed-0"
        last = (run / "checkpoints/last.safetensors").read_bytes()
        (run / "summary.json").unlink()
        state = run / "checkpoints/state.safetensors"
        state.write_bytes(state.read_bytes()[:-100])
        error = self.run_program("train", config).stderr
        self.assertIn("goes on from state.previous.safetensors, iteration 150: 50 iterations are lost", error)
        self.assertEqual(last, (run / "checkpoints/last.safetensors").read_bytes())
        (run / "summary.json").unlink()
        for file in (run / "checkpoints").glob("state*"):
            file.write_bytes(file.read_bytes()[:-100])
        self.assertIn("--fresh", self.run_program("train", config, status=3).stderr)
        self.run_program("train", config, "--fresh")


if __name__ == "__main__":
    unittest.main()
