# Contests: nothing is timed before all answers agree, contestants take turns, ratios are of the peer over ours; and
# every row of the table names a row of its config and a network that takes its weights.
import importlib.util
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest
from dataclasses import replace

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

from bench import contest, rows, training  # noqa: E402

PROGRAM = pathlib.Path(os.environ.get("OPTDNN_PROGRAM", ROOT / "build/release/optdnn"))
HAS_TORCH = all(importlib.util.find_spec(name) for name in ("torch", "safetensors"))


class Made:
    """A contestant of given answers and seconds, which writes down what is asked of it."""

    def __init__(self, name: str, answers: list[float], seconds: list[float], diary: list[str]):
        self.name, self.given, self.times, self.diary = name, answers, iter(seconds), diary
        self.peak = 0.0

    def answers(self) -> list[float]:
        self.diary.append(f"{self.name} answers")
        return self.given

    def seconds(self) -> float:
        self.diary.append(f"{self.name} runs")
        return next(self.times)

    def peak_mib(self) -> float:
        return self.peak

    def close(self) -> None:
        self.diary.append(f"{self.name} ends")


class Contests(unittest.TestCase):
    def setUp(self) -> None:
        self.diary: list[str] = []

    def row(self, answers: list[float]) -> contest.Row:
        ours = Made("ours", [2.0, 1.0], [1.0, 2.0, 1.0], self.diary)
        slow = Made("slow", [2.0, 1.0], [6.0, 6.0, 5.0], self.diary)
        fast = Made("fast", answers, [3.0, 3.0, 4.0], self.diary)
        return contest.Row("row", "what is done", 2.5, lambda: [ours, slow, fast], tolerance=1e-3)

    def test_contestants_answer_first_then_take_turns_and_are_ended(self) -> None:
        result = contest.hold(self.row([2.0, 1.0005]), 3, lambda _: None)
        names = ["ours", "slow", "fast"]
        self.assertEqual(self.diary, [f"{name} {does}" for does in ["answers"] + 3 * ["runs"] + ["ends"]
                                      for name in names])
        self.assertEqual(result.fastest_peer, "fast")
        self.assertEqual([result.ratio("fast", min), result.ratio("slow", min)], [3.0, 5.0])
        self.assertEqual(result.spread("fast"), (1.5, 4.0))

    def test_nothing_is_timed_where_answers_differ(self) -> None:
        for answers in ([2.0, 1.01], [2.0], [2.0, float("nan")]):
            with self.subTest(answers), self.assertRaises(contest.Disagreement):
                contest.hold(self.row(answers), 3, lambda _: None)
        self.assertFalse([entry for entry in self.diary if entry.endswith("runs")])
        self.assertEqual(self.diary[-1], "fast ends")

    def test_the_table_has_a_line_per_peer_and_the_promise_beside_the_fastest(self) -> None:
        text = contest.markdown([contest.hold(self.row([2.0, 1.0]), 3, lambda _: None)])
        self.assertEqual(text.splitlines()[2:],
                         ["| row | what is done | slow | 5.00 | 6.00 | 3.00 to 6.00 |  |",
                          "| row | what is done | fast | 3.00 | 3.00 | 1.50 to 4.00 | 2.5 |"])

    def test_the_mode_of_torch_compile_is_the_devices_or_the_one_that_is_asked_for(self) -> None:
        for device, asked, mode, name in (("cpu", "", "default", "torch.compile"),
                                          ("cuda", "", "reduce-overhead", "torch.compile"),
                                          ("cuda", "max-autotune", "max-autotune", "torch.compile, max-autotune")):
            place = training.Place(device, compile_mode=asked)
            work = training.Work("row", "Momentum", {})
            _, eager, compiled = training.contestants(work, pathlib.Path("optdnn"), pathlib.Path("folder"), place)
            self.assertEqual((place.mode(), eager.name, compiled.name), (mode, "PyTorch eager", name))

    def test_on_a_gpu_the_table_says_what_memory_was_taken_beside_the_peers(self) -> None:
        result = contest.hold(self.row([2.0, 1.0]), 3, lambda _: None)
        result.peaks = {"ours": 30.0, "slow": 60.0, "fast": 20.0}
        self.assertEqual([line.split(" | ")[-1] for line in contest.markdown([result]).splitlines()[2:]],
                         ["0.50 |", "1.50 |"])


class Rows(unittest.TestCase):
    def test_rows_have_names_of_their_own(self) -> None:
        names = [row.id for row in rows.rows(PROGRAM, pathlib.Path())]
        self.assertEqual(len(names), len(set(names)))

    @unittest.skipUnless(HAS_TORCH and PROGRAM.exists(), "this Python lacks torch or safetensors")
    def test_every_network_of_a_peer_has_the_losses_of_ours(self) -> None:
        """In this Python, whose torch the program uses: the peers' code, without their environment. A few images."""
        worker = ROOT / "scripts/bench/worker.py"
        for what, _, tolerance, work in rows.WORKS + rows.ON_GPU:
            with self.subTest(what), tempfile.TemporaryDirectory() as folder:
                few = () if work.row.startswith("rings") else ("dataset.batch_size=8",)
                expected = training.Ours(replace(work, losses=2, overrides=few), PROGRAM,
                                         pathlib.Path(folder)).answers()
                task = {"folder": str(pathlib.Path(folder) / work.row), "network": work.network, "compile_mode": "",
                        "device": "cpu", "precision": "float32", "arguments": work.arguments,
                        "optimizer": work.optimizer, "threads": 1}
                lines = "".join(json.dumps(line) + "\n" for line in (task, {"losses": 2}))
                done = subprocess.run([sys.executable, "-B", worker], input=lines, capture_output=True, text=True)
                self.assertEqual(done.returncode, 0, done.stderr)
                contest.require_agreement({"ours": expected, "peer": json.loads(done.stdout)}, tolerance)


if __name__ == "__main__":
    unittest.main()
