# The layers of the design as a test on the include graph, and what only one package may ask for.
# Each rule is a function from a tree of files to a list of complaints, tried on a broken tree as well.
import json
import re
import unittest

from source_tree import BUILD, ROOT, Rules, cpp_files, includes, package_of, read_tree, without_comments

LAYER = {"base": 1, "algorithms": 2, "config": 2, "kernels": 2, "world": 2, "photos": 3, "solvers": 3, "modules": 3,
         "metrics": 3, "data": 4, "execution": 4, "models": 5, "baselines": 6, "training": 6, "fetch": 6,
         "experiment": 7, "apps": 8}
TORCH = ("torch/", "ATen/", "c10/", "caffe2/")


def included_path(name, tree):
    """The project's file behind an include, or None."""
    return next((path for path in ("lib/" + name, "apps/" + name, "tests/" + name) if path in tree), None)


def upward_includes(tree):
    complaints = []
    for path, text in cpp_files(tree, "lib/", "apps/").items():
        here = package_of(path)
        if here not in LAYER:
            complaints.append(f"{path}: package '{here}' has no layer")
            continue
        for name in includes(text):
            there = package_of("lib/" + name) if name.startswith("optdnn/") else None
            if there and there != here and LAYER.get(there, 9) >= LAYER[here]:
                complaints.append(f"{path} (layer {LAYER[here]}) includes {name} (layer {LAYER.get(there)})")
    return complaints


def meetings_below_models(tree):
    """`algorithms` and `modules` know nothing of each other, even through a third file; `training` knows neither."""
    apart = {"algorithms": {"modules"}, "modules": {"algorithms"}, "training": {"algorithms", "modules"}}
    return [f"{path} reaches {reached}" for path in cpp_files(tree, "lib/") for reached in reachable(path, tree)
            if package_of(reached) in apart.get(package_of(path), ())]


def reachable(path, tree):
    seen, todo = set(), [path]
    while todo:
        for name in includes(tree[todo.pop()]):
            inner = included_path(name, tree)
            if inner and inner not in seen:
                seen.add(inner)
                todo.append(inner)
    return seen


def must_be_torch_free(path):
    package = package_of(path)
    if re.match(r"lib/optdnn/execution/(program|passes)\.", path):
        return True
    return package in ("algorithms", "config", "photos") or (package in ("base", "apps") and path.endswith(".h"))


def torch_includes(tree):
    return [f"{path} includes <{name}>" + (f" through {inner}" if inner != path else "")
            for path in filter(must_be_torch_free, cpp_files(tree, "lib/", "apps/"))
            for inner in sorted({path} | reachable(path, tree))
            for name in includes(tree[inner]) if name.startswith(TORCH)]


# A source of these packages, or the file that includes several of them in a unity build.
TORCH_FREE = r"lib/optdnn/(algorithms|config|photos)/|/optdnn_(algorithms|config|photos)\.dir/"


def torch_in_compile_commands(commands):
    """Packages that need no torch are compiled without its folders, so that they cannot include it by accident."""
    return [f"{command['file']} is compiled with LibTorch's folders" for command in commands
            if re.search(TORCH_FREE, command["file"]) and re.search(r"csrc/api/include", command["command"])]


def may_look_around(path):
    return LAYER.get(package_of(path), 0) >= LAYER["experiment"]


# What only the named files may mention: outside comments.
ONLY = [
    ("CUDA", r"\b(torch|at|c10)::cuda\b|\bcuda_runtime|ATen/cuda|c10/cuda",
     lambda p: p.startswith("lib/optdnn/base/device.") or p.endswith("_cuda.cpp")),
    ("seeding", r"\bmanual_seed\b|\bsrand\b|\brandom_device\b",
     lambda p: p.startswith(("lib/optdnn/base/random.", "lib/optdnn/base/device."))),
    ("the clock", r"\b(steady|system|high_resolution)_clock\b|\b(gettimeofday|clock_gettime)\b|\btime\((0|nullptr)\)",
     may_look_around),
    ("the environment", r"\b(secure_)?getenv\b|\bsetenv\b", may_look_around),
    ("the command line", r"\bargv\b|CLI/", lambda p: package_of(p) == "apps"),
]


