# A visit to a rented GPU, rehearsed with the CPU in its place: packed by scripts/gpu_run from the build at hand, then
# from the folder above what was packed, by the words of scripts/README.md; stopped by TERM; and the page made of what
# came back.
import importlib.util
import io
import itertools
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
import unittest
import unittest.mock

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "scripts/gpu"), str(ROOT / "tests/commands")]
if not all(map(importlib.util.find_spec, ("numpy", "PIL"))):
    print("this Python lacks numpy or Pillow: skipped")
    sys.exit(0)

import numpy  # noqa: E402
import pieces  # noqa: E402
import there  # noqa: E402
from program import PROGRAM, RINGS  # noqa: E402

SMOKE = RINGS.replace("iterations_per_epoch: 50", "iterations_per_epoch: 1")
PATH = f"{pathlib.Path(sys.executable).parent}:{os.environ['PATH']}"
ENDLESS = SMOKE.replace("epochs: 4", "epochs: 1000000")


class Visit(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        temporary = tempfile.TemporaryDirectory()
        cls.addClassCleanup(temporary.cleanup)
        cls.packed = pathlib.Path(temporary.name) / "packed"
        subprocess.run([ROOT / "scripts/gpu_run", cls.packed, "--build", pathlib.Path(PROGRAM).parent, "--no-data",
                        "--no-peers"], check=True, env=os.environ | {"OPTDNN_NO_INSTALL": "1", "XZ_OPT": "-0"})

    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = pathlib.Path(temporary.name)
        part = self.folder / "part_0"
        shutil.copytree(self.packed / "part_0", part)
        for name, text in (("smoke", SMOKE), ("endless", ENDLESS)):
            (part / f"configs/{name}.yaml").write_text(text)

    def visit(self, *words: str, path: str = PATH) -> subprocess.Popen:
        return subprocess.Popen(["part_0/run", "--device", "cpu", "--out", "kept", *words], cwd=self.folder,
                                stdout=subprocess.PIPE, text=True, env=os.environ | {"PATH": path})

    def stand_in_for_mps(self, exit_code: int) -> str:
        """A path on which it comes first; it notes where it is told to put its sockets, its words and what it reads."""
        service = self.folder / "mps" / there.MPS
        service.parent.mkdir()
        service.write_text(f"#!/bin/sh\necho \"$CUDA_MPS_PIPE_DIRECTORY: ${{*:-$(cat)}}\" >> {self.folder}/mps.txt\n"
                           f"exit {exit_code}\n")
        service.chmod(0o755)
        return f"{service.parent}:{PATH}"

    def kept_files(self) -> dict[str, bytes]:
        files = {}
        for path in self.folder.glob("kept/runs-*.tar.gz"):
            with tarfile.open(path) as archive:
                files |= {m.name: archive.extractfile(m).read() for m in archive.getmembers()}
        return files

    def pack_data(self) -> None:
        plain = self.folder / "plain"
        plain.mkdir()
        labels = (numpy.arange(pieces.SIDE**2) % 10).astype(numpy.uint8)
        records = numpy.zeros((pieces.SIDE**2, pieces.RECORD), numpy.uint8)
        records[:, 0], records[:, 1:] = labels, labels[:, None] * 20
        for name in pieces.FILES:
            (plain / name).write_bytes(records.tobytes())
        (plain / "batches.meta.txt").write_text("".join(f"class {i}\n" for i in range(10)))
        pieces.pack(plain, self.folder / "part_0/pieces")

    def test_every_stage_from_the_folder_above(self):
        self.pack_data()
        visit = self.visit("--budget-s", "400", "--pieces", "part_0/pieces", "--train", "configs/smoke.yaml")
        said = visit.communicate()[0]
        print(said)
        self.assertEqual(visit.returncode, 0, (self.folder / "kept/log.txt").read_text())
        for stage in there.STAGES:
            self.assertIn(f"] {stage}, ", said)
        plain, unpacked = (self.folder / place / "data_batch_3.bin" for place in
                           ("plain", "optdnn-work/data/cifar-10-batches-bin"))
        self.assertEqual(plain.read_bytes(), unpacked.read_bytes())
        timed = json.loads((self.folder / "kept/bench.json").read_text())
        self.assertEqual(list(timed), there.HOWS)
        self.assertEqual({row["seeds"] for row in timed[""] if row["id"] == "rings_momentum_32_seeds"}, {32})
        self.assertIn("smoke in bfloat16", (self.folder / "kept/log.txt").read_text())
        summary = json.loads(self.kept_files()["runs/smoke/run/seed-0/summary.json"])
        self.assertEqual((summary["status"], summary["iterations"]), ("finished", 4))
        self.assertEqual(len(list((self.folder / "kept").iterdir())), 3, "log.txt, bench.json, runs-0.tar.gz")
        subprocess.run([sys.executable, "-B", ROOT / "scripts/gpu/here.py", self.folder / "kept", "--to",
                        self.folder / "page"], check=True)
        page = (self.folder / "page/report.md").read_text()
        for words in ("| tests |", "| rings_momentum_32_seeds | 32 |", "## Trained", "| run | 1 |"):
            self.assertIn(words, page)

    def test_what_is_packed_is_the_program_and_its_libraries_and_not_the_results(self):
        part = self.packed / "part_0"
        self.assertEqual({path.name for path in part.iterdir()},
                         {"bin.tar.xz", "configs", "packed.txt", "run", "scripts"})
        with tarfile.open(part / "bin.tar.xz") as archive:
            names = {pathlib.Path(name).name for name in archive.getnames()}
        self.assertLess({"optdnn", "test_gpu"}, names)
        self.assertTrue(any(name.startswith("libyaml-cpp") for name in names), names)
        self.assertFalse(any(name.startswith(("libtorch", "libc10", "libstdc++", "libc.")) for name in names), names)
        self.assertFalse((part / "configs/results").exists())
        (self.folder / "other").mkdir()
        refused = subprocess.run([ROOT / "scripts/gpu_run", self.folder / "other", "--build", self.folder],
                                 capture_output=True, text=True)
        self.assertEqual(refused.returncode, 2, "a folder that it has not packed")
        self.assertIn("was not packed by this script", refused.stderr)

    def test_what_a_cpu_cannot_show_is_left_out(self):
        stages = ["epochs", "peers", *(stage for stage in there.ON_DEMAND if stage != "together")]
        said = self.visit("--stages", ",".join(stages)).communicate()[0]
        self.assertEqual(said.count("left out"), len(stages), said)

    def test_kernels_and_rows_that_are_timed_are_there(self):
        texts = {path.stem for path in (ROOT / "lib/optdnn/kernels/gpu").glob("*.cuh")}
        rows = (ROOT / "configs/bench_gpu.yaml").read_text(encoding="utf-8")
        self.assertLess(set(there.KERNELS), texts)
        for row in itertools.chain(*there.KERNELS.values()):
            self.assertRegex(rows, rf"id: {row}\b")

    def test_what_is_started_there_is_told_whole_paths(self):
        options = there.parse(["--work", "w", "--out", str(self.folder), "--pieces", "p", "--program", "bin"])
        works, options.work = options.work, self.folder / "w"
        for path in (works, options.out, *options.pieces, options.program,
                     pathlib.Path(there.Machine(options).environment["OPTDNN_DATA"])):
            self.assertTrue(path.is_absolute(), path)

    def test_a_visit_that_is_stopped_packs_what_its_trainings_saved(self):
        visit = self.visit("--budget-s", "60", "--stages", "train", "--train", "configs/endless.yaml", "--train",
                           "configs/smoke.yaml")
        run = self.folder / "optdnn-work/runs/endless/run/seed-0"
        while not (run / "metrics.jsonl").exists() and visit.poll() is None:
            time.sleep(0.1)
        visit.send_signal(signal.SIGTERM)
        said = visit.communicate(timeout=60)[0]
        self.assertEqual(visit.returncode, 0, said)
        self.assertIn("1 of 2 rows begun, 0 finished, 1 left", said)
        self.assertIn("runs/endless/run/seed-0/resolved.yaml", self.kept_files())
        self.assertTrue((run / "checkpoints").is_dir(), "it saved, to go on elsewhere")

    def test_processes_that_share_the_gpu_are_timed_through_mps_too_which_ends_with_the_stage(self):
        visit = self.visit("--stages", "together,train", "--processes", "2", "--train", "configs/smoke.yaml",
                           path=self.stand_in_for_mps(0))
        said = visit.communicate()[0]
        self.assertEqual(visit.returncode, 0, (self.folder / "kept/log.txt").read_text())
        noted = [line.split(": ") for line in (self.folder / "mps.txt").read_text().splitlines()]
        self.assertEqual([words for _, words in noted], ["-d", "quit", "-d", "quit"])
        self.assertEqual((noted[0][0], noted[2][0]), (noted[1][0], noted[3][0]))
        self.assertFalse(any(pathlib.Path(folder).exists() for folder, _ in noted), "its sockets are gone")
        timed = json.loads((self.folder / "kept/together.json").read_text())
        self.assertEqual(list(timed), ["by turns", "MPS"])
        for timings in timed.values():
            self.assertEqual([one["processes"] for one in timings], there.AT_ONCE)
            self.assertTrue(all(one["finished"] == one["processes"] and one["samples_per_s"] > 0 for one in timings))
        subprocess.run([sys.executable, "-B", ROOT / "scripts/gpu/here.py", self.folder / "kept", "--to",
                        self.folder / "page"], check=True)
        self.assertIn("| processes | by turns | MPS |", (self.folder / "page/report.md").read_text())
        self.assertIn("1 of 1 rows begun, 1 finished", said)

    def test_the_turns_of_others_count_where_they_are_longer_than_a_block(self):
        self.assertAlmostEqual(there.middle_s([9, 9, 1, 1, 5, 1, 0, 0]), 2)

    def test_where_mps_does_not_start_processes_take_turns(self):
        options = there.parse(["--device", "cpu", "--out", str(self.folder / "kept"), "--work", str(self.folder / "w")])
        machine = there.Machine(options)
        environment = machine.environment
        with unittest.mock.patch.dict(os.environ, PATH=self.stand_in_for_mps(1)):
            with there.shared_gpu(machine) as is_there:
                self.assertFalse(is_there)
                self.assertEqual(machine.environment, environment)
        machine.log.close()

    def test_a_run_that_does_not_end_is_killed(self):
        process = subprocess.Popen(["sh", "-c", "trap '' TERM; echo; while :; do sleep 0.1; done"],
                                   stdout=subprocess.PIPE)
        process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        self.assertEqual(there.ended(process, 0.3), -signal.SIGKILL)

    def test_archives_keep_their_size(self):
        runs = self.folder / "runs"
        runs.mkdir()
        for i in range(20):
            (runs / f"{i:02}.bin").write_bytes(os.urandom(200_000))
        there.pack(runs, self.folder, most_mib=1.25)
        archives = sorted(self.folder.glob("runs-*.tar.gz"))
        self.assertGreater(len(archives), 3)
        self.assertLessEqual(max(path.stat().st_size for path in archives), 1.25 * 2**20)
        names = [m.name for path in archives for m in tarfile.open(fileobj=io.BytesIO(path.read_bytes())).getmembers()]
        self.assertEqual(names, [f"runs/{i:02}.bin" for i in range(20)])


if __name__ == "__main__":
    unittest.main()
