# The report of made-up runs: its Markdown to the letter, what it says about runs that were lost, that the page needs
# nothing else, and that no damaged file stops it. Figures are checked for being there and small.
import contextlib
import html.parser
import importlib.util
import io
import json
import os
import pathlib
import re
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "tests/golden/report"
NEEDED = ("numpy", "safetensors", "matplotlib")
HERE = all(importlib.util.find_spec(name) for name in NEEDED)

if HERE:
    import fixture


def report(*arguments: object) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of scripts/report.py, run in this process."""
    place = importlib.util.spec_from_file_location("report_program", ROOT / "scripts/report.py")
    program = importlib.util.module_from_spec(place)
    place.loader.exec_module(program)
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = program.main(list(map(str, arguments)))
        except SystemExit as end:
            code = end.code
    return code, out.getvalue(), err.getvalue()


class Page(html.parser.HTMLParser):
    """What an HTML page refers to, and its text."""
    def __init__(self, text: str):
        super().__init__()
        self.references, self.tags, self.text = [], [], ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.references += [value for name, value in attributes if name in ("src", "href", "data", "action")]

    def handle_data(self, data):
        self.text += data


@unittest.skipUnless(HERE, f"this Python lacks one of {NEEDED}")
class Report(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory()
        cls.folder = pathlib.Path(cls.temporary.name)
        cls.runs = fixture.make_runs(cls.folder / "runs")
        cls.out = cls.folder / "out"
        cls.code, _, cls.said = report(cls.runs, "--out", cls.out)
        cls.markdown = (cls.out / "report.md").read_text(encoding="utf-8") if cls.code == 0 else ""

    @classmethod
    def tearDownClass(cls):
        cls.temporary.cleanup()

    def test_the_markdown_is_the_golden_one(self):
        self.assertEqual(self.code, 0, self.said)
        if os.environ.get("OPTDNN_UPDATE_GOLDEN"):
            GOLDEN.mkdir(parents=True, exist_ok=True)
            (GOLDEN / "report.md").write_text(self.markdown, encoding="utf-8")
        self.maxDiff = None
        self.assertEqual(self.markdown, (GOLDEN / "report.md").read_text(encoding="utf-8"))

    def test_every_figure_is_there_is_a_png_and_is_small(self):
        names = re.findall(r"!\[.*\]\((figures/.*\.png)\)", self.markdown)
        self.assertEqual(sorted(names), sorted(f"figures/{p.name}" for p in (self.out / "figures").iterdir()))
        self.assertEqual({re.sub("figures/(.*).png", r"\1", name) for name in names},
                         {"rings-curves", "rings-radius", "rings-coefficients", "rings-solver", "rings-boundaries",
                          "rings-paths", "telgarsky-sweep", "telgarsky-curves", "telgarsky-fits"})
        for name in names:
            png = (self.out / name).read_bytes()
            self.assertEqual(png[:8], b"\x89PNG\r\n\x1a\n")
            self.assertLess(len(png), 200_000, name)

    def test_the_page_needs_no_network_and_no_file(self):
        text = (self.out / "report.html").read_text(encoding="utf-8")
        page = Page(text)
        self.assertEqual(len(page.references), 9)
        self.assertTrue(all(reference.startswith("data:image/png;base64,") for reference in page.references))
        self.assertNotRegex(text, r"https?://|file:|url\(|@import")
        self.assertFalse({"link", "iframe"} & set(page.tags))
        self.assertEqual(page.tags.count("script"), 1)  # that sorts tables
        for said in ("1.25 \u00b1 0.25", "*Table 1*", "seed 2: diverged", "beta | may reach 1", "Measured on: cpu"):
            self.assertIn(said, page.text)

    def test_no_folder_of_the_machine_is_named(self):
        for name in ("report.md", "report.html", "results.json"):
            text = (self.out / name).read_text(encoding="utf-8")
            self.assertNotIn("/somewhere", text)
            self.assertNotIn(self.temporary.name, text)

    def test_results_hold_every_run_and_its_numbers(self):
        groups = json.loads((self.out / "results.json").read_text())
        self.assertEqual([group["config"] for group in groups], ["rings", "telgarsky"])
        rows = {row["row"]: row for row in groups[0]["rows"]}
        statuses = [run["status"] for run in rows["momentum"]["runs"]]
        self.assertEqual(statuses, ["finished", "damaged", "without summary"])
        self.assertEqual(rows["apg2"]["metrics"]["test/error_pct"], {"mean": 1.25, "std": 0.25, "median": 1.25, "n": 3})
        self.assertIsNone(rows["resnet"]["runs"][0]["last"]["test/margin"])

    def test_a_report_of_the_results_says_what_that_of_the_runs_says(self):
        """But for figures that no results.json holds, and for what was never a result."""
        again = self.folder / "of results"
        self.assertEqual(report(self.out / "results.json", "--out", again)[0], 0)
        tables = [re.findall(r"^\|.*", text, re.MULTILINE)
                  for text in (self.markdown, (again / "report.md").read_text(encoding="utf-8"))]
        self.assertEqual(*tables)
        both = self.folder / "of both"
        self.assertEqual(report(self.out, self.runs, "--out", both)[0], 0)
        self.assertEqual((both / "results.json").read_text(), (self.out / "results.json").read_text())
        third = self.folder / "of results of results"
        self.assertEqual(report(again, "--out", third)[0], 0)
        for name in ("report.md", "results.json"):
            self.assertEqual((third / name).read_text(), (again / name).read_text(), "lossless from then on")

    def test_the_same_runs_give_the_same_bytes_even_if_named_twice(self):
        again, runs = self.folder / "again", self.runs / "telgarsky"
        self.assertEqual(report(runs / "apg2-depth=3", runs, runs, "--out", again)[0], 0)
        for name in ("curves", "fits"):
            self.assertEqual((again / f"figures/{name}.png").read_bytes(),
                             (self.out / f"figures/telgarsky-{name}.png").read_bytes())
        table = re.search(r"^\| row .*\n(\|.*\n)+", (again / "report.md").read_text(encoding="utf-8"), re.MULTILINE)
        self.assertIn(table[0], self.markdown)


@unittest.skipUnless(HERE, f"this Python lacks one of {NEEDED}")
class Rules(unittest.TestCase):
    """What is said about numbers, on rows without files."""
    def row(self, name, errors, statuses=None, paper=None):
        from report import runs
        made = []
        for seed, error in enumerate(errors):
            status = statuses[seed] if statuses else "finished"
            summary = {"status": status, "last": {"test/error_pct": error}} | ({"paper": paper} if paper else {})
            made.append(runs.Run(pathlib.Path(f"seed-{seed}"), "table", name, seed, status, summary))
        return runs.Row(name, made)

    def cells(self, *rows):
        from report import runs, table
        group = runs.Group("table", "Table", list(rows))
        return [dict(zip(block.header, cells)) for block in table.table_blocks(group)[:1] for cells in block.rows]

    def errors(self, *rows):
        return [cells["test error (%)"] for cells in self.cells(*rows)]

    def comparisons(self, row):
        from report import runs, table
        return table.comparisons(runs.Group("table", "Table", [row]))

    def test_nothing_is_bold_without_a_block(self):
        self.assertEqual(self.errors(self.row("a", [3, 4, 5]), self.row("b", [1, 2, 3])),
                         ["4.00 \u00b1 1.00", "2.00 \u00b1 1.00"])

    def test_rows_of_a_sweep_that_share_a_reason_are_named_by_what_they_have_in_common(self) -> None:
        rows = [f"mine-algorithm=apg-rate={rate}-depth={depth}" for rate in ("0.1", "0.01") for depth in (2, 4)]
        from report import sweep
        self.assertEqual(sweep.common_name(rows), "mine, algorithm apg (4 rows)")
        self.assertEqual(sweep.common_name(rows[:1]), rows[0])
        self.assertEqual(sweep.common_name(["apg2", "nesterov"]), "apg2, nesterov")

    def test_skewed_spreads_are_medians_and_quartiles(self):
        from report import text
        self.assertEqual(text.median_quartiles([1, 2, 3, 4, 100], 1), "3.0 (2.0 to 4.0)")
        self.assertEqual(text.median_quartiles([-40.0, -49.4189, -60.0], 4), "-49.4 (-54.7 to -44.7)")
        self.assertEqual([text.median_quartiles(values, 1) for values in ([], [2])], ["-", "2.0"])

    def test_runs_that_did_not_finish_are_in_no_mean_and_are_counted(self):
        row = self.row("a", [1, 3, 100, 200], ["finished", "finished", "stopped", "diverged"])
        self.assertEqual(self.errors(row), ["2.00 \u00b1 1.41"])
        self.assertEqual(self.cells(row)[0]["seeds"], "2, 1 stopped, 1 diverged")

    def test_trials_and_runs_that_were_set_aside_are_passed_over(self):
        from report import runs
        with tempfile.TemporaryDirectory() as folder:
            for place in ("t/a/seed-0", "t/a/search/trial-0/seed-0", ".old/2026/t/a/seed-0"):
                (pathlib.Path(folder) / place).mkdir(parents=True)
                (pathlib.Path(folder) / place / "summary.json").write_text("{}", encoding="utf-8")
            self.assertEqual(list(runs.run_folders(pathlib.Path(folder))), [pathlib.Path(folder) / "t/a/seed-0"])

    def test_a_row_that_lacks_a_seed_says_so(self):
        from report import runs, table
        group = runs.Group("table", "Table", [self.row("a", [1, 2, 3]), self.row("b", [1])])
        self.assertEqual(table.losses(group), ["b: no run of seed 1 and 2, which other rows have"])

    def test_a_lost_comparison_is_printed_as_lost(self):
        for errors, verdict in (([7, 8, 9], "ours is worse by 1.03"), ([5, 6, 7], "ours is better by 0.97"),
                                ([6.97] * 3, "ours is equal"), ([7.97], "worse by 1.00, too few seeds")):
            self.assertIn(verdict, self.comparisons(self.row("a", errors, paper={"test_error_pct": 6.97}))[0])

    def test_nothing_is_published_that_the_config_does_not_say(self):
        self.assertNotIn("published", self.cells(self.row("a", [1, 2]))[0])
        self.assertEqual(self.comparisons(self.row("a", [1, 2], paper={"source": "somebody"})), [])

    def test_numbers_have_fixed_digits_and_small_ones_an_exponent(self):
        from report import text
        for values, decimals, wanted in (([1.23456], 2, "1.23"), ([1, 2, 3], 2, "2.00 \u00b1 1.00"), ([], 2, "-"),
                                         ([2e-6, 4e-6], 5, "(3.00 \u00b1 1.41)e-06"),
                                         ([0.0, 0.0], 4, "0.0000 \u00b1 0.0000"),
                                         ([12345.678], 1, "12,345.7"), ([-7.25], 3, "-7.250")):
            self.assertEqual(text.mean_spread(values, decimals), wanted)

    def test_rows_follow_the_config_and_a_sweep_its_numbers(self):
        from report import runs
        with tempfile.TemporaryDirectory() as folder:
            config = pathlib.Path(folder) / "table.yaml"
            config.write_text("rows:\n  - {id: resnet, depth: 3}\n  - id: apg2\n    depth: 5\n")
            made = [runs.Run(pathlib.Path(), "table", name, 0, "finished", {"config": str(config)})
                    for name in ("apg2-depth=10", "apg2-depth=3", "other", "resnet")]
            self.assertEqual([row.id for row in runs.make_group(made).rows],
                             ["resnet", "apg2-depth=3", "apg2-depth=10", "other"])

    def test_the_curve_of_the_train_loss_leaves_out_the_means_of_whole_epochs_unless_there_are_no_others(self):
        from report import curves, runs
        def curve(*records, metric="train/loss"):
            made = runs.Run(pathlib.Path(), "table", "a", 0, "finished", {})
            made.records = list(records)
            return curves.series(made, metric)
        logged = {"epoch": 0.5, "train/loss": 1.0}
        evaluated = {"epoch": 1, "train/loss": 2.0, "test/loss": 3.0}
        self.assertEqual(curve(logged, evaluated), {0.5: 1.0})
        self.assertEqual(curve(evaluated), {1: 2.0})
        self.assertEqual(curve(logged, evaluated, metric="test/loss"), {1: 3.0})

    def sweep(self):
        """Two rules and a baseline at k = 3 and 4, compared with the first, and a row in no block."""
        from report import runs
        made = []
        for k in (3, 4):
            for name in ("resnet", "apg2", "mlp"):
                summary = {"dataset": {"name": "telgarsky", "k": k, "batch_size": 7 * k}, "status": "finished",
                           "compare": {"to": f"resnet-k={k}"} if name != "resnet" else {}}
                made.append(runs.Run(pathlib.Path(), "t", f"{name}-k={k}", 0, "finished", summary))
        made.append(runs.Run(pathlib.Path(), "t", "alone", 0, "finished",
                             {"dataset": {"name": "telgarsky", "k": 4}, "depth": 5}))
        for run in made:
            run.records = [{"epoch": e, "iteration": e, "train/loss": 1.0 / e, "test/mse": 2.0 / e} for e in (1, 2)]
        return runs.Group("t", "T", [runs.Row(run.row, [run]) for run in made])

    def test_rows_are_grouped_by_task_and_named_without_it(self):
        from report import tasks
        found = {title: list(tasks.names_in(rows).values()) for title, rows in tasks.tasks_of(self.sweep())}
        self.assertEqual(found, {"k 3, beside resnet-k=3": ["resnet", "apg2", "mlp"],
                                 "k 4, beside resnet-k=4": ["resnet", "apg2", "mlp"], "k 4, depth 5": ["alone"]})

    def test_a_table_of_several_tasks_has_a_panel_for_each(self):
        from report import curves
        pages = {name: figure for name, _, figure in curves.draw(self.sweep(), [])}
        self.assertEqual(list(pages), ["curves-train-loss", "curves-test-mse"])
        panels = pages["curves-test-mse"].axes
        self.assertEqual([ax.get_title().split(",")[0] for ax in panels], ["k 3", "k 4", "k 4"])
        self.assertEqual([len(ax.lines) for ax in panels], [3, 3, 1])
        self.assertEqual(panels[0].lines[1].get_color(), panels[1].lines[1].get_color())

    def test_a_sweep_stands_in_the_order_of_its_values(self):
        from report import runs
        with tempfile.TemporaryDirectory() as folder:
            config = pathlib.Path(folder) / "sweep.yaml"
            config.write_text("grid: {optimizer.learning_rate: [0.1, 0.003, 0.03, 1.0e-2], depth: [9, 10]}\n")
            ids = [f"run-learning_rate={rate}-depth={depth}" for rate in ("0.01", "0.1", "0.003", "0.03")
                   for depth in (10, 9)]

            def ordered(config):
                made = [runs.Run(pathlib.Path(), "t", row, 0, "finished", {"config": str(config)}) for row in ids]
                return [row.id for row in runs.make_group(made).rows]
            self.assertEqual(ordered("gone.yaml")[:3], ["run-learning_rate=0.003-depth=9",
                                                        "run-learning_rate=0.003-depth=10",
                                                        "run-learning_rate=0.01-depth=9"])
            self.assertEqual(ordered(config)[:3], ["run-learning_rate=0.1-depth=9", "run-learning_rate=0.1-depth=10",
                                                   "run-learning_rate=0.003-depth=9"])

    def test_every_task_has_a_table_and_a_ranking_of_its_own(self):
        from report import document, table
        group = self.sweep()
        for place, row in enumerate(group.rows):
            row.runs[0].summary["last"] = {"test/mse": (place % 3 + 1) / 100}
        tables = [block for block in table.table_blocks(group) if isinstance(block, document.Table)]
        self.assertEqual([row[:3] for row in tables[0].rows], [["resnet", "3", "1"], ["apg2", "3", "2"],
                                                               ["mlp", "3", "3"]])
        self.assertEqual([row[:3] for row in tables[1].rows], [["resnet", "4", "1"], ["apg2", "4", "3"],
                                                               ["mlp", "4", "4"], ["alone", "-", "1"]])
        self.assertEqual(tables[0].header[:3], ["row", "k", "rank"])

    def test_rows_of_unequal_cost_have_no_rank(self):
        from report import document, table
        group = self.sweep()
        for row, cost in zip(group.rows, (100, 109, 100, 100, 100, 111, 100)):
            row.runs[0].summary |= {"last": {"test/mse": 0.01}, "multiply_adds": cost}
        tables = [block for block in table.table_blocks(group) if isinstance(block, document.Table)]
        self.assertEqual(["rank" in one.header for one in tables[:2]], [True, False])

    def test_a_row_is_what_all_its_stages_are(self):
        from report import runs, table
        yes, coupled, no = ({"convergent": True, "coupled": False}, {"convergent": False, "coupled": True},
                            {"convergent": False, "coupled": False})

        def cell(*stages):
            run = runs.Run(pathlib.Path(), "t", "r", 0, "finished", {"certificate": list(stages)})
            return table.convergent_cell(runs.Row("r", [run]))
        self.assertEqual([cell(), cell(yes, yes), cell(yes, coupled), cell(no, no), cell(no, coupled)],
                         ["-", "yes", "coupled", "no", "mixed"])

    def test_columns_and_order_are_chosen_by_name(self):
        from report import choice, document
        table = document.Table(["row", "test error (%)", "seconds"],
                               [["a", "2.00 \u00b1 0.1", "1,200"], ["b", "-", "3"],
                                ["c", "(1.50 \u00b1 0.1)e-03", "20"]])
        made = choice.chosen(table, choice.Choice(["seconds"], "test/error_pct"))
        self.assertEqual((made.header, made.rows), (["row", "seconds"], [["c", "20"], ["a", "1,200"], ["b", "3"]]))
        of_sweep = choice.chosen(table, choice.Choice(["row", "seconds"]), keys=2)
        self.assertEqual(of_sweep.header, table.header)
        self.assertEqual([row[0] for row in choice.chosen(table, choice.Choice([], "-seconds")).rows], ["a", "c", "b"])
        some = choice.Choice(["seconds", "rank"], "secnods")
        self.assertEqual(choice.chosen(table, some).header, ["row", "seconds"])
        choice.chosen(document.Table(["row", "rank"], [["d", "1"]]), some)
        with self.assertRaisesRegex(choice.NoSuchColumn, "no column 'secnods'\n   hint: did you mean 'seconds'"):
            some.check()

    def test_tables_leave_as_csv_and_latex(self):
        from report import document, files
        group = self.sweep()
        for place, row in enumerate(group.rows):
            row.runs[0].summary["last"] = {"test/mse": place / 8}
        lines = files.csv_text([group]).splitlines()
        self.assertEqual(lines[0], "config,row,origin,k,n,runs,test/mse,test/mse std,parameters,multiply_adds,seconds")
        self.assertEqual(lines[2], "t,apg2-k=3,apg2,3,1,1,0.125,,,,")
        text = files.latex_text([document.Table(["row", "error (%)"], [["a_b", "**1.0 \u00b1 0.5**"]])])
        self.assertIn(r"a\_b & \textbf{1.0 $\pm$ 0.5} \\", text)
        self.assertIn(r"error (\%)", text)

    def test_pictures_are_drawn_in_the_units_and_by_the_names_of_the_data(self):
        import numpy as np
        from report import pictures
        drawn = {"points_inputs": np.array([[0.0, 1.0]]), "points_targets": np.array([2.0]),
                 "curve_outputs": np.array([[1.0]]), "path_states": np.ones((2, 1, 2))}
        known = {"mean": [10, 20], "deviation": [2, 4], "target_mean": [100], "target_deviation": [5]}
        pictures.put_in_units(drawn, known)
        self.assertEqual([drawn[name].tolist() for name in ("points_inputs", "points_targets", "curve_outputs")],
                         [[[10.0, 24.0]], [110.0], [[105.0]]])
        self.assertTrue((drawn["path_states"] == 1).all())
        sketch = pictures.Sketch("row", drawn, ["a", "b"], ["no", "yes"])
        self.assertEqual([sketch.input_name(1, "input 2"), sketch.class_name(1.0), sketch.class_name(2.0)],
                         ["b", "yes", "class 2"])

    def test_what_is_running_dead_or_silent_is_said(self):
        from report import runs, table
        now = {"iteration": 1200, "iterations": 5000, "left_s": 38.0, "updated": time.time()}
        there = now | {"state": "running", "host": "elsewhere", "pid": 1}
        cases = (("running", there, "iteration 1,200 of 5,000, 38 s"),
                 ("silent", there | {"updated": 0}, "iteration 1,200 of 5,000"),
                 ("dead", now | {"state": "running", "host": socket.gethostname(), "pid": 2 ** 22 + 1},
                  "iteration 1,200 of 5,000"),
                 ("stopped", now | {"state": "stopped"}, "iteration 1,200"),
                 ("failed", now | {"state": "failed"}, "iteration 1,200"))
        for state, said, expected in cases:
            with self.subTest(state), tempfile.TemporaryDirectory() as folder:
                run = pathlib.Path(folder) / "t/a/seed-0"
                run.mkdir(parents=True)
                (run / "status.json").write_text(json.dumps(said))
                groups, problems = runs.read_groups([pathlib.Path(folder)])
                self.assertEqual((groups[0].runs[0].status, problems), (state, []))
                self.assertEqual(table.seeds_cell(groups[0].rows[0]), f"0, 1 {state}")
                self.assertIn(f"{state}: {expected}", table.losses(groups[0])[0])
                self.assertEqual(table.measured_on(groups[0]), [])

    def test_texts_from_files_stay_texts(self):
        from report import document
        evil = "a | <script>alert(1)</script> **b** `c` \\ [d](e)\nf"
        block = document.Table(["x"], [[document.plain(evil)]])
        self.assertEqual(Page(document.html_of(block)).text.strip(), "x\n" + evil.replace("\n", " "))
        self.assertNotIn("<script", document.html_of(block))
        line = document.markdown_of(block).splitlines()[-1]
        self.assertEqual(len(re.findall(r"(?<!\\)\|", line)), 2)


@unittest.skipUnless(HERE, f"this Python lacks one of {NEEDED}")
class BadInput(unittest.TestCase):
    def setUp(self):
        self.temporary = tempfile.TemporaryDirectory()
        self.addCleanup(self.temporary.cleanup)
        self.folder = pathlib.Path(self.temporary.name)

    def make(self):
        lines = fixture.records("apg2", 0, 1.0, False)
        run = self.folder / "rings/apg2/seed-0"
        fixture.make_run(run, "Rings", "apg2", 0, lines, "finished", {"test/error_pct": 1.0})
        fixture.make_pictures(run, 2, 1.0)
        return run

    def test_wrong_usage_is_2_and_nothing_to_read_is_3(self):
        self.assertEqual(report()[0], 2)
        self.assertEqual(report(self.folder, "--colour")[0], 2)
        for folder in (self.folder, self.folder / "none"):
            code, out, err = report(folder)
            self.assertEqual((code, out), (3, ""))
            self.assertIn("no run could be read", err)

    def test_a_report_that_cannot_be_written_is_3(self):
        fixture.make_run(self.folder / "rings/apg2/seed-0", "Rings", "apg2", 0, [], "finished", {"test/error_pct": 1.0})
        (self.folder / "file").write_text("")
        code, _, err = report(self.folder, "--out", self.folder / "file")
        self.assertEqual(code, 3)
        self.assertIn("cannot write", err)

    def test_files_that_no_report_wrote_are_left_alone(self):
        fixture.make_run(self.folder / "rings/apg2/seed-0", "Rings", "apg2", 0, [], "finished", {"test/error_pct": 1.0})
        own = self.folder / "own"
        own.mkdir()
        (own / "results.csv").write_text("mine")
        code, _, err = report(self.folder / "rings", "--out", own, "--csv")
        self.assertEqual((code, (own / "results.csv").read_text()), (2, "mine"))
        self.assertIn("no report wrote it", err)
        self.assertEqual([path.name for path in own.iterdir()], ["results.csv"])
        for _ in range(2):
            self.assertEqual(report(self.folder / "rings", "--out", self.folder / "new", "--csv")[0], 0)

    def test_a_damaged_file_is_named_and_costs_only_itself(self):
        run = self.make()
        kept = shutil.copytree(run, self.folder / "kept")
        shutil.move(kept, self.folder / "rings/apg2/seed-1")
        for name, bytes_, said in DAMAGE:
            with self.subTest(f"{name} {bytes_[:30]}"):
                original = (run / name).read_bytes()
                (run / name).write_bytes(bytes_)
                groups, problems = read_and_draw(self.folder)
                self.assertIn(said, "\n".join(problems))
                self.assertEqual(len([p for p in problems if "seed-1" in p or "could not be drawn" in p]), 0, problems)
                (run / name).write_bytes(original)

    def test_runs_count_and_not_the_report_that_was_put_beside_them(self):
        run = self.make()
        for error in (1.0, 0.5):
            summary = json.loads((run / "summary.json").read_text())
            (run / "summary.json").write_text(json.dumps(summary | {"last": {"test/error_pct": error}}))
            self.assertEqual(report(self.folder / "rings", "--out", self.folder / "rings")[0], 0)
            rows = json.loads((self.folder / "rings/results.json").read_text())[0]["rows"]
            self.assertEqual(rows[0]["runs"][0]["last"]["test/error_pct"], error)

    def test_verdicts_that_differ_between_seeds_are_kept(self):
        for seed, convergent in enumerate((True, True, False)):
            run = self.folder / f"rings/apg2/seed-{seed}"
            fixture.make_run(run, "Rings", "apg2", seed, [], "finished", {"test/error_pct": 1.0})
            summary = json.loads((run / "summary.json").read_text())
            summary["certificate"] = [{"convergent": convergent, "reason": "learned", "spectral_radius": 1 + seed}]
            (run / "summary.json").write_text(json.dumps(summary))
        self.assertEqual(report(self.folder / "rings", "--out", self.folder / "out")[0], 0)
        self.assertEqual(report(self.folder / "out", "--out", self.folder / "again")[0], 0)
        texts = [(self.folder / name / "report.md").read_text() for name in ("out", "again")]
        self.assertIn("| mixed |", texts[0])
        self.assertEqual(*texts)

    def test_damaged_results_are_named(self):
        self.make()
        self.assertEqual(report(self.folder, "--out", self.folder / "out")[0], 0)
        good = json.loads((self.folder / "out/results.json").read_text())
        file = self.folder / "committed/results.json"
        file.parent.mkdir()
        for text in ("", "[1]", "{}", '"runs"', '[{"config": "rings"}]', '[{"config": "rings", "table": 1, "rows": 7}]',
                     '[{"config": "r", "table": "", "rows": [{"row": "a", "runs": [{"seed": 1}]}]}]', "[" * 100_000):
            with self.subTest(text[:40]):
                file.write_text(text)
                code, _, err = report(file.parent, self.folder / "rings", "--out", self.folder / "both")
                self.assertEqual(code, 0, err)
                self.assertIn("committed/results.json is damaged" if text != "{}" else "", err)
        run = good[0]["rows"][0]["runs"][0]
        for odd in (None, 7, [], {"epoch": 3}, {"epoch": [1, "x"], "iteration": [1, None], "test/mse": [[], {}]},
                    {"epoch": [1], "iteration": [1], "test/mse": 3}):
            with self.subTest(str(odd)):
                run["curve"] = odd
                file.write_text(json.dumps(good))
                self.assertEqual(report(file.parent, "--out", self.folder / "both")[0], 0)

    def test_values_of_the_wrong_kind_are_no_numbers(self):
        run = self.make()
        summary = json.loads((run / "summary.json").read_text())
        odd = [None, True, "7", [1], {"a": 1}, 10 ** 400, float("nan"), -1e308]
        for key in ("table", "last", "compare", "search", "runs_at_once", "certificate", "paper", "parameters",
                    "seconds", "threads", "device",
                    "error", "config", "multiply_adds"):
            for value in odd:
                with self.subTest(f"{key}: {str(value)[:20]}"):
                    (run / "summary.json").write_text(json.dumps(summary | {key: value}))
                    compose(self.folder)
        for value in odd:
            summary |= {"last": {"test/error_pct": value, "test/new": value},
                        "paper": {"test_error_pct": value, "source": value}}
            (run / "summary.json").write_text(json.dumps(summary))
            compose(self.folder)


def tensors(shapes: dict[str, list[int]], metadata: dict[str, str], fill: bytes = b"\0") -> bytes:
    """A safetensors file of one byte over and over: zeros, or with 0xff NaNs."""
    header, offset = {"__metadata__": metadata}, 0
    for name, shape in shapes.items():
        size = 4
        for length in shape:
            size *= length
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [offset, offset + size]}
        offset += size
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + fill * offset


GRID = {"grid_inputs": [6, 2], "grid_outputs": [6, 2]}
DAMAGE = [
    ("summary.json", b"", "summary.json is damaged"), ("summary.json", b"[1, 2]", "no known status"),
    ("summary.json", b'{"status": "great"}', "no known status"),
    ("summary.json", b"\xff\xfe\x00", "summary.json is damaged"),
    ("summary.json", b"[" * 100_000, "summary.json is damaged"),
    ("metrics.jsonl", b'{"iteration": 1, "epoch": 1, "train/loss": 2}\n{"iter', "line 2 is no record"),
    ("metrics.jsonl", b'3\n{"iteration": "x", "epoch": 1}\n{"epoch": NaN, "iteration": 1}',
     "3 damaged lines, the first 1"),
    ("metrics.jsonl", b"\x00\xff" * 1000, "line 1 is no record"),
    ("pictures.safetensors", b"", "pictures.safetensors is damaged"),
    ("pictures.safetensors", b"\xff" * 64, "pictures.safetensors is damaged"),
    ("pictures.safetensors", tensors({"grid_inputs": [6, 2]}, {}), "grid_outputs is missing"),
    ("pictures.safetensors", tensors(GRID, {}), "grid_rows 0 x grid_cols 0 is not 6 points"),
    ("pictures.safetensors", tensors(GRID, {"grid_rows": "-2", "grid_cols": "-3"}), "grid_rows -2"),
    ("pictures.safetensors", tensors(GRID, {"grid_rows": "two", "grid_cols": "3"}), "pictures.safetensors is damaged"),
    ("pictures.safetensors", tensors(GRID, {"grid_rows": "2", "grid_cols": "4"}), "2 x grid_cols 4 is not 6 points"),
    ("pictures.safetensors", tensors(GRID, {"grid_rows": "2", "grid_cols": "3", "preparation": "[" * 100_000}),
     "pictures.safetensors is damaged"),
    ("pictures.safetensors", tensors(GRID, {"grid_rows": "2", "grid_cols": "3",
                                            "preparation": '{"mean": [1, 2, 3], "deviation": [1, 2, 3]}'}),
     "pictures.safetensors is damaged"),
    ("pictures.safetensors", tensors(GRID, {"grid_rows": "2", "grid_cols": "3", "preparation": '{"mean": [1, 2]}'}),
     "pictures.safetensors is damaged"),
    ("pictures.safetensors", tensors(GRID, {"grid_rows": "2", "grid_cols": "3", "preparation": '{"mean": {}}'}),
     "pictures.safetensors is damaged"),
    ("pictures.safetensors", tensors(GRID | {"grid_outputs": [5, 2]}, {}), "has shape [5, 2]"),
    ("pictures.safetensors", tensors(GRID, {"grid_rows": "2", "grid_cols": "3"}, b"\xff"), "that are not finite"),
    ("pictures.safetensors", tensors({"path_states": [4, 0, 2]}, {}), "has shape [4, 0, 2]"),
    ("pictures.safetensors", tensors({"points_inputs": [4, 3], "points_targets": [4]}, {}), "has shape [4, 3]"),
]


def read_and_draw(folder: pathlib.Path) -> tuple[list, list[str]]:
    """In this process, and only the figures that read what may be damaged."""
    from report import pictures, runs
    groups, problems = runs.read_groups([folder])
    for group in groups:
        pictures.read_sketches(group, problems)
    return groups, problems


def compose(folder: pathlib.Path) -> str:
    from report import document, results, runs, table
    groups, problems = runs.read_groups([folder])
    json.loads(results.results_json(groups))
    blocks = [block for group in groups for block in table.table_blocks(group)]
    return document.to_markdown(blocks) + document.to_html("", blocks)


RETRAIN = """#!/bin/sh
# Stands in for optdnn: `show CONFIG --row ROW --json`, then `train FILE --seed N --out FOLDER --quiet`
echo "$@" >> arguments
[ "$1" = show ] && echo '[{"config": {"name": "Rings"}}]' && exit 0
mkdir -p "$6"
cp now "$6/summary.json"
"""

STUB = """#!/bin/sh
# Stands in for optdnn: `train CONFIG ... [--dry-run]`
for word; do last=$word; done
[ "$last" = --dry-run ] && echo rings/apg2/seed-0 && exit 0
cp -r ready runs
echo "$@" > arguments
exit $CODE
"""


@unittest.skipUnless(HERE, f"this Python lacks one of {NEEDED}")
class Study(unittest.TestCase):
    def report_of(self, wrong: bool) -> str:
        with tempfile.TemporaryDirectory() as folder:
            out = pathlib.Path(folder) / "out"
            code, _, said = report(fixture.make_study(pathlib.Path(folder) / "runs", wrong), "--out", out)
            self.assertEqual((code, said), (0, ""))
            self.assertEqual([p.name for p in (out / "figures").iterdir()], ["convergence.png"])
            runs = json.loads((out / "results.json").read_text())[0]["rows"][0]["runs"]
            self.assertEqual(runs[0]["convergence"]["order"], 1.0)
            return (out / "report.md").read_text(encoding="utf-8")

    def test_a_row_of_a_study_has_its_order_and_its_verdicts(self):
        text = self.report_of(wrong=False)
        for said in ("| apg2 | T 1.5 | 1.6e-02 (K = 64) | 1.00 | yes | convergent |", "agree in every row",
                     "| leapfrog | - | 1.6e-02 (K = 64) | 1.00 | yes | coupled |",
                     "| undamped | - | 1.8e+02 (K = 32) | - | no | no |",
                     "undamped: a double root at 1"):
            self.assertIn(said, text)

    def test_a_certificate_that_the_measurement_contradicts_is_named(self):
        self.assertIn("differ for: undamped", self.report_of(wrong=True))


@unittest.skipUnless(HERE, f"this Python lacks one of {NEEDED}")
class Reproduce(unittest.TestCase):
    def setUp(self):
        self.temporary = tempfile.TemporaryDirectory()
        self.addCleanup(self.temporary.cleanup)
        self.root = pathlib.Path(self.temporary.name)
        (self.root / "configs").mkdir()
        (self.root / "configs/rings.yaml").write_text("table: Nested rings\n")
        (self.root / "scripts").symlink_to(ROOT / "scripts")
        (self.root / ".venv").symlink_to(sys.prefix)
        (self.root / "stub").write_text(STUB)
        (self.root / "stub").chmod(0o755)

    def reproduce(self, *arguments: str, code: int = 0) -> int:
        environment = os.environ | {"OPTDNN": str(self.root / "stub"), "CODE": str(code)}
        command = [self.root / "scripts/reproduce", *arguments]
        return subprocess.run(command, env=environment, capture_output=True).returncode

    def test_results_are_put_where_they_are_committed(self):
        lines = [{"iteration": 1, "epoch": 1, "train/loss": 0.5}]
        fixture.make_run(self.root / "ready/rings/apg2/seed-0", "Rings", "apg2", 0, lines, "finished",
                         {"test/loss": 1.0, "test/mse": 0.5})
        results = self.root / "configs/results/rings"
        (results / "figures").mkdir(parents=True)
        (results / "figures/old.png").write_text("")
        self.assertEqual(self.reproduce("rings", "--seed", "0", code=1), 1)
        self.assertFalse((results / "report.md").exists(), "a failure that is no result leaves the results alone")
        shutil.rmtree(self.root / "runs")
        self.assertEqual(self.reproduce("rings", "--seed", "0", "--device", "cpu", code=4), 4)
        self.assertEqual((self.root / "arguments").read_text(), "train configs/rings.yaml --seed 0 --device cpu\n")
        self.assertEqual(sorted(p.name for p in results.iterdir()), ["figures", "report.md", "results.json"])
        self.assertIn("curves.png", [p.name for p in (results / "figures").iterdir()])
        self.assertFalse((results / "figures/old.png").exists())

    def test_a_row_is_added_to_what_is_committed(self):
        for row, seeds in (("apg2", (0, 1)), ("resnet", (0,))):
            for seed in seeds:
                fixture.make_run(self.root / f"ready/rings/{row}/seed-{seed}", "Rings", row, seed, [], "finished",
                                 {"test/mse": 0.5})
        self.reproduce("rings")
        shutil.rmtree(self.root / "ready")
        shutil.rmtree(self.root / "runs")
        lines = [{"iteration": 1, "epoch": 1, "train/loss": 0.5}]
        fixture.make_run(self.root / "ready/rings/apg2/seed-1", "Rings", "apg2", 1, lines, "finished",
                         {"test/mse": 0.25})
        self.assertEqual(self.reproduce("--add", "rings", "--row", "apg2"), 0)
        self.assertEqual((self.root / "arguments").read_text(), "train configs/rings.yaml --row apg2\n")
        rows = json.loads((self.root / "configs/results/rings/results.json").read_text())[0]["rows"]
        found = {(row["row"], run["seed"]): run["last"]["test/mse"] for row in rows for run in row["runs"]}
        self.assertEqual(found, {("apg2", 0): 0.5, ("apg2", 1): 0.25, ("resnet", 0): 0.5})
        page = (self.root / "configs/results/rings/report.md").read_text(encoding="utf-8")
        self.assertIn("only their ends were kept: apg2 (1 of 2 seeds) and resnet.", page)

    def test_a_sample_of_committed_runs_is_trained_again_and_judged(self):
        lines = [{"iteration": 1, "epoch": 1, "train/loss": 0.5}]
        fixture.make_run(self.root / "ready/rings/apg2/seed-0", "Rings", "apg2", 0, lines, "finished",
                         {"test/loss": 1.0, "test/mse": 0.5})
        self.reproduce("rings")
        (self.root / "stub").write_text(RETRAIN)
        for trained, code in ((0.5, 0), (0.5 + 1e-9, 0), (0.7, 1), (None, 1)):
            (self.root / "now").write_text(json.dumps({"status": "finished", "config_hash": "abc",
                                                       "last": {"test/mse": trained}}))
            self.assertEqual(self.reproduce("--check", "rings"), code)
        said = (self.root / "arguments").read_text()
        self.assertIn("show configs/rings.yaml --row apg2 --json", said)
        self.assertIn("row.yaml --seed 0 --out", said)
        (self.root / "now").write_text(json.dumps({"config_hash": "other", "last": {"test/mse": 0.5}}))
        self.assertEqual(self.reproduce("--check", "rings"), 1)
        self.assertEqual(self.reproduce("--check", "nothing"), 2)

    def test_a_study_is_run_by_the_command_it_names(self):
        (self.root / "configs/rings.yaml").write_text("study: converge\n")
        (self.root / "ready").mkdir()
        self.reproduce("rings")
        self.assertEqual((self.root / "arguments").read_text(), "converge configs/rings.yaml\n")

    def test_a_table_that_is_not_there_is_wrong_usage(self):
        self.assertEqual(self.reproduce(), 2)
        self.assertEqual(self.reproduce("nothing"), 2)


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT / "scripts"))
    unittest.main()
