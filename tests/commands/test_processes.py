# One run on several processes: the same numbers as in one, up to rounding, and the same bits as the last time; what
# happens when one of them dies, hangs, fails or meets a number that is not finite.

import json
import os
import pathlib
import random
import shutil
import signal
import struct
import subprocess
import sys
import time
import unittest
import zlib

import numpy

from program import PROGRAM, RINGS, Commands, children_of

TORCHRUN = pathlib.Path(sys.executable).with_name("torchrun")

# 65 images are trained on in batches of 16: the last has one, fewer than there are processes.
NORMED = """
dataset:   {name: generated_images, size_px: 8, train_images: 85, test_images: 41, batch_size: 16,
            augment: [crop, flip], validation: {samples: 20}}
algorithm: {name: apg2, coefficients: {gamma: {value: 1.5, learn: per_step, range: [0, 3]}}}
module:    {name: conv_preact}
depth:     [2, 1]
width:     [4, 8]
optimizer: {name: sgd, learning_rate: 0.05, momentum: 0.9, nesterov: true, weight_decay: 1.0e-4}
schedule:  {name: cosine}
evaluate:  {batch_size: 8}
train:     {length: {iterations: 30}, accumulate: 2, precision: %s, ema: {decay: 0.9}, gradient_clip: 0.5,
            log_every: {iterations: 1}, save_every: {iterations: 5}, keep_best: true}
"""

# Batch norms with and without an affine map, group norms, weight norm, and a solve in every pass.
EQUILIBRIUM = """
dataset:   {name: generated_images, size_px: 16, train_images: 33, test_images: 17, batch_size: 8}
model:     {name: mdeq, width: [4, 8], head_width: [2, 4], features: 8, dropout: 0,
            solver: {name: picard, steps: 4, tolerance: 0}}
optimizer: {name: adam, learning_rate: 0.001, epsilon: 1.0e-3}
train:     {length: {iterations: 12}, precision: float64, log_every: {iterations: 1}}
"""

# 11 photographs in batches of 8 that are mixed with themselves.
PHOTOS = """
dataset:   {name: image_folder, folder: photos, classes: 2, size_px: 8, resize_px: 8, batch_size: 8,
            augment: [crop, flip, mixup, cutmix]}
algorithm: {name: gradient_descent}
module:    {name: conv_preact}
depth:     [1]
width:     [4]
optimizer: {name: adamw, learning_rate: 0.01, epsilon: 1.0e-3}
train:     {length: {iterations: 30}, precision: float64, log_every: {iterations: 1}}
"""

LONG = NORMED.replace("iterations: 30", "iterations: 4000") % "float64"


def png(pixels: numpy.ndarray) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    height, width, _ = pixels.shape
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)) +
            chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def tensors(path: pathlib.Path) -> dict[str, numpy.ndarray]:
    data = path.read_bytes()
    size = int.from_bytes(data[:8], "little")
    types = {"F32": "<f4", "F64": "<f8", "I64": "<i8", "U8": "u1"}
    found = {}
    for name, entry in json.loads(data[8:8 + size]).items():
        if name == "__metadata__":
            continue
        begin, end = entry["data_offsets"]
        found[name] = numpy.frombuffer(data[8 + size + begin:8 + size + end], types[entry["dtype"]])
    return found


