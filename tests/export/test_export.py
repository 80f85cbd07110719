# Networks that leave the program: for every rule, module and baseline of the catalogues net.py computes what the
# program does. OPTDNN_EXPORT_TABLE=FILE keeps the table of differences (configs/results/export).
import contextlib
import importlib.util
import io
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

SOURCE = pathlib.Path(os.environ.get("OPTDNN_SOURCE_DIR", pathlib.Path(__file__).parents[2]))
PROGRAM = os.environ.get("OPTDNN_PROGRAM", str(SOURCE / "build/release/optdnn"))
sys.path.insert(0, str(SOURCE / "scripts"))

try:
    import numpy
    import torch
    from export import compare, description, onnx, write
    torch.set_num_threads(1)
except ModuleNotFoundError as missing:
    raise unittest.SkipTest(f"Python package {missing.name} is missing") from None

TABLES = (SOURCE / "configs/smoke.yaml", SOURCE / "tests/export/every.yaml")
SHORT = ("--threads", "1", "--set", "train.length={iterations: 2}")


def program(*words: str, status: int = 0) -> str:
    run = subprocess.run([PROGRAM, *words], capture_output=True, text=True, timeout=1200)
    if run.returncode != status:
        raise AssertionError(f"{words}: exit {run.returncode}\n{run.stdout}\n{run.stderr}")
    return run.stdout + run.stderr


def listed(kind: str) -> set[str]:
    """The names of a catalogue, without its title."""
    return {line.split()[0] for line in program("list", kind).splitlines()[1:] if line.strip() and line[0] != " "}


