# What the program says: help, lists, certificates and mistakes, word for word, with their exit codes.

import json
import re
import unittest

from program import RINGS, SOURCE, Commands

COMMANDS = ["train", "eval", "check", "show", "list", "certify", "converge", "info", "bench", "fetch", "export",
            "report", "demo",
            "predict", "runs", "init", "completion"]


STUDY = """\
study: converge
table: Some rules
defaults:
  depths: [16, 32, 64]
rows:
  - {id: rk4, algorithm: {name: runge_kutta4}}
  - {id: pgd, algorithm: {name: pgd}, vector_fields: {S: two_layer}}
  - {id: dense, algorithm: {name: dense}}
  - {id: undamped, algorithm: {name: heavy_ball, coefficients: {beta: 1}}}
  - {id: leapfrog, algorithm: {name: leapfrog, equations: "p[k+1] = p[k] + T(x[k])\\nx[k+1] = x[k] + S(p[k+1])"}}
"""


def unspaced(help_text: str) -> str:
    """Help without what versions of CLI11 lay out differently: spaces, line breaks and capitals."""
    return re.sub(r"\s+", " ", help_text).strip().lower() + "\n"


class Messages(Commands):
    def test_the_help_of_every_command(self) -> None:
        self.compare_golden("help.txt", unspaced(self.run_program("--help").stdout))
        for command in COMMANDS:
            self.compare_golden(f"help_{command}.txt", unspaced(self.run_program(command, "--help").stdout))

    def test_lists_and_keys(self) -> None:
        for kind in ["algorithms", "modules", "models", "datasets", "optimizers", "schedules", "losses",
                     "solvers", "gradients", "vector_fields", "keys", "study_keys"]:
            self.compare_golden(f"list_{kind}.txt", self.run_program("list", kind).stdout)
        schema = json.loads(self.run_program("list", "keys", "--json").stdout)
        self.assertIn("dataset", schema["properties"])

    def test_every_rule_of_the_list_is_convergent_or_told_why_not(self) -> None:
        for rule in json.loads(self.run_program("list", "algorithms", "--json").stdout):
            certificate = json.loads(self.run_program("certify", rule["name"], "--json").stdout)
            self.assertIsInstance(certificate["convergent"], bool)
            self.assertEqual(certificate["certified"], certificate["convergent"])
            self.assertIsNone(certificate["universal"])  # a rule by itself has no modules
            self.assertTrue(certificate["reason"])
            self.assertEqual(certificate["source"], rule["source"])
            self.run_program("certify", rule["name"], "--latex")

    def test_a_coefficient_set_on_the_command_line_changes_the_verdict(self) -> None:
        self.assertTrue(json.loads(self.run_program("certify", "heavy_ball", "--json").stdout)["convergent"])
        broken = json.loads(self.run_program("certify", "heavy_ball", "--set", "beta=1", "--json").stdout)
        self.assertFalse(broken["convergent"])

    def test_a_file_that_holds_only_an_algorithm_is_a_rule(self) -> None:
        rule = "algorithm:\n  name: mine\n  equations: |\n    x[k+1] = x[k] + T(x[k])\n"
        certificate = json.loads(self.run_program("certify", self.write("rule.yaml", rule), "--json").stdout)
        self.assertTrue(certificate["convergent"])
        self.assertEqual(certificate["rule"], "mine")

    def test_mistakes_of_a_config_are_all_named_with_their_places(self) -> None:
        wrong = RINGS.replace("learning_rate", "learning_rat").replace("apg2", "apg3")
        wrong = wrong.replace("depth:     4", "depth: 0")
        result = self.run_program("train", self.write("wrong.yaml", wrong), status=2)
        self.compare_golden("wrong_config.txt", result.stderr)
        self.assertFalse((self.folder / "runs").exists())

    def test_a_mistake_in_an_equation_has_its_caret_inside_the_equation(self) -> None:
        rule = "algorithm:\n  name: mine\n  equations: |\n    x[k+1] = x[k] + T(x[k])*x[k]\n"
        result = self.run_program("certify", self.write("rule.yaml", rule), status=2)
        self.compare_golden("wrong_rule.txt", result.stderr)

    def test_a_study_prints_orders_and_writes_what_reports_read(self) -> None:
        config = self.write("study.yaml", STUDY)
        self.compare_golden("converge.txt", self.run_program("converge", config).stdout)
        rows = json.loads(self.run_program("converge", config, "--json").stdout)
        self.assertEqual([row["convergent"] or row["coupled"] for row in rows], [row["converges"] for row in rows])
        self.assertEqual(rows[-1]["flows"], ["p' = T(x)", "x' = S(p)"])
        summary = json.loads((self.folder / "runs/study/rk4/study/summary.json").read_text())
        self.assertEqual(summary["convergence"]["errors"].keys(), {"16", "32", "64"})
        planned = self.run_program("converge", config, "--dry-run", "--row", "rk4").stdout
        self.assertEqual(planned, "study/rk4/study\n")

    def test_mistakes_of_a_study(self) -> None:
        wrong = STUDY.replace("S: two_layer", "U: two_layer").replace("[16, 32, 64]", "[16, 32, 1024]")
        result = self.run_program("converge", self.write("wrong.yaml", wrong), status=2)
        self.compare_golden("wrong_study.txt", result.stderr)
        study, rings = self.write("study.yaml", STUDY), self.write("rings.yaml", RINGS)
        for name, arguments in [("trained", ["train", study]), ("no_study", ["converge", rings]),
                                ("depths", ["converge", study, "--set", "depths=[8, 4]"])]:
            with self.subTest(name):
                self.compare_golden(f"study_{name}.txt", self.run_program(*arguments, status=2).stderr)
        self.assertFalse((self.folder / "runs").exists())

    def test_an_order_not_yet_reached_is_a_difference_and_says_what_to_do(self) -> None:
        study = STUDY.replace("runge_kutta4", "heavy_ball, coefficients: {beta: 0.9}")
        result = self.run_program("converge", self.write("study.yaml", study), status=5)
        self.compare_golden("study_differs.txt", result.stderr)

    def test_parts_that_do_not_fit_are_named(self) -> None:
        config = self.write("module.yaml", RINGS.replace("dense_two_layer, hidden: 8", "conv_preact"))
        self.compare_golden("unfit_module.txt", self.run_program("check", config, status=2).stderr)
        images = re.sub("dataset: .*", "dataset: {name: generated_images, size_px: 8}", RINGS)
        images = re.sub("algorithm: .*", "algorithm: pgd", re.sub("module: .*", "module: conv_preact", images))
        result = self.run_program("check", self.write("implicit.yaml", images), status=2)
        self.compare_golden("unfit_implicit.txt", result.stderr)

    def test_a_solve_that_need_not_be_a_contraction_is_warned_about(self) -> None:
        implicit = re.sub("algorithm: .*", "algorithm: pgd", RINGS)
        result = self.run_program("check", self.write("unbounded.yaml", implicit))
        self.compare_golden("warned_implicit.txt", result.stderr)
        bounded = implicit.replace("hidden: 8", "hidden: 8, lipschitz: 0.9")
        self.assertEqual(self.run_program("check", self.write("bounded.yaml", bounded)).stderr, "")
        factors = []
        for name in ("unbounded", "bounded"):
            certificate = json.loads(self.run_program("certify", f"{name}.yaml", "--json").stdout)[0]
            self.assertAlmostEqual(certificate["lipschitz_bound"], 1.0)
            self.assertGreater(certificate["solve_spectral_radius"], 0)
            factors.append(certificate["contraction_factor"])
        self.assertEqual(factors, [None, 0.9])
        self.assertIn("allow a factor of 0.9; measured at the initial weights: spectral radius 0.",
                      self.run_program("certify", "bounded.yaml").stdout)

    def test_rules_that_cannot_be_run_are_refused_before_anything_is(self) -> None:
        for name, equations, more in [
            ("nameless", None, 'name: ""'),
            ("zero_start", "x[k+1] = x[k] + T(x[k])", "name: zero\n  start: {x: 0}"),
            ("too_deep", "x[k+1] = x[0] + sum(j, 0, k, T[k,j](x[j]))", "name: deep"),
        ]:
            with self.subTest(name):
                text = f"  equations: {equations}\n" if equations else ""
                rule = f"algorithm:\n  {more}\n{text}"
                config = re.sub("algorithm: .*\n", rule, RINGS).replace("depth:     4", "depth:     1000")
                result = self.run_program("train", self.write(f"{name}.yaml", config), status=2)
                self.compare_golden(f"refused_{name}.txt", result.stderr)
                self.assertFalse((self.folder / "runs").exists())

    def test_certify_and_check_agree_on_a_learned_sequence(self) -> None:
        config = re.sub("algorithm: .*", "algorithm: {name: nesterov_dense}", RINGS)
        self.write("c.yaml", config)
        verdicts = [[json.loads(self.run_program(command, "c.yaml", "--json").stdout)[0][key]
                     for key in ["convergent", "universal"]] for command in ["certify", "check"]]
        self.assertEqual(*verdicts)

    def test_a_config_is_judged_as_a_whole(self) -> None:
        config = self.write("c.yaml", RINGS)
        self.compare_golden("certify_config.txt", self.run_program("certify", config).stdout)
        for text, verdict in [(RINGS, True), (RINGS.replace("hidden: 8", "hidden: 8, sharing: shared"), False)]:
            certificate = json.loads(self.run_program("certify", self.write("u.yaml", text), "--json").stdout)[0]
            self.assertEqual(certificate["universal"], verdict)
            self.assertEqual(certificate["universal_wants"]["fresh_modules"], verdict)

    def test_a_family_may_be_called_like_a_step_of_another(self) -> None:
        rule = "algorithm:\n  name: twins\n  equations: x[k+1] = x[k] + T(x[k]) + T_0(x[k])\n"
        self.run_program("check", self.write("twins.yaml", re.sub("algorithm: .*\n", rule, RINGS)))

    def test_slips_on_the_command_line(self) -> None:
        config = self.write("rings.yaml", RINGS)
        for name, arguments, status in [
            ("no_file", ["train", "ring.yaml"], 2), ("row", ["train", config, "--row", "rum"], 2),
            ("device", ["train", config, "--device", "gpu"], 2), ("kind", ["list", "module"], 2),
            ("rule", ["certify", "agp2"], 2), ("data_set", ["fetch", "cifar1"], 2),
            ("shard", ["train", config, "--shard", "3/2"], 2),
            ("seeds", ["train", config, "--seed", "3", "--seed", "3"], 2),
            ("row_of_a_rule", ["certify", "apg2", "--row", "a"], 2),
            ("set", ["show", config, "--set", "optimizer.learning_rat=1"], 2),
            ("kernels", ["train", config, "--without-kernels", "combine,convolv"], 2),
            ("no_data", ["train", str(SOURCE / "configs/quickstart.yaml"), "--data", "nowhere"], 3),
        ]:
            with self.subTest(name):
                error = self.run_program(*arguments, status=status).stderr.replace(str(SOURCE) + "/", "")
                self.compare_golden(f"slip_{name}.txt", error)
        for arguments in [[], ["trian"], ["train"], ["train", config, "--sed", "1"],
                          ["train", config, "--seed", "-1"]]:
            self.run_program(*arguments, status=2)

    def test_show_tells_where_each_value_comes_from(self) -> None:
        config = self.write("rings.yaml", RINGS)
        self.compare_golden("show.txt", self.run_program("show", config, "--set", "depth=5").stdout)
        search = "search: {trials: 7, space: {optimizer.learning_rate: {log: [0.001, 0.1]}}}\n"
        held_out = RINGS.replace("points_per_ring: 32", "points_per_ring: 32, validation: {samples: 8}")
        searched = self.write("searched.yaml", held_out + search)
        shown = self.run_program("show", searched).stdout
        self.assertIn("trials: 7", shown)
        self.run_program("check", self.write("shown.yaml", shown))  # what is shown is a config

    def test_a_coupled_rule_is_called_that(self) -> None:
        leapfrog = "equations: |\n    p[k+1] = p[k] + T(x[k])\n    x[k+1] = x[k] + S(p[k+1])\n"
        config = self.write("leapfrog.yaml", f"""dataset: {{name: nested_rings, points_per_ring: 8}}
algorithm:
  name: leapfrog
  {leapfrog}modules: {{T: {{name: dense_two_layer, hidden: 4}}, S: {{name: dense_two_layer, hidden: 4}}}}
depth: 4
width: 2
train: {{length: {{iterations: 2}}}}
""")
        [row] = json.loads(self.run_program("check", config, "--json").stdout)
        self.assertEqual([row["convergent"], row["coupled"]], [False, True])
        self.assertIn(" coupled ", self.run_program("check", config).stdout)

    def test_the_published_resnet_has_its_multiply_adds(self) -> None:
        config = "dataset: cifar10\nmodel: {name: resnet, layers: 20}\ntrain: {length: {epochs: 1}}\n"
        info = json.loads(self.run_program("info", self.write("resnet.yaml", config), "--json").stdout)
        self.assertEqual([info[0]["parameters"], info[0]["multiply_adds"]], [269722, 40551040])


if __name__ == "__main__":
    unittest.main()