class Processes(Commands):
    def train(self, config: str, out: str, processes: int = 1, status: int = 0, **variables) -> str:
        result = subprocess.run(self.words(config, out, processes), cwd=self.folder, capture_output=True, text=True,
                                timeout=120, env=os.environ | variables)
        self.assertEqual(result.returncode, status, result.stdout + result.stderr)
        return result.stderr

    def words(self, config: str, out: str, processes: int) -> list[str]:
        words = [PROGRAM, "train", config, "--out", out, "--quiet", "--threads", "1", "--data", str(self.folder)]
        return words + (["--processes", str(processes)] if processes > 1 else [])

    def run_of(self, out: str) -> pathlib.Path:
        return next((self.folder / out).glob("*/*/seed-*"))

    def records(self, out: str) -> list[dict]:
        lines = [json.loads(line) for line in (self.run_of(out) / "metrics.jsonl").read_text().splitlines()]
        return [{name: value for name, value in line.items() if name != "seconds"} for line in lines]

    def assert_alike(self, one: str, other: str, tolerance: float, weights: float | None = None) -> None:
        mine, theirs = self.records(one), self.records(other)
        self.assertEqual([sorted(line) for line in mine], [sorted(line) for line in theirs])
        for a, b in zip(mine, theirs):
            for name, value in a.items():
                if isinstance(value, str):
                    self.assertEqual(value, b[name])
                elif name.endswith(("error_pct", "spikes")):
                    self.assertEqual(value, b[name], (a["iteration"], name))
                else:
                    self.assertLessEqual(abs(value - b[name]), tolerance * (1 + abs(value)), (a["iteration"], name))
        self.assert_states_alike(one, other, tolerance if weights is None else weights)

    def assert_states_alike(self, one: str, other: str, tolerance: float) -> None:
        for file in ["state", "best", "last"]:
            path = f"checkpoints/{file}.safetensors"
            if not (self.run_of(one) / path).exists():
                continue
            mine, theirs = tensors(self.run_of(one) / path), tensors(self.run_of(other) / path)
            self.assertEqual(sorted(mine), sorted(theirs))
            for name, values in mine.items():
                if name.startswith("generator/"):
                    continue
                apart = numpy.abs(values - theirs[name].astype(values.dtype))
                largest = numpy.abs(values).max(initial=0)  # where gradients cancel, small numbers are what is left
                self.assertLessEqual(apart.max(initial=0), tolerance * (1 + largest), (file, name))

    def assert_same_bits(self, one: str, other: str) -> None:
        self.assertEqual(self.records(one), self.records(other))
        self.assert_same_bits_of_states(one, other)

    def assert_same_bits_of_states(self, one: str, other: str, but: str = "nothing") -> None:
        mine, theirs = (tensors(self.run_of(out) / "checkpoints/state.safetensors") for out in (one, other))
        self.assertEqual(sorted(mine), sorted(theirs))
        for name, values in mine.items():
            if not name.startswith(but):
                self.assertEqual(values.tobytes(), theirs[name].tobytes(), name)

    def started(self, config: str, out: str, processes: int, iteration: int = 5, **variables) -> subprocess.Popen:
        """The program while its processes train, once they have saved."""
        process = subprocess.Popen(self.words(config, out, processes), cwd=self.folder, text=True,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=os.environ | variables)
        self.addCleanup(process.kill)
        while not list(self.folder.glob(f"{out}/*/*/seed-*/checkpoints/state.safetensors")) and process.poll() is None:
            time.sleep(0.01)
        return process

    @staticmethod
    def ranks(parent: subprocess.Popen) -> dict[int, int]:
        """Process numbers by rank."""
        found = {}
        for child in children_of(parent):
            words = pathlib.Path(f"/proc/{child}/environ").read_bytes().split(b"\0")
            found[next(int(word[5:]) for word in words if word.startswith(b"RANK="))] = child
        return found

    def test_one_two_and_three_processes_train_the_same_network(self) -> None:
        self.write("c.yaml", NORMED % "float64")
        for processes in [1, 2, 3]:
            self.train("c.yaml", f"n{processes}", processes)
        for processes in [2, 3]:
            self.assert_alike("n1", f"n{processes}", 1e-12)
        # The bits of a world are those of the last time, whatever holds its processes up.
        random.seed(3)
        parent = subprocess.Popen(self.words("c.yaml", "delayed", 3), cwd=self.folder)
        self.addCleanup(parent.kill)
        while parent.poll() is None:
            try:
                held_up = random.choice(list(self.ranks(parent).values()))
                os.kill(held_up, signal.SIGSTOP)
                time.sleep(random.uniform(0, 0.05))
                os.kill(held_up, signal.SIGCONT)
            except (LookupError, OSError, StopIteration):
                pass
            time.sleep(0.02)
        self.assertEqual(parent.returncode, 0)
        self.assert_same_bits("n3", "delayed")

    def test_float32_and_photographs_that_are_mixed(self) -> None:
        self.write("c.yaml", NORMED % "float32")
        self.write("photos.yaml", PHOTOS)
        noise = numpy.random.default_rng(1)
        for split, count in [("train", 11), ("val", 7)]:
            for i in range(count):
                folder = self.folder / "photos" / split / "ab"[i % 2]
                folder.mkdir(parents=True, exist_ok=True)
                (folder / f"{i}.png").write_bytes(png(noise.integers(0, 256, (10, 12, 3), dtype=numpy.uint8)))
        for config, processes, tolerance in [("c.yaml", 2, 1e-4), ("photos.yaml", 3, 1e-11)]:
            self.train(config, f"{config}-1")
            self.train(config, f"{config}-many", processes)
            self.assert_alike(f"{config}-1", f"{config}-many", tolerance)

    def test_an_equilibrium_network(self) -> None:
        self.write("c.yaml", EQUILIBRIUM)
        self.train("c.yaml", "one")
        self.train("c.yaml", "two", 2)
        self.assert_alike("one", "two", 1e-10)

    def test_killed_processes_end_all_and_the_run_goes_on_with_any_number(self) -> None:
        self.write("long.yaml", LONG)
        parent = self.started("long.yaml", "killed", 2)
        begin = time.monotonic()
        os.kill(self.ranks(parent)[0], signal.SIGKILL)
        error = parent.communicate(timeout=60)[1]
        self.assertLess(time.monotonic() - begin, 10)  # of a busy machine
        self.assertEqual(parent.returncode, 3, error)
        self.assertIn("rank 0 was ended by signal 9", error)
        self.assertIn("error: rank 0 (", error)
        self.assertIn("cannot go on without it", error)
        # What a stop leaves is continued with as many to the same bits of the network, with others to the same numbers.
        self.write("short.yaml", (NORMED % "float64").replace("{name: cosine}", "{name: constant}"))
        self.train("short.yaml", "unbroken", 2)
        parent = self.started("short.yaml", "broken", 2)
        os.kill(self.ranks(parent)[1], signal.SIGTERM)  # one alone is told
        error = parent.communicate(timeout=60)[1]
        if parent.returncode != 0:  # it may have ended by then
            self.assertEqual(parent.returncode, 128 + signal.SIGTERM, error)
            self.assertEqual(error.count("the same command continues it"), 1, error)
        shutil.copytree(self.folder / "broken", self.folder / "other")
        self.train("short.yaml", "broken", 2)
        self.assert_same_bits_of_states("unbroken", "broken", but="progress/")
        self.assert_alike("unbroken", "broken", 1e-14)  # means of an epoch: a stop in it adds up in another order
        self.train("short.yaml", "other", 3)
        self.assert_alike("unbroken", "other", 1e-12)

    def test_a_row_without_data_is_named_once_and_the_next_one_is_trained(self) -> None:
        lines = (NORMED % "float64").strip().replace("iterations: 30", "iterations: 4")
        self.write("t.yaml", "table: t\ndefaults:\n" + "".join(f"  {line}\n" for line in lines.splitlines()) +
                   "rows:\n  - {id: none, dataset: {name: cifar10, batch_size: 16}}\n  - {id: there}\n")
        for count in ("1", "2"):
            words = ("t.yaml", "--processes", count, "--quiet", "--out", count, "--data", "none")
            error = self.run_program("train", *words, status=3).stderr
            self.assertEqual(error.count("t/none/seed-0: error: "), 1, error)
            self.assertEqual(error.count("error:"), 1, error)
            summary = json.loads((self.folder / count / "t/there/seed-0/summary.json").read_text())
            self.assertEqual(summary["status"], "finished")

    def test_a_process_that_hangs_is_named_and_all_end(self) -> None:
        self.write("long.yaml", LONG)
        parent = self.started("long.yaml", "hung", 2, OPTDNN_PATIENCE_S="2")
        os.kill(self.ranks(parent)[1], signal.SIGSTOP)
        begin = time.monotonic()
        error = parent.communicate(timeout=60)[1]
        self.assertLess(time.monotonic() - begin, 10)
        self.assertEqual(parent.returncode, 3, error)
        self.assertIn("has been silent for 2 s", error)
        self.assertIn("rank 1 (", error)

    def test_seeds_that_train_as_one_network_are_shared_out(self) -> None:
        self.write("rings.yaml", RINGS + "seeds: [0, 1, 2]\n")
        self.train("rings.yaml", "one")
        self.train("rings.yaml", "two", 2)
        for seed in range(3):
            runs = [next((self.folder / out).glob(f"*/*/seed-{seed}")) for out in ("one", "two")]
            mine, theirs = (tensors(run / "checkpoints/last.safetensors") for run in runs)
            for name, values in mine.items():
                numpy.testing.assert_allclose(values, theirs[name], rtol=1e-4, atol=1e-5, err_msg=name)
            self.assertEqual(json.loads((runs[1] / "summary.json").read_text())["status"], "finished")

    def test_a_search_is_made_by_one_process_and_its_choice_is_taken_by_several(self) -> None:
        rings = RINGS.replace("iterations_per_epoch: 50}", "iterations_per_epoch: 50, validation: {samples: 64}}")
        self.write("rings.yaml", rings.replace("epochs: 4", "iterations: 40") + """
search: {trials: 2, select: valid/loss, space: {optimizer.learning_rate: {log: [0.01, 0.1]}}}
seeds: [0, 1]
""")
        self.assertEqual(self.train("rings.yaml", "out", 2, status=2).count("which one process makes"), 1)
        self.train("rings.yaml", "out")
        for seed in [0, 1]:
            shutil.rmtree(next((self.folder / "out").glob(f"*/*/seed-{seed}")))
        self.train("rings.yaml", "out", 2)
        self.assertEqual(len(list((self.folder / "out").glob("*/*/seed-*/summary.json"))), 2)

    def test_torchrun_s_variables_start_a_world_and_half_of_them_are_refused(self) -> None:
        self.write("c.yaml", NORMED.replace("iterations: 30", "iterations: 4") % "float64")
        self.train("c.yaml", "own", 2)
        port = str(20000 + os.getpid() % 20000)
        ranks = [subprocess.Popen(self.words("c.yaml", "theirs", 1), cwd=self.folder, text=True, stderr=subprocess.PIPE,
                                  env=os.environ | {"RANK": str(rank), "WORLD_SIZE": "2", "MASTER_ADDR": "localhost",
                                                    "MASTER_PORT": port}) for rank in range(2)]
        for rank in ranks:
            error = rank.communicate(timeout=60)[1]
            self.assertEqual(rank.returncode, 0, error)
        self.assert_same_bits("own", "theirs")
        self.assertIn("but MASTER_PORT is not set",
                      self.train("c.yaml", "half", status=3, RANK="0", WORLD_SIZE="2", MASTER_ADDR="localhost"))
        self.assertIn("RANK is set", self.train("c.yaml", "half", processes=2, status=2, RANK="0", WORLD_SIZE="2",
                                                MASTER_ADDR="localhost", MASTER_PORT=port))
        self.assertFalse((self.folder / "half").exists())

    @unittest.skipUnless(TORCHRUN.exists(), "this Python has no torchrun")
    def test_torchrun_itself_gives_the_same_bits_and_fails_with_its_own_code(self) -> None:
        self.write("c.yaml", NORMED.replace("iterations: 30", "iterations: 4") % "float64")
        self.train("c.yaml", "own", 2)
        start = [TORCHRUN, "--no-python", "--nproc-per-node", "2"]
        for out, more, status in [("theirs", [], 0), ("wrong", ["--set", "depth=0"], 1)]:
            result = subprocess.run([*start, *self.words("c.yaml", out, 1), *more], cwd=self.folder, text=True,
                                    capture_output=True, timeout=120)
            self.assertEqual(result.returncode, status, result.stderr)
        self.assert_same_bits("own", "theirs")
        self.assertFalse((self.folder / "wrong").exists())


if __name__ == "__main__":
    unittest.main()
