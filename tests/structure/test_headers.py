# Every header compiles alone: plainly if it needs no torch, else behind the precompiled torch header of the build
# folder. Where sources are compiled one by one, a header that its own source includes first is proven by the build; in
# a unity build, which would hide a missing include, all are compiled here where OPTDNN_ALL_HEADERS is set (minutes).
# The build folder remembers what compiled, by a hash of all the project's text that went into it.
import concurrent.futures
import hashlib
import json
import os
import re
import shlex
import subprocess
import tempfile
import unittest

from source_tree import BUILD, ROOT, Rules, cpp_files, includes, package_of, read_tree
from test_includes import TORCH, reachable


def headers_to_compile(tree, unity):
    headers = [path for path in cpp_files(tree, "lib/", "apps/", "tests/support/") if path.endswith(".h")]
    return [path for path in headers if unity or not included_first_by_its_source(path, tree)]


def is_unity(commands):
    return any("/Unity/" in command["file"] for command in commands)


def included_first_by_its_source(header, tree):
    source = tree.get(header[:-2] + ".cpp")
    first = includes(source)[:1] if source else []
    return bool(first) and header.endswith("/" + first[0])


def needs_torch(path, tree):
    return any(name.startswith(TORCH) for inner in {path} | reachable(path, tree) for name in includes(tree[inner]))


def command_like(path, commands, torch):
    """The options of a source of the same package (else of any), without its file and output."""
    same = [c for c in commands if f"/{path.rsplit('/', 1)[0]}/" in c["file"] or
            f"/optdnn_{package_of(path)}.dir/" in c["file"]]
    if path.startswith("tests/"):
        same = [c for c in commands if f"-I{ROOT / 'tests'} " in c["command"]]
        same.sort(key=lambda c: -c["command"].count(" -i") - c["command"].count(" -I"))  # what sees most
    with_torch = [c for c in same + commands if ("csrc/api/include" in c["command"]) == torch]
    words = shlex.split((with_torch or commands)[0]["command"])
    start = next(i for i, word in enumerate(words) if re.search(r"(^|/)(c\+\+|g\+\+|clang\+\+)[-0-9.]*$", word))
    options, skip = [], False
    for word in words[start:]:
        if skip or word in ("-c", "-o"):
            skip = word == "-o"
        elif not word.endswith((".cpp", ".cc", ".cxx", ".o", ".gch")):
            options.append(word)
    return options


def compile_alone(path, root, options):
    # -Wno-psabi: vectors of a kernel stay inside its file.
    with tempfile.NamedTemporaryFile("w", suffix=".cpp") as source:
        source.write(f'#include "{root / path}"\n#include "{root / path}"\n')  # twice: it must guard itself
        source.flush()
        command = [*options, "-fsyntax-only", "-Werror", "-Wno-psabi", source.name]
        run = subprocess.run(command, capture_output=True, text=True)
    return [] if run.returncode == 0 else [f"{path} does not compile alone:\n{run.stderr[:1500]}"]


class Headers(Rules):
    @unittest.skipUnless((BUILD / "compile_commands.json").exists(), "no build folder")
    def test_headers_compile_alone(self):
        tree = read_tree()
        commands = json.loads((BUILD / "compile_commands.json").read_text())
        remembered = BUILD / "headers_alone.json"
        known = set(json.loads(remembered.read_text())) if remembered.exists() else set()

        def check(path):
            options = command_like(path, commands, needs_torch(path, tree))
            text = [tree[inner] for inner in [path, *sorted(reachable(path, tree))]]
            key = hashlib.sha256("\0".join([path, *options, *text]).encode()).hexdigest()
            return key, [] if key in known else compile_alone(path, ROOT, options)

        every = is_unity(commands) and "OPTDNN_ALL_HEADERS" in os.environ
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            done = list(pool.map(check, headers_to_compile(tree, every)))
        remembered.write_text(json.dumps([key for key, complaints in done if not complaints]))
        self.assert_none([complaint for _, complaints in done for complaint in complaints])

    def test_a_header_that_leans_on_others_or_lacks_a_guard_is_found(self):
        for text in ("#pragma once\nstd::string name();\n", "struct Twice {};\n"):
            with self.subTest(text), tempfile.TemporaryDirectory() as folder:
                with open(folder + "/bad.h", "w") as header:
                    header.write(text)
                self.assertEqual(len(compile_alone(folder + "/bad.h", ROOT, ["c++", "-std=c++20"])), 1)

    def test_a_source_that_includes_its_header_late_is_found(self):
        tree = {"lib/optdnn/base/a.h": "", "lib/optdnn/base/a.cpp": '#include <string>\n#include "optdnn/base/a.h"\n'}
        self.assertEqual(headers_to_compile(tree, unity=False), ["lib/optdnn/base/a.h"])

    def test_in_a_unity_build_every_header_is_compiled(self):
        tree = {"lib/optdnn/base/a.h": "", "lib/optdnn/base/a.cpp": '#include "optdnn/base/a.h"\n'}
        self.assertEqual(headers_to_compile(tree, unity=False), [])
        self.assertEqual(headers_to_compile(tree, unity=True), ["lib/optdnn/base/a.h"])


if __name__ == "__main__":
    unittest.main()
