# The lab: data of one's own, per-sample results, folders of runs, configs to begin with, rules by text.

import csv
import json
import math
import random
import os
import re
import shutil
import struct
import subprocess
import sys
import textwrap
import unittest
import xml.etree.ElementTree
import zipfile

from program import PROGRAM, RINGS, SOURCE, Commands

FLOWERS = """\
dataset:   {name: table, file: data/flowers.csv, target: kind, drop: [id], test_fraction: 0.25, batch_size: 16}
algorithm:
  name: adams_bashforth_3
  equations: |
    x[k+1] = x[k] + (23*T(x[k]) - 16*T(x[k-1]) + 5*T(x[k-2]))/12
module:    {name: dense_two_layer, hidden: 8}
depth:     3
width:     4
optimizer: {name: adam, learning_rate: 0.02}
train:     {length: {epochs: 4}}
seeds:     [0, 1]
"""
CONSTANT = RINGS.replace("{name: cosine}", "constant")


def array(archive: zipfile.ZipFile, name: str) -> list[float]:
    """The numbers of a member of an .npz file."""
    data = archive.read(name + ".npy")
    length = struct.unpack("<H", data[8:10])[0]
    letter = {"f4": "f", "f8": "d", "i8": "q"}[re.search(rb"'<(..)'", data).group(1).decode()]
    body = data[10 + length:]
    return list(struct.unpack(f"<{len(body) // struct.calcsize(letter)}{letter}", body))