class Exports(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        cls.runs = {}
        for table in TABLES:
            small = cls.folder / table.name
            small.write_text(table.read_text().replace("train_images: 256, test_images: 128, batch_size: 32",
                                                       "train_images: 32, test_images: 16, batch_size: 16"))
            program("train", str(small), "--out", str(cls.folder / "runs"), "--quiet", *SHORT)
            cls.runs |= {run.parent.name: run for run in sorted((cls.folder / "runs" / table.stem).glob("*/seed-0"))}
        cls.described, cls.differences, cls.by_onnx = {}, {}, {}
        for row, run in cls.runs.items():
            weights, samples = cls.folder / f"{row}.safetensors", cls.folder / f"{row}.samples"
            program("export", str(run), "--to", str(weights), "--samples", "16", "--keep-samples", str(samples))
            tensors, described = description.read(weights)
            text = write.net_py(row, described, {name: list(tensor.shape) for name, tensor in tensors.items()})
            weights.with_suffix(".py").write_text(text)
            cls.described[row] = described
            cls.differences[row] = compare.difference(weights.with_suffix(".py"), samples)

    def test_the_module_computes_what_the_program_does(self) -> None:
        for row, (samples, largest, scale) in self.differences.items():
            with self.subTest(row):
                self.assertGreater(samples, 0)
                self.assertLessEqual(largest, compare.allowed(self.described[row]) * max(1.0, scale))

    def test_comments_in_equations_are_no_code(self) -> None:
        config = self.folder / "comment.yaml"
        config.write_text('''
dataset:   {name: nested_rings, points_per_ring: 16, iterations_per_epoch: 2}
algorithm:
  name: q"""\\N5
  equations: |
    x[k+1] = x[k] + T(x[k])  # """; open("stolen", "w"); """ -\\xi \\nabla f"
module:    {name: dense_two_layer, hidden: 4}
depth:     2
width:     2
''')
        program("train", str(config), "--out", str(self.folder / "comments"), "--quiet", *SHORT)
        run, net = self.folder / "comments/comment/run/seed-0", self.folder / "comment.py"
        program("export", str(run), "--to", str(net))
        self.assertFalse((pathlib.Path.cwd() / "stolen").exists())
        self.assertIn("nabla f", net.read_text())

    def test_names_that_python_takes_are_refused(self) -> None:
        config = self.folder / "none.yaml"
        config.write_text("""
dataset:   {name: nested_rings, points_per_ring: 16, iterations_per_epoch: 2}
algorithm: {name: of_none, equations: "x[k+1] = x[k] + None(x[k])"}
modules:   {None: {name: dense_two_layer, hidden: 4}}
depth:     2
width:     2
""")
        program("train", str(config), "--out", str(self.folder / "none"), "--quiet", *SHORT)
        run = str(self.folder / "none/none/run/seed-0")
        self.assertIn("a word of Python's", program("export", run, "--to", str(self.folder / "n.py"), status=2))
        self.assertIn("another name", program("export", run, "--to", str(self.folder / "torch.py"), status=2))
        weights = str(self.folder / "w.safetensors")
        self.assertIn("the weights are written there",
                      program("export", run, "--to", weights, "--keep-samples", weights, status=2))

    def test_own_data_goes_in_and_comes_out_in_its_own_units(self) -> None:
        rows = [(1e9 + 1e3 * i, (7 * i) % 40 - 20.0) for i in range(40)]
        for task, answers in (("regression", [f"{3e6 + 1e4 * b:.1f}" for _, b in rows]),
                              ("classification", ["up" if b > 0 else "down" for _, b in rows])):
            with self.subTest(task):
                folder = self.folder / task
                folder.mkdir()
                (folder / "t.csv").write_text("a,b,y\n" + "".join(
                    f"{a},{b},{y}\n" for (a, b), y in zip(rows, answers)))
                (folder / "c.yaml").write_text("""
dataset:   {name: table, file: t.csv, target: y, test_fraction: 0.25}
algorithm: gradient_descent
module:    {name: dense_two_layer, hidden: 8}
depth:     2
width:     2
""")
                program("train", str(folder / "c.yaml"), "--out", str(folder / "runs"), "--quiet", *SHORT)
                run, to = str(folder / "runs/c/run/seed-0"), folder / "net.py"
                program("export", run, "--to", str(to))
                program("predict", run, "--input", str(folder / "t.csv"), "--to", str(folder / "p.npz"))
                net = compare.imported(to)
                self.assertEqual(net.COLUMNS, ["a", "b"])
                with torch.no_grad():
                    outputs = net.load()(net.prepare(torch.tensor(rows, dtype=torch.float64)))
                if task == "regression":
                    outputs = net.restore(outputs)
                else:
                    self.assertEqual(net.CLASSES, ["down", "up"])
                with numpy.load(folder / "p.npz") as arrays:
                    numpy.testing.assert_allclose(outputs.numpy(), arrays["outputs"], rtol=1e-5, atol=1e-5)

    @classmethod
    def tearDownClass(cls) -> None:
        if os.environ.get("OPTDNN_EXPORT_TABLE"):
            pathlib.Path(os.environ["OPTDNN_EXPORT_TABLE"]).write_text(cls.table())

    @classmethod
    def table(cls) -> str:
        lines = ["# Exported networks beside the program", "",
                 "Largest difference of an output over the test samples, and the largest output, of the program after "
                 "two iterations of training beside `net.py`, and beside `net.onnx` run by onnxruntime. "
                 "`tests/export/test_export.py` writes this page.", "",
                 "| row | network | samples | net.py | net.onnx | largest output |", "|---|---|--:|--:|--:|--:|"]
        for row, (samples, largest, scale) in cls.differences.items():
            by_onnx = f"{cls.by_onnx[row]:.1e}" if row in cls.by_onnx else ""
            lines.append(f"| {row} | {cls.network(row)} | {samples} | {largest:.1e} | {by_onnx} | {scale:.3g} |")
        return "\n".join(lines) + "\n"

    @classmethod
    def network(cls, row: str) -> str:
        described = cls.described[row]
        config = described["config"]
        if not described.get("rule"):
            return config["model"]["name"]
        modules = [config["module"]] if config.get("module") else list(config["modules"].values())
        return f"{described['rule']['name']} of {', '.join(dict.fromkeys(m['name'] for m in modules))}"

    def test_every_rule_module_and_baseline_is_among_them(self) -> None:
        networks = " ".join(self.network(row) for row in self.runs).replace(",", "").split()
        for kind in ("algorithms", "modules", "models"):
            self.assertEqual(listed(kind) - set(networks), set(), kind)

    def test_the_forward_pass_reads_as_the_equations(self) -> None:
        text = (self.folder / "fista.py").read_text()
        for line in ("y[k] = x[k] + b*(x[k] - x[k-1])", "x[k+1] = y[k] + Ty[k] + Sx[k+1]",
                     "[Sx[k+1]] = solve(2, equations, 1)"):
            self.assertIn(line, text)
        self.assertIn("x[k+1] = x[k] + (23*Tx[k] - 16*Tx[k-1] + 5*Tx[k-2])/12",
                      (self.folder / "adams_bashforth.py").read_text())

    def test_the_module_imports_torch_alone_and_trains(self) -> None:
        for row in self.runs:
            text = (self.folder / f"{row}.py").read_text()
            self.assertEqual([line for line in text.splitlines() if line.lstrip().startswith(("import ", "from "))
                              and not line.startswith("    import " + row)], ["import torch"], row)
        model = compare.imported(self.folder / "apg2.py").load().train()
        model(torch.randn(4, 3, 16, 16)).square().mean().backward()
        for name, parameter in model.named_parameters():
            self.assertTrue(parameter.grad.isfinite().all(), name)

    def test_wrong_weights_are_noticed(self) -> None:
        """The comparison can fail: another coefficient in the equations shows."""
        text = (self.folder / "apg2.py").read_text()
        other = self.folder / "other.py"
        other.write_text(text.replace("theta = 0.5", "theta = 0.6"))
        (self.folder / "other.safetensors").write_bytes((self.folder / "apg2.safetensors").read_bytes())
        _, largest, scale = compare.difference(other, self.folder / "apg2.samples")
        self.assertGreater(largest, 1e-3 * scale)

    def test_the_command_writes_compares_and_refuses(self) -> None:
        run, to = str(self.runs["apg2"]), self.folder / "command"
        to.mkdir()
        said = json.loads(program("export", run, "--to", str(to / "net.py"), "--json"))
        self.assertTrue(said["agrees"])
        self.assertEqual(sorted(path.name for path in to.iterdir()), ["net.py", "net.safetensors"])
        self.assertIn("net.safetensors, net.py or net.onnx",
                      program("export", run, "--to", str(to / "net.pt"), status=2))
        self.assertIn("is none of timm's",
                      program("export", run, "--to", str(to / "t.safetensors"), "--names", "timm", status=2))
        self.assertIn("'fista' is solved by anderson",
                      program("export", str(self.runs["fista"]), "--to", str(to / "net.onnx"), status=2))

    @unittest.skipIf(any(importlib.util.find_spec(name) is None for name in ("onnx", "onnxscript", "onnxruntime")),
                     "onnx, onnxscript or onnxruntime is not installed (scripts/requirements-peers.txt)")
    def test_onnx_of_ten_networks_computes_what_the_program_does(self) -> None:
        for row in ("apg2", "nesterov_dense", "ladmm", "runge_kutta4", "dense_setting", "convnext", "transformer",
                    "dense_two_layer", "resnet", "mondeq_forward"):
            with self.subTest(row):
                to, samples = self.folder / f"{row}.onnx", self.folder / f"{row}.samples"
                onnx.write(self.folder / f"{row}.py", to, self.described[row], samples)
                _, self.by_onnx[row], scale = onnx.difference(to, samples)
                self.assertLessEqual(self.by_onnx[row], 1e-4 * max(1.0, scale))

    def test_every_baseline_shows_its_states_and_the_last_linear_map_reads_them(self) -> None:
        reads = {"mlp": "layer_3", "dense_mlp": "layer_2", "resnet": "head", "resnet_b": "head"}
        rows = [row for row in self.runs if not self.described[row].get("rule")]
        self.assertGreaterEqual({self.network(row) for row in rows}, listed("models"))
        for row in rows:
            with self.subTest(row):
                to = self.folder / f"{row}.npz"
                program("predict", str(self.runs[row]), "--to", str(to), "--features", "head")
                with numpy.load(to) as arrays:
                    features, outputs = arrays["features"], arrays["outputs"]
                self.assertEqual((len(features), features.ndim), (len(outputs), 2))
                self.assertGreater(features.std(axis=0).max(), 0)
                if row in reads:
                    tensors, _ = description.read(self.folder / f"{row}.safetensors")
                    weight, bias = (tensors[f"{reads[row]}.{part}"].numpy() for part in ("weight", "bias"))
                    self.assertLess(abs(features @ weight.T + bias - outputs).max(), 1e-4)

    def test_a_solve_to_a_tolerance_has_no_onnx(self) -> None:
        for row, why in (("pgd", "solved by anderson"), ("mondeq", "by FFT"), ("implicit_vectors", "to a tolerance")):
            self.assertIn(why, onnx.why_not(self.described[row]))

    def test_a_damaged_file_is_refused(self) -> None:
        script = compare.imported(SOURCE / "scripts/export.py")
        good = (self.folder / "mlp.safetensors").read_bytes()
        for name, data in (("empty", b""), ("cut", good[:100]), ("long", b"\xff" * 16),
                           ("noise", good[:8] + b"{" * 900),
                           ("short", good[:-8])):
            with self.subTest(name):
                file = self.folder / f"{name}.safetensors"
                file.write_bytes(data)
                with contextlib.redirect_stderr(io.StringIO()) as said:
                    status = script.main([str(file), "--to", str(file.with_suffix(".py"))])
                self.assertEqual(status, 3, said.getvalue())
                self.assertIn("safetensors file", said.getvalue())


if __name__ == "__main__":
    unittest.main()
