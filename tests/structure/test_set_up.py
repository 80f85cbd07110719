# The set-up scripts and the search for LibTorch, tried on made-up machines: folders that look like a LibTorch, commands
# that answer as a bare machine's would. Nothing is installed and nothing is built.
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

from source_tree import ROOT


def make_torch(folder, version="2.13.0", cuda=False):
    """The files of a wheel that the build looks at. Its CMake package is one that stops, as a CUDA wheel's does."""
    files = {"include/torch/csrc/api/include/torch/torch.h": "",
             "share/cmake/Torch/TorchConfig.cmake": "message(FATAL_ERROR)",
             "include/torch/headeronly/version.h": "".join(
                 f"#define TORCH_VERSION_{part} {number}\n"
                 for part, number in zip(("MAJOR", "MINOR", "PATCH"), version.split("."))),
             "share/cmake/Caffe2/Caffe2Targets.cmake": '  INTERFACE_COMPILE_DEFINITIONS "USE_DISTRIBUTED;USE_RPC"\n',
             "__init__.py": ""}
    for name in ["c10", "torch_cpu", "torch"] + (["c10_cuda", "torch_cuda"] if cuda else []):
        files[f"lib/lib{name}.so"] = ""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


class Bench(unittest.TestCase):
    def setUp(self):
        holder = tempfile.TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        self.folder = pathlib.Path(holder.name).resolve()
        (self.folder / "bin").mkdir()

    def write_command(self, name, text):
        path = self.folder / "bin" / name
        path.write_text("#!/bin/sh\n" + text)
        path.chmod(0o755)
        return str(path)

    def run_there(self, command, **environment):
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("OPTDNN_")}
        path = f"{self.folder}/bin:{os.environ['PATH']}"
        return subprocess.run(command, capture_output=True, text=True, cwd=self.folder, stdin=subprocess.DEVNULL,
                              env=inherited | {"PATH": path} | environment)


class FindingTorch(Bench):
    def configure(self, *options, **environment):
        """What torch.cmake decides: the line it prints, or what it adds to the list of missing things."""
        (self.folder / "CMakeLists.txt").write_text(f"""
            cmake_minimum_required(VERSION 3.22)
            project(p LANGUAGES NONE)
            add_library(Threads::Threads INTERFACE IMPORTED)
            set(OPTDNN_MISSING "")
            include({ROOT}/third_party/torch.cmake)
            message(STATUS "missing: ${{OPTDNN_MISSING}}")
            if(TARGET optdnn_torch)
              get_target_property(defines optdnn_torch INTERFACE_COMPILE_DEFINITIONS)
              get_target_property(libraries optdnn_torch INTERFACE_LINK_LIBRARIES)
              message(STATUS "${{defines}} ${{libraries}}")
            endif()""")
        shutil.rmtree(self.folder / "build", ignore_errors=True)
        self.write_command("python3", environment.pop("python3", "exit 1"))
        run = self.run_there(["cmake", "-S", ".", "-B", "build", *options], **environment)
        return " ".join((run.stdout + run.stderr).split())

    def test_a_named_folder_or_python_comes_first(self):
        own, named = make_torch(self.folder / ".venv/torch"), make_torch(self.folder / "named", "2.12.0")
        make_torch(self.folder / "site/torch", "2.12.1")
        python = self.write_command("other", f"echo {self.folder}/site/torch")
        said = self.configure(f"-DCMAKE_PREFIX_PATH={own}", OPTDNN_TORCH=str(named))
        self.assertIn(f"LibTorch 2.12.0 (CPU): {named}", said)
        self.assertIn(f"LibTorch 2.12.1 (CPU): {self.folder}/site/torch", self.configure(f"-DOPTDNN_TORCH={python}"))

    def test_a_prefix_path_may_be_the_folder_or_its_cmake_folder(self):
        folder = make_torch(self.folder / "libtorch")
        for prefix in (folder, folder / "share/cmake", folder / "share/cmake/Torch"):
            self.assertIn(f"LibTorch 2.13.0 (CPU): {folder}", self.configure(f"-DCMAKE_PREFIX_PATH={prefix}"))

    def test_the_current_python_comes_last_and_may_be_too_old(self):
        for version, expected in (("2.13.0", "LibTorch 2.13.0"), ("2.5.1", "has only 2.5.1")):
            folder = make_torch(self.folder / "site" / version / "torch", version)
            self.assertIn(expected, self.configure(python3=f"echo {folder}"))

    def test_a_cuda_wheel_configures_without_its_own_cmake_package(self):
        said = self.configure(f"-DOPTDNN_TORCH={make_torch(self.folder / 'wheel', cuda=True)}")
        self.assertIn("LibTorch 2.13.0 (GPU)", said)
        self.assertIn("USE_DISTRIBUTED;USE_RPC", said)
        self.assertIn("optdnn_libc10_cuda;optdnn_libtorch_cuda;optdnn_libtorch;", said)

    def test_no_torch_and_a_wrong_name_say_so(self):
        self.assertIn("missing: LibTorch 2.11 (pip install torch==2.13.0 into .venv", self.configure())
        self.assertIn("neither a LibTorch folder nor a Python that has torch", self.configure("-DOPTDNN_TORCH=nowhere"))


