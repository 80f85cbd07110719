# The documents: README is short, configs/README.md is the one that its script writes, links lead somewhere, and every
# command that stands in a code block is one that works: optdnn's own are run (trainings as --dry-run), of scripts the
# file and each option are looked for.
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import tempfile
import unittest

from source_tree import ROOT, Rules, read_tree

PROGRAM = pathlib.Path(os.environ.get("OPTDNN_PROGRAM", ROOT / "build/release/optdnn"))
LONGEST_README = 150  # lines
OWN_RULE = "my_rule.yaml"  # what README calls the config that it shows


def documents(tree):
    return {path: text for path, text in tree.items() if path.endswith("README.md") or path.endswith("CONTRIBUTING.md")}


def code_blocks(text):
    """Lines of indented blocks, without comments."""
    return [re.sub(r"\s{2,}#.*", "", line).strip() for line in text.splitlines() if line.startswith("    ")]


def commands(tree):
    starts = ("optdnn ", "build/release/optdnn ", "scripts/", "./scripts/", "cmake ", "ctest ", "OPTDNN_TORCH=")
    return [(path, line) for path, text in documents(tree).items() for line in code_blocks(text)
            if line.startswith(starts)]


def dead_links(tree, root):
    return [f"{path}: {target}" for path, text in documents(tree).items()
            for target in re.findall(r"\]\(([^)#]+)[^)]*\)", re.sub(r"`[^`]*`", "", text))
            if "://" not in target and not (root / path).parent.joinpath(target).exists()]


def unknown_options(words, text):
    return [word for word in words if word.startswith("--") and word.split("=")[0] not in text]


class Documents(Rules):
    tree = read_tree()

    def test_readme_is_short(self):
        self.assertLessEqual(len(self.tree["README.md"].splitlines()), LONGEST_README)

    def test_links_lead_somewhere(self):
        self.assert_none(dead_links(self.tree, ROOT))

    def test_a_dead_link_is_found(self):
        tree = {"README.md": "[a](no/such.md) [b](https://x.org)"}
        self.assertEqual(dead_links(tree, ROOT), ["README.md: no/such.md"])

    def test_the_page_of_results_is_up_to_date(self):
        run = subprocess.run([ROOT / "scripts/results_index.py", "--check"])
        self.assertEqual(run.returncode, 0, "scripts/results_index.py writes it")

    def test_the_table_of_verdicts_is_up_to_date(self):
        run = subprocess.run([ROOT / "scripts/verdicts.py", "--check"])
        self.assertEqual(run.returncode, 0, "scripts/verdicts.py writes it")

    def test_scripts_that_documents_call_are_there_and_know_their_options(self):
        complaints = []
        for path, line in commands(self.tree):
            words = [word for word in shlex.split(line) if not re.match(r"^[A-Z_]+=", word)]
            script = ROOT / words[0]
            if not words[0].lstrip("./").startswith("scripts/"):
                continue
            if not os.access(script, os.X_OK):
                complaints.append(f"{path}: {line}: no such program")
                continue
            passed_on = script.name in ("optdnn", "reproduce", "test")  # their words are optdnn's or ctest's
            unknown = [] if passed_on else unknown_options(words, script.read_text())
            complaints += [f"{path}: {line}: {word}" for word in unknown]
        self.assert_none(complaints)

    @unittest.skipUnless(PROGRAM.exists(), "no program")
    def test_commands_of_the_program_work(self):
        shown = "\n".join(line[4:] for line in self.tree["README.md"].split("## A rule of your own")[1].splitlines()
                          if line.startswith("    ")).split("\noptdnn ")[0]
        complaints = []
        with tempfile.TemporaryDirectory() as folder:
            pathlib.Path(folder, OWN_RULE).write_text(shown.replace("cifar10, augment", "generated_images, augment"))
            shutil.copytree(ROOT / "configs", pathlib.Path(folder, "configs"), ignore=shutil.ignore_patterns("results"))
            for path, line in commands(self.tree):
                words = shlex.split(line)
                if words[0] not in ("optdnn", "build/release/optdnn", "./scripts/optdnn") or "RUN" in words:
                    continue
                words = [str(PROGRAM), *words[1:], *(["--dry-run"] if words[1] == "train" else [])]
                run = subprocess.run(words, cwd=folder, capture_output=True, text=True)
                if run.returncode != 0:
                    complaints.append(f"{path}: {line}: exit {run.returncode}: {run.stderr[-300:]}")
        self.assert_none(complaints)


if __name__ == "__main__":
    unittest.main()
