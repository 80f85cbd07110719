# `cmake --install` into a prefix that is then moved: the program works there with its scripts and configs, and the
# examples of apps/examples are built against it as a user would, the one without LibTorch where there is none.
import os
import pathlib
import re
import shutil
import subprocess
import sys
import unittest

SOURCE = pathlib.Path(os.environ.get("OPTDNN_SOURCE_DIR", pathlib.Path(__file__).parents[2]))
BUILD = pathlib.Path(os.environ.get("OPTDNN_BUILD_DIR", SOURCE / "build/release"))
FOLDER = BUILD / "tests/installed"  # always the same, so that a compiler's cache knows it again
LIBRARIES = [BUILD / f"lib/optdnn/liboptdnn_{name}.a" for name in ("algorithms", "baselines")]


def run(*words, **options) -> subprocess.CompletedProcess:
    return subprocess.run([str(word) for word in words], capture_output=True, text=True, **options)


def cached(name: str) -> str:
    return re.search(rf"^{name}:\w+=(.*)$", (BUILD / "CMakeCache.txt").read_text(), re.MULTILINE)[1]


@unittest.skipUnless(all(library.exists() for library in LIBRARIES), "the libraries are not built")
class Install(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        shutil.rmtree(FOLDER, ignore_errors=True)
        cls.addClassCleanup(shutil.rmtree, FOLDER)
        done = run("cmake", "--install", BUILD, "--prefix", FOLDER / "first")
        assert done.returncode == 0, done.stderr
        cls.prefix = (FOLDER / "first").rename(FOLDER / "moved")

    def configure(self, example: str, build: pathlib.Path, *words: str) -> subprocess.CompletedProcess:
        compilers = [f"-DCMAKE_CXX_COMPILER={cached('CMAKE_CXX_COMPILER')}"]
        if not cached("OPTDNN_CCACHE").endswith("NOTFOUND"):
            compilers.append(f"-DCMAKE_CXX_COMPILER_LAUNCHER={cached('OPTDNN_CCACHE')}")
        return run("cmake", "-S", SOURCE / "apps/examples" / example, "-B", build, "-G", "Ninja",
                   f"-DCMAKE_PREFIX_PATH={self.prefix}", *compilers, *words)

    def built(self, example: str, *words: str) -> pathlib.Path:
        build = FOLDER / example
        for done in (self.configure(example, build, *words), run("cmake", "--build", build)):
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return build / example

    def test_no_cmake_file_names_a_place_that_moves(self) -> None:
        files = sorted(self.prefix.rglob("*.cmake"))
        self.assertGreaterEqual(len(files), 5)
        for path in files:
            lines = [line for line in path.read_text().splitlines() if "CMAKE_PREFIX_PATH" not in line]
            self.assertNotIn(str(SOURCE), "\n".join(lines), path)

    def test_the_program_has_its_scripts_and_configs_beside_it(self) -> None:
        program = self.prefix / "bin/optdnn"
        self.assertEqual(run(program, "certify", "apg2", "--require", "convergent").returncode, 0)
        demo = self.prefix / "share/optdnn/configs/demo.yaml"
        trained = run(program, "train", demo, "--row", "apg2", "--seed", "0", "--quiet", "--threads", "1",
                      "--set", "train.length={epochs: 1}", "--out", "runs", cwd=FOLDER)
        self.assertEqual(trained.returncode, 0, trained.stderr)
        python = f"{pathlib.Path(sys.executable).parent}:"
        for words in (["report", "--help"], ["export", "runs/demo/apg2/seed-0", "--to", "net.py"]):
            asked = run(program, *words, cwd=FOLDER, env=os.environ | {"PATH": python + os.environ["PATH"]})
            self.assertEqual(asked.returncode, 0, asked.stderr)
        package = {"PYTHONPATH": str(self.prefix / "share/optdnn/scripts/package"), "PATH": "/usr/bin:/bin"}
        found = run(sys.executable, "-c", "import optdnn; print(optdnn.program())", env=package)
        self.assertEqual(found.stdout.strip(), str(program), found.stderr)

    def test_rules_are_certified_without_libtorch(self) -> None:
        certify = self.built("certify", "-DOPTDNN_TORCH=/nowhere")
        self.assertIn("convergent", run(certify).stdout)
        self.assertEqual(run(certify, "x[k+1] = x[k] + T(x[k])").returncode, 0)
        self.assertEqual(run(certify, "x[k+1] = 2*x[k] + T(x[k])").returncode, 5)
        wrong = run(certify, "x[k+1] = x[k] + T(q[k])")
        self.assertEqual(wrong.returncode, 2)
        self.assertIn("'q'", wrong.stderr)

    def test_a_network_is_built_and_trained(self) -> None:
        trained = run(self.built("network"), env=os.environ | {"OMP_NUM_THREADS": "1"})
        losses = [float(line.split()[-1]) for line in trained.stdout.splitlines()]
        self.assertEqual(len(losses), 3, trained.stderr)
        self.assertLess(losses[-1], losses[0])

    def test_where_libtorch_is_missing_or_another_the_message_says_so(self) -> None:
        other = FOLDER / "torch"
        (other / "include/torch/headeronly").mkdir(parents=True)
        (other / "include/torch/headeronly/version.h").write_text(
            "#define TORCH_VERSION_MAJOR 2\n#define TORCH_VERSION_MINOR 99\n#define TORCH_VERSION_PATCH 0\n")
        (other / "lib").mkdir()
        (other / "lib/libtorch.so").touch()
        (other / "share/cmake/Caffe2").mkdir(parents=True)
        (other / "share/cmake/Caffe2/Caffe2Targets.cmake").touch()
        refused = self.configure("network", FOLDER / "refused", f"-DOPTDNN_TORCH={other}")
        self.assertNotEqual(refused.returncode, 0)
        self.assertRegex(" ".join(refused.stderr.split()), r"optdnn::models needs LibTorch .*has 2\.99\.0")
        self.assertIn("COMPONENTS algorithms", " ".join(refused.stderr.split()))


if __name__ == "__main__":
    unittest.main()