def misplaced_mentions(tree):
    return [f"{path}:{code[:match.start()].count(chr(10)) + 1} mentions {what}: {match.group()}"
            for path, text in cpp_files(tree, "lib/", "apps/").items() for code in [without_comments(text)]
            for what, pattern, allowed in ONLY if not allowed(path) for match in re.finditer(pattern, code)]


class Includes(Rules):
    tree = read_tree()

    def test_includes_go_down_only(self):
        self.assert_none(upward_includes(self.tree))

    def test_algorithms_and_modules_meet_in_models(self):
        self.assert_none(meetings_below_models(self.tree))

    def test_algorithms_config_and_the_headers_of_base_and_apps_are_torch_free(self):
        self.assert_none(torch_includes(self.tree))

    @unittest.skipUnless((BUILD / "compile_commands.json").exists(), "no build folder")
    def test_torch_free_packages_are_compiled_without_torch(self):
        commands = json.loads((BUILD / "compile_commands.json").read_text())
        self.assertTrue(any(re.search(TORCH_FREE, command["file"]) for command in commands))
        self.assert_none(torch_in_compile_commands(commands))

    def test_only_base_asks_for_cuda_or_seeds_and_nothing_below_experiment_reads_clock_or_environment(self):
        self.assert_none(misplaced_mentions(self.tree))


class TheRulesCanFail(Rules):
    def test_upward_and_sideways_includes_are_found(self):
        tree = {"lib/optdnn/base/a.h": '#include "optdnn/config/b.h"\n',
                "lib/optdnn/photos/c.h": '#include "optdnn/metrics/d.h"\n',
                "lib/optdnn/extra/e.h": "", "lib/optdnn/models/f.h": '#include "optdnn/base/a.h"\n'}
        self.assertEqual(len(upward_includes(tree)), 3)

    def test_a_meeting_through_a_third_file_is_found(self):
        tree = {"lib/optdnn/modules/a.h": '#include "optdnn/config/b.h"\n',
                "lib/optdnn/config/b.h": '#include "optdnn/algorithms/c.h"\n',
                "lib/optdnn/algorithms/c.h": ""}
        self.assertEqual(meetings_below_models(tree), ["lib/optdnn/modules/a.h reaches lib/optdnn/algorithms/c.h"])

    def test_torch_through_another_header_is_found(self):
        tree = {"lib/optdnn/config/a.cpp": '#include "optdnn/base/b.h"\n',
                "lib/optdnn/base/b.h": "#include <ATen/ATen.h>\n"}
        self.assertEqual(len(torch_includes(tree)), 2)

    def test_torch_folders_in_a_compile_command_are_found(self):
        commands = [{"file": f"{ROOT}/lib/optdnn/config/a.cpp", "command": "g++ -isystem x/torch/csrc/api/include"}]
        self.assertEqual(len(torch_in_compile_commands(commands)), 1)
        unity = {"file": "build/lib/optdnn/CMakeFiles/optdnn_config.dir/Unity/unity_0_cxx.cxx"}
        self.assertEqual(len(torch_in_compile_commands([commands[0] | unity])), 1)

    def test_misplaced_mentions_are_found_and_comments_are_not(self):
        tree = {"lib/optdnn/data/a.cpp": "// torch::cuda\nauto n = torch::cuda::device_count();\n",
                "lib/optdnn/training/b.cpp": "auto t = std::chrono::steady_clock::now();\n",
                "lib/optdnn/experiment/c.cpp": 'std::getenv("HOME"); torch::manual_seed(1);\n',
                "lib/optdnn/base/device.cpp": "torch::cuda::synchronize();\n",
                "apps/optdnn/main.cpp": "int main(int, char** argv) {}\n"}
        self.assertEqual([line.split(" mentions")[0] for line in misplaced_mentions(tree)],
                         ["lib/optdnn/data/a.cpp:2", "lib/optdnn/training/b.cpp:1", "lib/optdnn/experiment/c.cpp:1"])


if __name__ == "__main__":
    unittest.main()
