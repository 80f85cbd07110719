# The statistics of comparisons against scipy's, whose answers lie in tests/golden/report/paired.json (differences with
# ties, few and many pairs), and how often a block without any difference says there is one.
#   python3 tests/report/test_paired.py --update     writes the answers anew, with a Python that has scipy
import importlib.util
import json
import pathlib
import sys
import unittest

if not importlib.util.find_spec("numpy"):
    print("this Python lacks numpy: skipped")
    sys.exit(0)

import numpy as np  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))
GOLDEN = ROOT / "tests/golden/report/paired.json"

from report import comparison, paired, runs, table  # noqa: E402


def samples() -> list[list[float]]:
    """Differences of 1 to 20 pairs: normal, whole numbers with ties and zeros, skewed, and all equal."""
    random = np.random.default_rng(1)
    made = []
    for n in (1, 2, 3, 5, 9, 12, 16, 20):
        made += [random.normal(0.3, 1, n), random.integers(-2, 4, n), random.exponential(1, n) - 0.5]
    made += [[0.5] * 6, [0.0] * 4, [1.0, -1.0], [0.1, 0.2, 0.3, -0.6, 0.1]]
    return [[float(x) for x in differences] for differences in made]


def answers_of_scipy() -> dict:
    from scipy import stats
    cases = []
    for differences in samples():
        x, n = np.array(differences), len(differences)
        case = {"differences": differences, "half_width": None}
        if n > 1:
            with np.errstate(all="ignore"):
                interval = stats.ttest_1samp(x, 0).confidence_interval(0.95)
            if x.std() > 0:
                case["half_width"] = float(interval.high - interval.low) / 2
        resamples = np.inf if n <= 16 else 999_999
        case["p"] = float(stats.permutation_test((x,), lambda d, axis: d.sum(axis), permutation_type="samples",
                                                 n_resamples=resamples, vectorized=True,
                                                 rng=np.random.default_rng(2)).pvalue) if n > 1 else 1.0
        cases.append(case)
    quantiles = [[p, f, float(stats.t.ppf(p, f))] for p in (0.9, 0.975, 0.999) for f in (1, 2, 3, 4, 7, 8, 19, 50)]
    values = [[0.01, 0.04, 0.03], [0.5, 0.5], [0.001], [0.02, 0.9, 0.02, 0.0001, 0.3]]
    adjusted = [holm_by_definition(v) for v in values]
    return {"cases": cases, "t": quantiles, "holm": [list(pair) for pair in zip(values, adjusted)]}


def holm_by_definition(values: list[float]) -> list[float]:
    """The largest over the values that are no larger of (how many are no smaller) p, at most 1."""
    order = sorted(values)
    return [min(1.0, max((len(values) - order.index(q)) * q for q in values if q <= p)) for p in values]


def block_of(errors: list[list[float]], to: list[float], statuses: dict[tuple[int, int], str] = {}) -> runs.Group:
    """Row `to` and a row per list of errors, one for each seed."""
    rows = []
    for number, values in enumerate([to, *errors]):
        made = []
        for seed, error in enumerate(values):
            status = statuses.get((number, seed), "finished")
            summary = {"last": {"test/error_pct": error}, "multiply_adds": 100 + number}
            summary |= {"compare": {"to": "row0", "cost": "multiply_adds"}} if number else {}
            made.append(runs.Run(pathlib.Path(f"seed-{seed}"), "t", f"row{number}", seed, status, summary))
        rows.append(runs.Row(f"row{number}", made))
    return runs.Group("t", "T", rows)


def first_block(group: runs.Group) -> comparison.Comparison:
    return comparison.comparisons(group, table.KNOWN["test/error_pct"])[0]