class Lab(Commands):
    def write_flowers(self) -> str:
        draw = random.Random(0)
        (self.folder / "data").mkdir()
        with open(self.folder / "data/flowers.csv", "w") as file:
            file.write("id,length,width,kind\n")
            for i in range(60):
                kind = i % 3
                file.write(f"{i},{kind + draw.gauss(0, 0.2):.3f},{100 - 10 * kind + draw.gauss(0, 2):.3f},"
                           f"{['lily', 'rose', 'tulip'][kind]}\n")
        return self.write("flowers.yaml", FLOWERS)

    def json_of(self, *arguments: str, status: int = 0):
        return json.loads(self.run_program(*arguments, status=status).stdout)

    def test_a_table_of_ones_own_is_checked_trained_evaluated_and_predicted(self) -> None:
        config = self.write_flowers()
        columns = {column["name"]: column for column in self.json_of("check", "data/flowers.csv", "--json")}
        self.assertEqual([columns[name]["type"] for name in ["id", "length", "kind"]], ["integer", "real", "text"])
        self.assertEqual(columns["kind"]["classes"], {"lily": 20, "rose": 20, "tulip": 20})
        self.assertIn("all rows and seeds", self.run_program("check", config).stdout)
        trained = self.run_program("train", config, "--threads", "1").stdout
        self.assertRegex(trained, r"run +2 +[0-9.]+ \+- ")
        self.assertIn("next: optdnn report runs/flowers", trained)
        found = (self.folder / "runs/flowers/run/seed-0/resolved.yaml").read_text()
        self.assertIn("sha256", found)

        results = self.json_of("eval", "runs/flowers", "--json", "--confusion", "--per-class", "--top", "2",
                               "--calibration")
        self.assertEqual(len(results), 2)
        one = self.json_of("eval", "runs/flowers/run/seed-1", "--json")
        self.assertEqual(one["test/error_pct"], results[1]["test/error_pct"])
        confusion, wrong = results[0]["confusion"], results[0]["test/error_pct"]
        self.assertEqual([sum(row) for row in confusion], [5, 5, 5])
        self.assertAlmostEqual(100 * (1 - sum(confusion[c][c] for c in range(3)) / 15), wrong)
        self.assertEqual(results[0]["classes"], ["lily", "rose", "tulip"])
        self.assertLessEqual(results[0]["test/top_2_error_pct"], wrong)
        bins = results[0]["calibration"]["bins"]
        self.assertEqual(sum(bin["samples"] for bin in bins), 15)

        self.run_program("eval", "runs/flowers", "--picture", "p.svg")
        picture = xml.etree.ElementTree.parse(self.folder / "p.svg").getroot()
        self.assertEqual(sum(element.text == "lily" for element in picture.iter()), 2)

        run = "runs/flowers/run/seed-0"
        self.run_program("predict", run, "--to", "p.csv")
        with open(self.folder / "p.csv", newline="") as file:
            rows = list(csv.DictReader(file))
        self.assertAlmostEqual(100 * sum(row["target"] != row["prediction"] for row in rows) / len(rows), wrong)
        self.run_program("predict", run, "--to", "all.npz", "--split", "train", "--features", "path")
        with zipfile.ZipFile(self.folder / "all.npz") as archive:
            self.assertIsNone(archive.testzip())
            self.assertEqual(len(array(archive, "predictions")), 45)
            self.assertEqual(len(array(archive, "features")), 45 * 4 * 4)

        # Other samples, wherever the file of the training has gone.
        (self.folder / "data/flowers.csv").rename(self.folder / "moved.csv")
        self.write("new.csv", "width,length\n100,0\n80,2\n")
        self.run_program("predict", run, "--input", "new.csv", "--to", "new_p.csv")
        with open(self.folder / "new_p.csv", newline="") as file:
            self.assertEqual([row["prediction"] for row in csv.DictReader(file)].__len__(), 2)
        (self.folder / "elsewhere").mkdir()
        (self.folder / "moved.csv").rename(self.folder / "elsewhere/flowers.csv")
        again = self.json_of("eval", run, "--json", "--data", "elsewhere")
        self.assertEqual(again["test/error_pct"], wrong)

    def test_answers_that_a_file_of_samples_holds_stand_beside_the_predictions(self) -> None:
        for name, answers in (("kinds", [f"k{i % 2}" for i in range(24)]),
                              ("values", [f"{i / 7:.3f}" for i in range(24)])):
            self.write("t.csv", "a,b,y\n" + "".join(f"{i},{i % 5},{y}\n" for i, y in enumerate(answers)))
            config = self.write(f"{name}.yaml", """
dataset:   {name: table, file: t.csv, target: y, test_fraction: 0.25}
algorithm: gradient_descent
module:    {name: dense_two_layer, hidden: 4}
depth:     2
width:     2
train:     {length: {iterations: 3}}
""")
            self.run_program("train", config, "--quiet")
            self.write("new.csv", f"y,b,a\n{answers[3]},1,2\n,2,3\n" + ("other,1,1\n" if name == "kinds" else ""))
            self.run_program("predict", f"runs/{name}/run/seed-0", "--input", "new.csv", "--to", "p.csv")
            with open(self.folder / "p.csv") as file:
                lines = list(csv.DictReader(file))
            self.assertEqual([line["target"] for line in lines][:2], [answers[3].rstrip("0"), ""])
            self.assertEqual([line["target"] for line in lines][2:], [""] * (len(lines) - 2))
            self.write("new.csv", "a,b\n1,2\n")
            self.run_program("predict", f"runs/{name}/run/seed-0", "--input", "new.csv", "--to", "p.csv")
            self.assertNotIn("target", (self.folder / "p.csv").read_text())

    def test_the_same_data_elsewhere_continue_a_run_and_other_data_do_not(self) -> None:
        config = self.write_flowers()
        self.run_program("train", config, "--seed", "0", "--threads", "1")
        (self.folder / "there").mkdir()
        (self.folder / "data").rename(self.folder / "there/data")
        self.write("there/flowers.yaml", FLOWERS)
        (self.folder / config).unlink()
        self.assertIn("finished before", self.run_program("train", "there/flowers.yaml", "--seed", "0").stdout)
        # A run finds its data when all is moved together, and when the runs alone are.
        run, wrong = "runs/flowers/run/seed-0", "test/error_pct"
        self.assertIn("../../../../data/flowers.csv", (self.folder / run / "resolved.yaml").read_text())
        (self.folder / "there/runs").symlink_to(self.folder / "runs")
        before = self.json_of("eval", run, "--json", "--data", "there/data")[wrong]
        (self.folder / "there/runs").unlink()
        (self.folder / "runs").rename(self.folder / "there/runs")
        self.assertEqual(self.json_of("eval", "there/" + run, "--json")[wrong], before)
        self.run_program("export", "there/" + run, "--to", "net.safetensors", "--keep-samples", "s.safetensors")
        (self.folder / "there/runs").rename(self.folder / "runs")
        (self.folder / "there/data").rename(self.folder / "data")
        (self.folder / "runs").rename(self.folder / "moved")
        self.assertEqual(self.json_of("eval", run.replace("runs", "moved"), "--json")[wrong], before)
        (self.folder / "moved").rename(self.folder / "runs")
        (self.folder / "data").rename(self.folder / "there/data")
        with open(self.folder / "there/data/flowers.csv", "a") as file:
            file.write("60,1,1,rose\n")
        error = self.run_program("train", "there/flowers.yaml", "--seed", "0", status=2).stderr
        self.assertIn("dataset.found.sha256", error)

    def test_errors_of_a_regression_are_in_the_datas_own_units(self) -> None:
        lines = "".join(f"{i / 10},{1000 + 100 * math.sin(i / 10):.3f}\n" for i in range(60))
        self.write("t.csv", "x,y\n" + lines)
        config = re.sub("dataset: .*\n", "dataset:   {name: table, file: t.csv, target: y, test_fraction: 0.25}\n",
                        FLOWERS).replace("epochs: 4", "epochs: 1")
        self.run_program("train", self.write("t.yaml", config), "--seed", "0", "--threads", "1")
        result = self.json_of("eval", "runs/t", "--json")
        self.run_program("predict", "runs/t/run/seed-0", "--to", "p.csv")
        with open(self.folder / "p.csv", newline="") as file:
            rows = [(float(row["target"]), float(row["prediction"])) for row in csv.DictReader(file)]
        self.assertTrue(all(850 < target < 1150 for target, _ in rows))
        self.assertAlmostEqual(sum((t - p) ** 2 for t, p in rows) / len(rows) / result["test/mse"], 1, places=4)

    def test_runs_are_listed_compared_and_cleaned_up(self) -> None:
        self.run_program("train", self.write("rings.yaml", RINGS))
        self.run_program("train", self.write("rings.yaml", RINGS.replace("hidden: 8", "hidden: 9")), "--fresh")
        self.run_program("train", "rings.yaml", "--name", "other", "--set", "depth=3")
        runs = self.json_of("runs", "--json")
        self.assertEqual([(run["run"], run["state"], run["iteration"]) for run in runs],
                         [("runs/other/run/seed-0", "finished", 200), ("runs/rings/run/seed-0", "finished", 200)])
        self.assertEqual(self.json_of("runs", "--state", "running", "--json"), [])
        self.assertIn("2 runs: 2 finished", self.run_program("runs").stdout)
        status = self.folder / "runs/rings/run/seed-0/status.json"
        status.write_text(status.read_text().replace('"finished"', '"running"'))
        self.assertEqual(self.json_of("runs", "runs/rings", "--json")[0]["state"], "dead")
        status.write_text(status.read_text().replace('"running"', '"finished"'))
        keys = self.json_of("runs", "diff", "runs/other", "runs/rings", "--json")["keys"]
        self.assertEqual([(key["key"], key["a"], key["b"]) for key in keys], [("depth", 3, 4)])
        self.assertIn("nothing is removed", self.run_program("runs", "clean").stdout)
        self.assertTrue((self.folder / "runs/.old").exists())
        self.run_program("runs", "clean", "--yes")
        self.assertFalse((self.folder / "runs/.old").exists())
        self.assertEqual(len(self.json_of("runs", "--json")), 2)
        self.assertIn("finished before", self.run_program("train", "rings.yaml").stdout)

    def test_two_configs_of_one_name_do_not_share_a_folder(self) -> None:
        self.run_program("train", self.write("rings.yaml", RINGS))
        (self.folder / "b").mkdir()
        self.write("b/rings.yaml", RINGS)
        self.assertIn("finished before", self.run_program("train", "b/rings.yaml").stdout)  # a copy is the same config
        other = self.write("b/rings.yaml", RINGS + "# another\n")
        error = self.run_program("train", other, status=2).stderr
        self.assertIn("rings.yaml", error)
        self.assertIn("--name", error)
        self.run_program("train", other, "--name", "rings_b")
        self.assertTrue((self.folder / "runs/rings_b/run/seed-0/summary.json").exists())
        self.assertIn("both called 'rings'", self.run_program("train", "rings.yaml", other, status=2).stderr)

    def test_on_another_host_the_same_text_is_the_same_config(self) -> None:
        self.run_program("train", self.write("rings.yaml", RINGS))
        note = self.folder / "runs/rings/origin.json"
        there = json.loads(note.read_text()) | {"host": "elsewhere", "config": "/somewhere/else/rings.yaml"}
        note.write_text(json.dumps(there))
        self.assertIn("finished before", self.run_program("train", "rings.yaml").stdout)
        note.write_text(json.dumps(there | {"sha256": "0" * 64}))
        error = self.run_program("train", "rings.yaml", status=2).stderr
        self.assertIn("/somewhere/else/rings.yaml on elsewhere", error)

    def test_an_extended_run_ends_as_one_that_was_as_long_from_the_beginning(self) -> None:
        longer = CONSTANT.replace("epochs: 4", "epochs: 6")
        self.run_program("train", self.write("c.yaml", longer), "--out", "whole", "--threads", "1")
        self.run_program("train", self.write("c.yaml", CONSTANT), "--threads", "1")
        self.write("c.yaml", longer)
        self.assertIn("--extend", self.run_program("train", "c.yaml", status=2).stderr)
        self.run_program("train", "c.yaml", "--extend", "--threads", "1")
        weights = [(self.folder / out / "c/run/seed-0/checkpoints/last.safetensors").read_bytes()
                   for out in ("runs", "whole")]
        self.assertEqual(*weights)
        self.assertIn("extended: train.length.epochs", (self.folder / "runs/c/run/seed-0/log.txt").read_text())
        # By an override too, which makes no other folder then.
        longest = ("--set", "train.length.epochs=7")
        said = self.run_program("train", "c.yaml", "--extend", "--threads", "1", *longest).stdout
        self.assertIn("continues after iteration 300", said)
        self.assertEqual([path.name for path in (self.folder / "runs").iterdir()], ["c"])
        for changed, why in [(RINGS.replace("epochs: 4", "epochs: 9"), "schedule"),
                             (longer.replace("hidden: 8", "hidden: 9"), "module.hidden"),
                             (CONSTANT, "not longer")]:
            self.write("c.yaml", changed)
            self.assertIn(why, self.run_program("train", "c.yaml", "--extend", status=2).stderr)
        shutil.rmtree(self.folder / "runs/c/run/seed-0/checkpoints")
        self.write("c.yaml", CONSTANT.replace("epochs: 4", "epochs: 9"))
        self.assertIn("its checkpoints are gone", self.run_program("train", "c.yaml", "--extend", status=2).stderr)

    def test_what_a_refused_row_holds_is_not_printed_as_its_result(self) -> None:
        self.assertIn("error_pct", self.run_program("train", self.write("c.yaml", CONSTANT), "--threads", "1").stdout)
        self.write("c.yaml", CONSTANT.replace("width:     2", "width:     3"))
        refused = self.run_program("train", "c.yaml", status=2)
        self.assertIn("holds another experiment", refused.stderr)
        self.assertNotIn("error_pct", refused.stdout)

    def test_means_of_eval_are_those_of_a_row(self) -> None:
        rows = ("table: T\ndefaults:\n  seeds: [0, 1]\n" + textwrap.indent(CONSTANT.strip(), "  ") +
                "\nrows:\n  - {id: a, width: 2}\n  - {id: b, width: 3}\n")
        self.run_program("train", self.write("t.yaml", rows), "--threads", "1", "--quiet")
        said = self.run_program("eval", "runs/t", "runs/t/a").stdout
        for row in ("a", "b"):
            self.assertRegex(said, rf"runs/t/{row}  test/error_pct: .*\(n = 2\)")
        self.assertIn("the samples of all 4 runs together", self.run_program("eval", "runs/t", "--confusion").stdout)

    def test_configs_to_begin_with_are_sound_and_nothing_is_overwritten(self) -> None:
        self.write_flowers()
        self.run_program("init", "rings")
        self.run_program("init", "cifar10")
        self.run_program("init", "table", "data/flowers.csv", "--to", "mine.yaml")
        for name in ["rings.yaml", "cifar10.yaml", "mine.yaml"]:
            self.run_program("show", name)
        self.assertIn('drop: ["id"]', (self.folder / "mine.yaml").read_text())
        (self.folder / "pictures/train/a").mkdir(parents=True)
        self.run_program("init", "images", "pictures")
        self.assertIn(str(self.folder / "pictures"), (self.folder / "images.yaml").read_text())
        for kind in ("table", "images"):
            self.run_program("init", kind, "nowhere", "--to", "none.yaml", status=3)
        self.assertFalse((self.folder / "none.yaml").exists())
        self.run_program("check", "mine.yaml")
        self.assertIn("is there already", self.run_program("init", "rings", status=2).stderr)

    def test_a_config_to_begin_with_finds_its_table_from_another_folder_whatever_its_columns_are_called(self) -> None:
        self.write("s.csv", "a;b\n1.5;0\n2.5;1\n")
        self.assertIn("separator: semicolon", self.run_program("check", "s.csv").stdout)
        lines = ['size;"the ""kind"""'] + [f"{i / 7:.3f};{'no' if i % 2 else 'yes'}" for i in range(40)]
        self.write("odd.csv", "\n".join(lines) + "\n")
        (self.folder / "sub").mkdir()
        self.run_program("init", "table", "odd.csv", "--to", "sub/t.yaml")
        self.run_program("check", "sub/t.yaml")
        self.assertIn('target: "the \\"kind\\""', (self.folder / "sub/t.yaml").read_text())

    def test_predictions_never_replace_what_they_are_made_from(self) -> None:
        self.run_program("train", self.write_flowers(), "--quiet", "--seed", "0", "--threads", "1")
        flowers = (self.folder / "data/flowers.csv").read_bytes()
        (self.folder / "more.csv").write_bytes(flowers)
        for words in (["--to", "data/flowers.csv"], ["--to", "more.csv", "--input", "more.csv"]):
            refused = self.run_program("predict", "runs/flowers/run/seed-0", *words, status=2)
            self.assertIn("is the file that the samples are read from", refused.stderr)
        self.assertEqual((self.folder / "data/flowers.csv").read_bytes(), flowers)
        self.assertEqual((self.folder / "more.csv").read_bytes(), flowers)
        self.assertIn("unknown executor 'hole'", self.run_program("train", "flowers.yaml", "--executor", "hole",
                                                                  "--out", "other", status=2).stderr)
        self.assertFalse((self.folder / "other").exists())

    def test_names_of_files_need_not_be_utf8(self) -> None:
        study, rings = os.fsdecode(b"study\xff.yaml"), os.fsdecode(b"rings\xff.yaml")
        self.write(study, "study: converge\nrows: [{id: a, algorithm: apg2}]\ndefaults: {depths: [16, 32]}\n")
        self.write(rings, RINGS.replace("epochs: 4", "epochs: 1"))
        for words in (["converge", study], ["train", rings, "--quiet"], ["show", rings, "--json"],
                      ["check", rings, "--json"], ["info", rings, "--json"], ["runs", "runs", "--json"],
                      ["eval", "runs", "--json"]):
            done = subprocess.run([PROGRAM, *words], cwd=self.folder, capture_output=True, timeout=300)
            self.assertEqual(done.returncode, 0, f"{words} {done.stderr}")
        for summary in self.folder.rglob("summary.json"):
            json.loads(summary.read_text(encoding="utf-8"))

    def test_runs_that_may_only_be_read_are_evaluated_and_a_damaged_one_does_not_stop_the_others(self) -> None:
        config = self.write_flowers()
        self.run_program("train", config, "--quiet", "--threads", "1")
        runs = sorted((self.folder / "runs/flowers/run").glob("seed-*"))
        (runs[0] / "pictures.safetensors").unlink(missing_ok=True)
        (runs[0] / "pictures.safetensors").mkdir()  # it cannot be written
        self.assertEqual(self.json_of("eval", str(runs[0]), "--json")["samples"], 15)
        self.write("study.yaml", "study: converge\nrows: [{id: a, algorithm: apg2}]\ndefaults: {depths: [64, 128]}\n")
        self.run_program("converge", "study.yaml")  # whose folder is no run
        (runs[0] / "checkpoints/last.safetensors").write_bytes(b"damaged")
        both = self.run_program("eval", "runs", status=3)
        self.assertIn("flowers/run/seed-0: error: ", both.stderr)
        self.assertNotIn("study", both.stderr + both.stdout)
        self.assertIn("flowers/run/seed-1", both.stdout)
        self.assertIn("weights of a run lie there", self.run_program(
            "eval", str(runs[1]), "--sample", str(runs[1] / "checkpoints/last.safetensors"), status=2).stderr)

    def test_a_summary_that_somebody_edited_is_no_bug(self) -> None:
        config = self.write_flowers()
        self.run_program("train", config, "--quiet", "--threads", "1")
        summary = self.folder / "runs/flowers/run/seed-0/summary.json"
        whole = json.loads(summary.read_text())
        for key, value in (("parameters", "many"), ("status", 3), ("seconds", None), ("last", [])):
            summary.write_text(json.dumps(whole | {key: value}))
            self.run_program("runs")
            self.run_program("train", config, "--threads", "1")

    def test_a_search_that_could_choose_nothing_is_refused_before_it_begins(self) -> None:
        self.write_flowers()
        flowers = FLOWERS.replace("batch_size: 16", "batch_size: 16, validation: {fraction: 0.2}")
        rate = "{optimizer.learning_rate: [0.1, 0.2]}"
        for search, what in (
                (f"{{trials: 2, select: valid/mse, space: {rate}}}", "learns classes, which have no valid/mse"),
                (f"{{trials: 2, budget: {{length: {{iterations: 0}}}}, space: {rate}}}", "iterations"),
                ("{trials: 2, space: {width: {uniform: [1, 3]}}}", "is no value of width")):
            self.write("c.yaml", flowers + f"search:    {search}\n")
            with self.subTest(search):
                self.assertIn(what, self.run_program("check", "c.yaml", status=2).stderr)

    def test_a_rule_that_ends_beyond_its_depth_is_trained(self) -> None:
        text = RINGS.replace("{name: apg2, coefficients: {gamma: {value: 1.5, learn: per_step, range: [0, 3]}}}",
                             '{name: ends, equations: "x[k+1] = x[k] + 1/(5-k)*T(x[k])"}')
        self.run_program("train", self.write("c.yaml", text), "--quiet", "--threads", "1")
        summary = json.loads((self.folder / "runs/c/run/seed-0/summary.json").read_text())
        self.assertIn("not judged: beyond depth 4", summary["certificate"][0]["reason"])
        deeper = self.run_program("check", self.write("d.yaml", text.replace("depth:     4", "depth:     9")), status=2)
        self.assertIn("division by zero at k = 5", deeper.stderr)

    def test_a_rule_by_its_text_is_certified_and_what_is_required_decides_the_exit_code(self) -> None:
        rule = "x[k+1] = x[k] + beta*(x[k] - x[k-1]) + T(x[k])"
        self.assertTrue(self.json_of("certify", rule, "--set", "beta=0.5", "--require", "convergent",
                                     "--json")["convergent"])
        wrong = self.run_program("certify", rule, "--set", "beta=1", "--require", "convergent", status=5)
        self.assertIn("is not convergent: not zero-stable", wrong.stderr)
        config = self.write("rings.yaml", RINGS)
        self.run_program("certify", config, "--require", "universal")
        shared = self.write("shared.yaml", RINGS.replace("hidden: 8", "hidden: 8, sharing: shared"))
        self.run_program("certify", shared, "--require", "universal", status=5)

    def test_coefficients_are_lists_periods_and_formulas_in_k(self) -> None:
        def values(coefficient: str, step: int) -> float:
            return self.json_of("certify", "x[k+1] = x[k] + b*(x[k] - x[k-1]) + T(x[k])", "--set", f"b={coefficient}",
                                "--step", str(step), "--json")["A"][0][0] - 1

        self.assertEqual([round(values("[0.1, 0.3]", k), 6) for k in range(4)], [0.1, 0.3, 0.3, 0.3])
        self.assertEqual([round(values("{values: [0.1, 0.3], repeat: true}", k), 6) for k in range(4)],
                         [0.1, 0.3, 0.1, 0.3])
        self.assertEqual([round(values("{formula: k/(k+3)}", k), 6) for k in (0, 1, 3)], [0, 0.25, 0.5])
        for wrong, why in [("{formula: 1/k}", "is not defined at k = 0"), ("{formula: x}", "numbers, k and"),
                           ("[]", "must not be empty"), ("{values: [1], value: 1}", "wants one of")]:
            result = self.run_program("certify", "x[k+1] = x[k] + b*T(x[k])", "--set", f"b={wrong}", status=2)
            self.assertIn(why, result.stderr)

    def test_layers_of_ones_own_are_a_module_whose_core_is_looked_for(self) -> None:
        def two_layer(layers: str) -> bool:
            config = RINGS.replace("{name: dense_two_layer, hidden: 8}", f"{{name: layers, layers: [{layers}]}}")
            return self.json_of("certify", self.write("c.yaml", config), "--json")[0]["modules_two_layer"]

        self.assertTrue(two_layer("{linear: {width: 8}}, tanh, linear"))
        self.assertTrue(two_layer("{linear: {times: 4}}, tanh, {linear: {width: 8}}, tanh, linear"))
        self.assertFalse(two_layer("linear"))
        self.assertFalse(two_layer("{linear: {width: 8}}, linear"))
        self.assertFalse(two_layer("{linear: {width: 8}}, tanh, linear, tanh"))
        self.run_program("train", "c.yaml", "--set", "module.layers=[{linear: {width: 8}}, tanh, linear]", "--set",
                         "train.length={iterations: 20}")
        for layers, why in [("linaer", "did you mean 'linear'"), ("conv, linear", "conv is for images"),
                            ("tanh", "at least one layer with weights"), ("linear, {linear: {width: 8}}", "the state"),
                            ("{conv: {kernel_px: 2}}", "kernel_px must be odd")]:
            config = RINGS.replace("{name: dense_two_layer, hidden: 8}", f"{{name: layers, layers: [{layers}]}}")
            self.assertIn(why, self.run_program("check", self.write("wrong.yaml", config), status=2).stderr)

    def test_parts_of_a_network_are_frozen_or_have_rates_of_their_own(self) -> None:
        groups = "groups: [{match: head.*, learning_rate: 0.02}, {match: stage_0.T.*, frozen: true}]"
        config = RINGS.replace("learning_rate: 0.01", f"learning_rate: 0.01, {groups}")
        short = self.write("rings.yaml", RINGS.replace("epochs: 4", "iterations: 1"))
        self.run_program("train", short, "--name", "free")
        self.run_program("train", self.write("rings.yaml", config.replace("epochs: 4", "iterations: 1")))

        def tensor(run: str, name: str) -> tuple:
            data = (self.folder / f"runs/{run}/run/seed-0/checkpoints/last.safetensors").read_bytes()
            length = struct.unpack("<Q", data[:8])[0]
            begin, end = json.loads(data[8:8 + length])[name]["data_offsets"]
            return struct.unpack(f"<{(end - begin) // 4}f", data[8 + length + begin:8 + length + end])

        self.run_program("train", self.write("still.yaml", config.replace("epochs: 4", "iterations: 2")))
        frozen = "stage_0.T.0.layer1.weight"
        self.assertEqual(tensor("rings", frozen), tensor("still", frozen))
        self.assertNotEqual(tensor("rings", frozen), tensor("free", frozen))
        # One step of Adam moves every number by its rate.
        free, faster = tensor("free", "head.linear.bias"), tensor("rings", "head.linear.bias")
        self.assertTrue(all(abs(abs(a - b) - 0.01) < 1e-4 for a, b in zip(free, faster)))
        wrong = self.run_program("check", self.write("w.yaml", config.replace("head.*", "haed.*")), status=2)
        self.assertIn("no parameter's name fits 'haed.*'", wrong.stdout + wrong.stderr)

    def test_what_is_misspelt_is_told_what_was_meant(self) -> None:
        config = self.write("rings.yaml", RINGS)
        for arguments, meant in [
            (["trian", config], "did you mean 'train'"),
            (["train", config, "depth=3"], "--set depth=3 overrides"),
            (["check", config, "--set", "lr=0.1"], "did you mean 'optimizer.learning_rate'"),
            (["check", config, "--set", "optimizer.lr=0.1"], "did you mean 'learning_rate'"),
            (["check", config, "--set", "epochs=3"], "did you mean 'train.length.epochs'"),
            (["check", config, "--set", "dataset={name: CIFAR10}"], "did you mean 'cifar10'"),
            (["check", config, "--set", "dataset={name: table, path: x.csv}"], "did you mean 'file'"),
            (["list", "keys", "optimiser"], "did you mean 'optimizer'"),
        ]:
            with self.subTest(arguments):
                self.assertIn(meant, self.run_program(*arguments, status=2).stderr)
        self.run_program("train", config, "--seed", "0,1", "--dry-run")
        page = self.run_program("list", "keys", "optimizer.adam").stdout
        self.assertIn("betas", page)
        self.assertNotIn("nesterov", page)

    def test_shells_complete_commands_options_and_rules(self) -> None:
        for shell in ["bash", "zsh", "fish"]:
            script = self.run_program("completion", shell).stdout
            self.assertIn("certify", script)
            self.assertIn("heavy_ball", script)

    def test_weights_go_to_files_of_one_ending_and_names_of_timm_only_where_they_are_its(self) -> None:
        self.run_program("train", self.write("rings.yaml", RINGS.replace("epochs: 4", "iterations: 4")))
        run = "runs/rings/run/seed-0"
        self.assertIn("equations", (self.folder / run / "resolved.yaml").read_text())
        self.run_program("export", run, "--to", "w.safetensors")
        header = (self.folder / "w.safetensors").read_bytes()
        length = struct.unpack("<Q", header[:8])[0]
        coefficients = json.loads(json.loads(header[8:8 + length])["__metadata__"]["coefficients"])
        self.assertTrue(1.4 < coefficients["0"]["gamma"]["0"] < 1.6)
        self.assertIn("net.safetensors", self.run_program("export", run, "--to", "w.bin", status=2).stderr)
        refused = self.run_program("export", run, "--to", "t.safetensors", "--names", "timm", status=2).stderr
        self.assertIn("'dense_two_layer' is none of timm's", refused)


    def test_committed_results_of_a_searched_sweep_come_out_again(self) -> None:
        try:
            import matplotlib  # noqa: F401
        except ImportError:
            self.skipTest("no matplotlib")
        self.write("swept.yaml", """table: swept
defaults:
  dataset:   {name: nested_rings, points_per_ring: 8, iterations_per_epoch: 5, validation: {samples: 32}}
  module:    {name: dense_two_layer, hidden: 4}
  depth:     2
  width:     2
  optimizer: {name: adam, learning_rate: 0.01}
  train:     {length: {iterations: 10}}
  search:
    trials: 3
    space:
      optimizer.learning_rate: {log: [0.001, 0.1]}
      algorithm.coefficients.beta: {uniform: [0, 0.9]}
      algorithm.coefficients.gamma: {uniform: [0.5, 2]}
rows:
  - {id: swept, grid: {algorithm: [nesterov, apg2]}}
""")
        self.run_program("train", "swept.yaml", "--threads", "1", "--out", "runs")

        def script(*arguments: str) -> subprocess.CompletedProcess:
            return subprocess.run([sys.executable, str(SOURCE / "scripts" / arguments[0]), *arguments[1:]],
                                  cwd=self.folder, capture_output=True, text=True, timeout=300,
                                  env=os.environ | {"MPLBACKEND": "agg"}, check=False)
        self.assertEqual(script("report.py", "runs/swept", "--out", "report").returncode, 0)
        checked = script("check_results.py", PROGRAM, "swept.yaml", "report/results.json", "--runs", "2")
        self.assertEqual(checked.returncode, 0, checked.stdout + checked.stderr)
        self.assertIn("2 of 2 sampled runs still come out", checked.stdout)
        self.assertEqual(checked.stdout.count(": equal; "), 2, checked.stdout)


if __name__ == "__main__":
    unittest.main()
