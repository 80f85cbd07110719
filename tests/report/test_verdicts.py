# The lines of the tables of verdicts, of made-up blocks.
import pathlib
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

import verdicts  # noqa: E402


def row(name, values, **of_run):
    runs = [{"seed": seed, "status": "finished", "last": {"test/error_pct": value, "test/mse": value}, **of_run}
            for seed, value in enumerate(values)]
    return {"row": name, "runs": runs}


def compared(name, difference, holm, n=3):
    return {"row": name, "n": n, "difference": difference, "half_width": 0.5, "holm": holm}


def line(rows, blocks, metric="test/error_pct"):
    block = {"to": rows[0]["row"], "metric": metric, "rows": blocks}
    return verdicts.line("claim", block, {one["row"]: one for one in rows})


class Verdicts(unittest.TestCase):
    def test_a_row_is_in_the_column_that_its_p_and_sign_say(self):
        names = ["to", "x-algorithm=a", "b", "c", "d"]
        rows = [row(name, [1, 2, 3]) for name in names]
        blocks = [compared(names[1], -1, 0.05), compared("b", 1, 0.01), compared("c", -1, 0.051),
                  compared("d", 1, None)]
        self.assertEqual(line(rows, blocks).split(" | "), ["| claim", "3", "2.00 \u00b1 2.48 %", "a -1.00 \u00b1 0.50",
                                                           "b +1.00 \u00b1 0.50", "c, d |\n"])

    def test_many_rows_that_show_nothing_are_counted(self):
        names = [f"r{i}" for i in range(verdicts.MOST_NAMES + 1)]
        rows = [row(name, [1, 2, 3]) for name in ["to", *names]]
        blocks = [compared(name, 1, 1.0) for name in names]
        self.assertIn("| all 9 rows |", line(rows, blocks))
        rows.append(row("better", [0, 0, 0]))
        self.assertIn("| the other 9 rows |", line(rows, [*blocks, compared("better", -1, 0.01)]))

    def test_the_brief_line_counts_the_rows_of_all_blocks(self):
        blocks = [{"rows": [compared("a", -1, 0.01), compared("b", 1, 0.01)]},
                  {"rows": [compared("c", -1, 1.0, n=2), compared("d", -1, None)]}]
        self.assertEqual(verdicts.brief_line("study", blocks), "| study | 4 | 2 to 3 | 1 | 1 | 2 |\n")

    def test_runs_that_went_astray_are_counted(self):
        rows = [row("to", [1, 1, 1e-6]), row("a", [1e-6] * 3), row("b", [1e-6, 1e-6, 1e9])]
        text = line(rows, [compared("a", -1, 0.01), compared("b", -1, 1.0)], "test/mse")
        self.assertIn("MSE (1 fit) | a -1 \u00b1 0.5 | ", text)
        self.assertIn("| b (2 fit) |", text)

    def test_pairs_of_two_machines_are_named(self):
        rows = [row("to", [1, 2, 3], device_name="x"), row("a", [1, 2, 3], device_name="x")]
        self.assertNotIn("cross", line(rows, [compared("a", -1, 0.01)]))
        rows[1]["runs"][0]["device_name"] = "y"
        self.assertIn("claim (1 of 3 pairs cross machines", line(rows, [compared("a", -1, 0.01)]))

    def test_every_committed_block_has_a_claim(self):
        for file in (ROOT / "configs/results").glob("*/results.json"):
            if '"compared"' in file.read_text():
                self.assertIn(file.parent.name, verdicts.CLAIMS)


if __name__ == "__main__":
    unittest.main()