class Paired(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.golden = json.loads(GOLDEN.read_text())

    def test_the_golden_samples_are_those_made_here(self):
        for case, differences in zip(self.golden["cases"], samples(), strict=True):
            self.assertEqual(case["differences"], differences)

    def test_intervals_are_scipys(self):
        for case in self.golden["cases"]:
            width = paired.half_width(case["differences"])
            if case["half_width"] is None:
                self.assertIn(width, (None, 0.0))
            else:
                self.assertAlmostEqual(width / case["half_width"], 1, places=9)

    def test_quantiles_of_t_are_scipys(self):
        for probability, freedom, value in self.golden["t"]:
            self.assertAlmostEqual(paired.t_quantile(probability, freedom) / value, 1, places=9)

    def test_exact_p_values_are_scipys_and_drawn_ones_close(self):
        for case in self.golden["cases"]:
            n, p = len(case["differences"]), paired.sign_flip_p(case["differences"])
            error = 1e-12 if n <= paired.EXACT else 5 * (case["p"] * (1 - case["p"]) / paired.DRAWS) ** 0.5 + 1e-5
            self.assertLessEqual(abs(p - case["p"]), error, case)
            self.assertEqual(p, paired.sign_flip_p(case["differences"]))

    def test_holm_is_its_definition(self):
        for values, adjusted in self.golden["holm"]:
            np.testing.assert_allclose(paired.holm(values), adjusted)

    def test_the_smallest_p_is_reached_by_differences_of_one_sign_and_by_no_others(self):
        for n in (1, 2, 5, 6, 9, 12):
            self.assertEqual(paired.sign_flip_p([1.0] * n), paired.smallest_p(n))
            self.assertGreater(paired.sign_flip_p([1.0] * n + [-1.5]), paired.smallest_p(n + 1))
        self.assertEqual(paired.smallest_p(5), 0.0625)
        self.assertAlmostEqual(paired.sign_flip_p([1.0] * 20), paired.smallest_p(20), places=5)


class Blocks(unittest.TestCase):
    def test_a_clear_difference_is_bold_and_the_others_are_not(self):
        noise = np.random.default_rng(3).normal(0, 0.1, (3, 12))
        group = block_of([list(5 + noise[0]), list(8 + noise[1])], list(8 + noise[2]))
        block = first_block(group)
        self.assertEqual([line.is_significant for line in block.lines], [True, False])
        self.assertAlmostEqual(block.lines[0].p, 2 / 2 ** 12)
        self.assertAlmostEqual(block.lines[0].holm, 4 / 2 ** 12)
        shown = comparison.blocks_of(group, table.KNOWN["test/error_pct"])[1].rows
        self.assertTrue(shown[1][3].startswith("**-3."))
        self.assertFalse(any("**" in cell for line in (shown[0], shown[2]) for cell in line))

    def test_five_pairs_can_never_be_significant_and_the_report_says_so(self):
        group = block_of([[1, 1.1, 1.2, 1.3, 1.4]], [9, 9, 9, 9, 9])
        self.assertFalse(first_block(group).lines[0].is_significant)
        self.assertIn("nothing here can be significant", comparison.about(first_block(group)))
        self.assertIn("smallest p of 5 pairs is 0.062", comparison.about(first_block(group)))

    def test_a_row_that_lost_a_seed_has_no_p(self):
        for lost in ((1, 3), (0, 2)):
            line = first_block(block_of([[1.0] * 8], [2.0] * 8, {lost: "diverged"})).lines[0]
            self.assertIsNone(line.p)
            self.assertEqual(len(line.differences), 7)
        fewer = first_block(block_of([[1.0] * 7], [2.0] * 8)).lines[0]
        self.assertIsNone(fewer.p)

    def test_one_pair_has_a_difference_and_no_interval(self):
        block = first_block(block_of([[1.5]], [2.0]))
        self.assertEqual(comparison.cells(block.lines[0], table.KNOWN["test/error_pct"])[2], "-0.50")
        self.assertEqual(block.lines[0].p, 1.0)

    def test_a_row_compared_with_itself_or_with_no_row_is_in_no_block(self):
        group = block_of([[1.0] * 3], [2.0] * 3)
        for to in ("row1", "nobody", None, 7):
            for run in group.rows[1].runs:
                run.summary["compare"] = {"to": to}
            self.assertEqual(comparison.comparisons(group, table.KNOWN["test/error_pct"]), [])

    def test_of_a_block_without_differences_one_in_twenty_at_most_has_something_bold(self):
        """400 blocks of 4 rows beside one, n = 9, all normal and alike: the family-wise error is at most 5 %."""
        random, false = np.random.default_rng(4), 0
        for _ in range(400):
            errors = random.normal(10, 1, (5, 9)) + random.normal(0, 2, 9)  # seeds are easy or hard for all
            values = paired.holm([paired.sign_flip_p(row - errors[0]) for row in errors[1:]])
            false += min(values) <= paired.LEVEL
        self.assertLess(false, 400 * 0.05 + 3 * (400 * 0.05 * 0.95) ** 0.5)
        self.assertGreater(false, 0)


if __name__ == "__main__":
    if "--update" in sys.argv:
        GOLDEN.write_text(json.dumps(answers_of_scipy(), indent=1) + "\n")
    else:
        unittest.main()