class Installing(Bench):
    def install(self, **environment):
        shutil.copytree(ROOT / "scripts", self.folder / "scripts")
        (self.folder / "third_party").mkdir()
        shutil.copy(ROOT / "third_party/debian.txt", self.folder / "third_party")
        self.write_command("dpkg-query", "echo installed g++; exit 1")
        self.write_command("apt-get", "echo apt-get was called; exit 1")
        self.write_command("python3", "exit 1")
        self.write_command("sudo", "exit 1")
        return self.run_there(["bash", "-c", "source scripts/lib.sh; install_missing python"], **environment)

    def test_where_nothing_may_be_installed_the_commands_are_printed(self):
        self.write_command("id", "echo 1000")
        for environment, reason in (({"OPTDNN_NO_INSTALL": "1"}, "OPTDNN_NO_INSTALL is set"),
                                    ({}, "only root may install Debian packages")):
            run = self.install(**environment)
            shutil.rmtree(self.folder / "scripts")
            shutil.rmtree(self.folder / "third_party")
            self.assertEqual(run.returncode, 3)
            self.assertIn(reason, run.stderr)
            self.assertRegex(run.stderr, r"(?m)^  sudo apt-get install -y --no-install-recommends ca-certificates c")
            self.assertIn("  python3 -m venv .venv\n  .venv/bin/python -m pip install", run.stderr)
            self.assertNotIn(" g++", run.stderr)  # it is there
            self.assertEqual(run.stdout, "")

    def test_a_named_torch_is_not_downloaded_again(self):
        run = self.install(OPTDNN_NO_INSTALL="1", OPTDNN_TORCH="named")
        self.assertNotIn("torch==", run.stderr)
        self.assertIn("numpy==", run.stderr)

    def test_a_failing_command_is_named_with_its_output(self):
        self.write_command("id", "echo 0")
        run = self.install()
        self.assertEqual(run.returncode, 3)
        self.assertIn("apt-get was called\noptdnn: this failed: apt-get update", run.stderr)


class Counting(Bench):
    def count(self, *programs, smoke="none"):
        report = self.folder / "tests.xml"
        report.write_text("".join(f'<testcase status="{status}">\n<system-out>{text}\n</system-out>\n</testcase>\n'
                                  for status, text in programs))
        run = subprocess.run(["awk", "-v", f"smoke={smoke}", "-f", ROOT / "scripts/count_tests.awk", report],
                             capture_output=True, text=True)
        return run.stdout.strip(), run.returncode

    def test_cases_are_counted_in_the_summaries_of_the_programs(self):
        catch = ("run", "All tests passed (12 assertions in 5 test cases)")
        self.assertEqual(self.count(catch, ("run", "Ran 1 test in 0.1s\n\nOK")), ("6 passed, 0 failed", 0))
        self.assertEqual(self.count(catch, ("fail", "test cases:  7 |  4 passed | 3 failed"), smoke="passed"),
                         ("10 passed, 3 failed", 1))
        self.assertEqual(self.count(("fail", "Ran 4 tests in 2s\n\nFAILED (failures=1, errors=1, skipped=1)")),
                         ("1 passed, 2 failed, 1 skipped", 1))

    def test_a_program_without_a_summary_is_one_test(self):
        self.assertEqual(self.count(("run", "5 inputs replayed"), ("run", "No tests ran")), ("1 passed, 0 failed", 0))

    def test_a_program_that_dies_and_a_failed_smoke_run_count_as_one_failure_each(self):
        self.assertEqual(self.count(("fail", "Segmentation fault"), smoke="failed"), ("0 passed, 2 failed", 1))
        counted = self.count(("fail", "All tests passed (1 assertion in 1 test case)"))
        self.assertEqual(counted, ("0 passed, 1 failed", 1))

    def test_no_test_at_all_is_a_failure(self):
        self.assertEqual(self.count(), ("0 passed, 1 failed", 1))


class Sweep(Bench):
    def test_values_of_one_key_are_tried_in_turn_and_the_worst_exit_code_wins(self):
        program = self.write_command("program", 'case "$*" in *a.yaml*=5*) exit 4;; *b.yaml*=5*) exit 3;; esac')
        run = self.run_there([ROOT / "scripts/sweep", "a.yaml", "b.yaml", "--", "--set", "depth=3", "--set", "depth=5",
                              "--set=width=8", "--quiet"], OPTDNN=program)
        lines = run.stdout.splitlines()
        self.assertEqual([line.split()[1] for line in lines[:4]], ["ok", "exit", "ok", "exit"])
        self.assertTrue(lines[1].endswith("a.yaml --set depth=5 --set width=8"), lines[1])
        self.assertEqual(lines[4:], ["2 of 4 runs succeeded"])
        self.assertEqual(run.returncode, 3)

    def test_without_a_config_it_says_how_it_is_used(self):
        run = self.run_there([ROOT / "scripts/sweep"])
        self.assertEqual(run.returncode, 2)
        self.assertIn("scripts/sweep configs/a.yaml", run.stderr)


if __name__ == "__main__":
    unittest.main()
