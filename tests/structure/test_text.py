# What every file must look like: ASCII code, lines of at most 120 columns, an opening comment, and no place or host
# that belongs to one machine. Prints how long the files are.
import re
import statistics
import unittest

from source_tree import Rules, cpp_files, read_tree

CODE = (".h", ".cpp", ".cc", ".py", ".cmake", ".sh", ".yaml", "CMakeLists.txt")
SCRIPTS = ("scripts/", ".ci/")
DATA = ("tests/golden/", "tests/fuzz/corpus/", "configs/results/", "scripts/requirements.txt")
LONGEST_FILE = 450  # lines of a source; a file beyond it does more than one job


def is_code(path):
    return (path.endswith(CODE) or path.startswith(SCRIPTS)) and not path.startswith(DATA) and not path.endswith(".md")


def lines_of(tree):
    return ((path, number, line) for path, text in tree.items() if is_code(path)
            for number, line in enumerate(text.splitlines(), 1))


def not_ascii(tree):
    return [f"{path}:{number}: {line.strip()[:60]}" for path, number, line in lines_of(tree) if not line.isascii()]


def too_wide(tree):
    return [f"{path}:{number}: {len(line)} columns" for path, number, line in lines_of(tree) if len(line) > 120]


def without_opening_comment(tree):
    """A source that opens with its own header has its comment there."""
    def opens_well(path, text):
        first = text.lstrip("\n").splitlines()[0] if text.strip() else ""
        if first.startswith("#!"):
            first = text.splitlines()[1]
        own_header = path[:-4] + ".h"
        opens_with_it = re.match('#include "(.+)"', first) and own_header.endswith("/" + first.split('"')[1])
        return first.startswith(("//", "# ")) or (path.endswith(".cpp") and own_header in tree and opens_with_it)
    return [path for path, text in tree.items() if is_code(path) and not opens_well(path, text)]


def places_of_one_machine(tree):
    """Folders of somebody's machine, and hosts of package registries, which are the business of apt, pip and npm."""
    names = (("pypi", "org"), ("pythonhosted", "org"), ("npmjs", "org"), ("npmjs", "com"), ("download.pytorch", "org"),
             ("deb.debian", "org"), ("conda.anaconda", "org"))  # in pieces, so that this file passes
    registries = [".".join(pieces) for pieces in names]
    pattern = re.compile(r"""(?:^|[\s"'=(`])(/(?:work|tmp|root|home|opt|mnt|Users)/[\w.]*)|(""" +
                         "|".join(map(re.escape, registries)) + ")")
    return [f"{path}:{number}: {match.group(1) or match.group(2)}" for path, text in tree.items()
            if is_code(path) or path.endswith((".md", ".txt", ".json"))
            for number, line in enumerate(text.splitlines(), 1) for match in [pattern.search(line)] if match]


def too_long(tree):
    return [f"{path}: {text.count(chr(10))} lines" for path, text in cpp_files(tree, "lib/", "apps/").items()
            if text.count("\n") > LONGEST_FILE]


class Text(Rules):
    tree = read_tree()

    def test_code_is_ascii(self):
        self.assert_none(not_ascii(self.tree))

    def test_lines_have_at_most_120_columns(self):
        self.assert_none(too_wide(self.tree))

    def test_files_open_with_a_comment(self):
        self.assert_none(without_opening_comment(self.tree))

    def test_no_file_names_a_place_of_one_machine_or_a_registry(self):
        self.assert_none(places_of_one_machine(self.tree))

    def test_no_source_is_longer_than_one_job(self):
        for kind, ending in (("headers", ".h"), ("sources", ".cpp")):
            files = cpp_files(self.tree, "lib/", "apps/").items()
            lengths = {path: text.count("\n") for path, text in files if path.endswith(ending)}
            median, longest = statistics.median(lengths.values()), max(lengths, key=lengths.get)
            print(f"{len(lengths)} {kind}: median {median:g} lines, longest {lengths[longest]} ({longest})")
        self.assert_none(too_long(self.tree))


class TheRulesCanFail(Rules):
    def test_each_rule_finds_its_offence(self):
        registry = "https://" + "pypi" + ".org/simple"
        for rule, path, text in ((not_ascii, "lib/a.h", "// na\u00efve\n"), (too_wide, "lib/a.h", "// " + "x" * 120),
                                 (without_opening_comment, "lib/optdnn/a.h", "#pragma once\n"),
                                 (without_opening_comment, "lib/optdnn/a.cpp", '#include "optdnn/a.h"\n'),
                                 (places_of_one_machine, "lib/a.cpp", '// x\nopen("/' + 'tmp/x");\n'),
                                 (places_of_one_machine, "README.md", f"see {registry}\n"),
                                 (too_long, "lib/a.cpp", "\n" * 500)):
            with self.subTest(rule.__name__):
                self.assertEqual(len(rule({path: text})), 1)

    def test_clean_files_pass(self):
        tree = {"lib/optdnn/a.h": "// What it is.\n#pragma once\n", "lib/optdnn/a.cpp": '#include "optdnn/a.h"\n',
                "scripts/b": "#!/usr/bin/env bash\n# What it does.\nrm -f \"$build/tmp/c\"\n"}
        for rule in (not_ascii, too_wide, without_opening_comment, places_of_one_machine, too_long):
            self.assert_none(rule(tree))


if __name__ == "__main__":
    unittest.main()
