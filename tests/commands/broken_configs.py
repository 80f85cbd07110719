# Configs, rules and command lines that are wrong: cases of the table tests/broken_inputs.md.

import re

from broken_case import Case
from program import RINGS, SOURCE

IMAGES = """\
dataset:   {name: generated_images, size_px: 8, train_images: 32, test_images: 32, batch_size: 16}
algorithm: gradient_descent
module:    conv_preact
depth:     1
width:     4
train:     {length: {iterations: 1}}
"""
MODEL = """\
dataset: {name: generated_images, size_px: 8, train_images: 32, test_images: 32, batch_size: 16}
model:   {name: resnet, layers: 8, width: 4}
train:   {length: {iterations: 1}}
"""


def changed(what: str, base: str, *changes: tuple[str, str], command: str = "check", more: tuple = ()) -> Case:
    """A config with lines of `base` replaced: ("depth", "depth: 0"); a key that `base` lacks is added."""
    for key, line in changes:
        pattern = re.compile(f"^{key}:.*$", re.MULTILINE)
        base = pattern.sub(lambda _: line, base) if pattern.search(base) else base + line + "\n"
    return Case(what, {"c.yaml": base}, [command, "c.yaml", *more])


def texts() -> list[Case]:
    """YAML as it goes wrong in an editor."""
    def text(what: str, content: str | bytes) -> Case:
        return Case(what, {"c.yaml": content}, ["show", "c.yaml"])

    def experiment(what: str, line: str) -> Case:
        return text(what, RINGS + line)

    return [
        text("an empty file", ""),
        text("a file of comments", "# nothing yet\n"),
        text("a tab as indentation", "optimizer:\n\tname: sgd\n"),
        text("a bracket left open", "depth: [1, 2\nwidth: 4\n"),
        text("a brace left open", "dataset: {name: cifar10\n"),
        text("a quote left open", "dataset: 'cifar10\n"),
        text("a key without its space", "depth:3\nwidth: 2\n"),
        text("a deeper line under a value", "depth: 3\n  width: 2\n"),
        experiment("a key that stands twice", "depth: 4\n"),
        experiment("a merge key", "<<: {depth: 3}\n"),
        text("an alias of nothing", "depth: *deep\n"),
        experiment("an alias of itself", "seeds: &a [*a]\n"),
        text("aliases that multiply", "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
            f"{name}: &{name} [{', '.join(['*' + last] * 9)}]\n" for last, name in zip("abcdefgh", "bcdefghi"))),
        text("a thousand brackets", "depth: " + "[" * 1000 + "]" * 1000 + "\n"),
        text("two documents", "depth: 1\n---\ndepth: 2\n"),
        experiment("a tag", "seeds: !!python/object:os.system 3\n"),
        text("Latin-1 instead of UTF-8", b"# caf\xe9\ndepth: 3\n"),
        text("a NUL byte", b"depth: 3\0\n"),
        text("a PNG by the name of a config", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"),
        text("a Git LFS pointer by the name of a config", "version https://git-lfs.github.com/spec/v1\nsize 12\n"),
        text("a list instead of a map", "- depth: 3\n"),
        text("an included file that is missing", "include: base.yaml\ndepth: 3\n"),
        text("a file that includes itself", "include: c.yaml\ndepth: 3\n"),
        text("a table without rows", "table: Mine\nrows: []\n"),
        text("a row without an id", "rows: [{depth: 3}]\n"),
        text("two rows of one id", "defaults:" + RINGS.replace("\n", "\n  ") + "\nrows: [{id: a}, {id: a}]\n"),
        text("a row id that is no folder's name", "rows: [{id: ../up}]\n"),
        text("a sweep of different lengths", RINGS + "zip: {depth: [1, 2], width: [2, 2, 2]}\n"),
        text("a sweep that is no list", RINGS + "grid: {depth: 3}\n"),
        text("three hundred rows times a hundred", "defaults:" + RINGS.replace("\n", "\n  ") + "\ngrid: {width: ["
             + ", ".join(map(str, range(2, 102))) + "]}\nrows:\n" + "".join(f"  - {{id: r{i}}}\n" for i in range(300))),
        text("a sweep over a million rows", RINGS + "grid:\n" + "".join(
            f"  {key}: [{', '.join(map(str, range(1, 101)))}]\n" for key in ("depth", "width", "module.hidden"))),
    ]


def values() -> list[Case]:
    """Numbers and names that are none."""
    def depth(what: str, value: str) -> Case:
        return changed(what, RINGS, ("depth", f"depth: {value}"), command="show")

    def rate(what: str, value: str) -> Case:
        return changed(what, RINGS, ("optimizer", f"optimizer: {{name: adam, learning_rate: {value}}}"), command="show")

    return [
        depth("no steps", "0"), depth("a negative depth", "-1"), depth("half a step", "1.5"), depth("octal", "010"),
        depth("hexadecimal", "0x10"), depth("underscores in a number", "1_000"), depth("a quoted number", "'4'"),
        depth("a number with a unit", "4 steps"), depth("more than an integer holds", "99999999999999999999"),
        depth("a map for a number", "{a: 1}"), depth("nothing for a number", ""),
        rate("a plus sign", "+0.1"), rate("NaN", ".nan"), rate("infinity", "inf"), rate("a comma", "0,1"),
        rate("a number too small to write", "1e-999"), rate("a learning rate of zero", "0"),
        changed("a misspelt key", RINGS, ("optimizer", "optimizer: {name: adam, learnin_rate: 0.1}"), command="show"),
        changed("a misspelt section", RINGS, ("schedul", "schedul: cosine"), command="show"),
        changed("a misspelt optimizer", RINGS, ("optimizer", "optimizer: adan"), command="show"),
        changed("a misspelt data set", RINGS, ("dataset", "dataset: cifra10"), command="show"),
        changed("a misspelt algorithm", RINGS, ("algorithm", "algorithm: apg3"), command="show"),
        changed("yes for true", RINGS, ("optimizer", "optimizer: {name: sgd, nesterov: yes}"), command="show"),
        changed("a negative seed", RINGS, ("seeds", "seeds: [-1]"), command="show"),
        changed("a seed twice", RINGS, ("seeds", "seeds: [1, 1]"), command="show"),
        changed("a seed twice for a model", MODEL, ("seeds", "seeds: [1, 1]"), command="show"),
        changed("a coefficient outside its range", RINGS,
                ("algorithm",
                 "algorithm: {name: apg2, coefficients: {gamma: {value: 5, learn: shared, range: [0, 1]}}}")),
        changed("a coefficient with a range that does not learn", RINGS,
                ("algorithm", "algorithm: {name: apg2, coefficients: {gamma: {value: 0.5, range: [0, 1]}}}")),
        changed("a coefficient that the rule has not", RINGS,
                ("algorithm", "algorithm: {name: apg2, coefficients: {zeta: 1}}")),
        changed("a coefficient that is no number", RINGS,
                ("algorithm", "algorithm: {name: apg2, coefficients: {gamma: {value: yes}}}")),
    ]


def rules() -> list[Case]:
    """The broken rules of the package's own golden files, as a user would write them."""
    cases = []
    for path in sorted((SOURCE / "tests/golden/algorithms/errors").glob("*.rule")):
        equations = path.read_text()
        if "#:" in equations:
            continue
        text = "algorithm:\n  name: mine\n  equations: |\n" + re.sub("^", "    ", equations, flags=re.MULTILINE)
        cases.append(Case("a rule: " + path.stem.replace("_", " "), {"rule.yaml": text}, ["certify", "rule.yaml"]))
    return cases


def misfits() -> list[Case]:
    """Parts that are sound and do not go together."""
    small = "{name: generated_images, size_px: %d, train_images: 32, test_images: 32, batch_size: 16}"
    stages = [("depth", "depth: [1, 1, 1, 1]"), ("width", "width: [4, 8, 8, 8]")]
    convnext = [("module", "module: convnext"), ("stem", "stem: {name: patchify, patch_px: 4}"),
                ("head", "head: pool_norm_linear")]
    return [
        changed("a model and an algorithm", MODEL, ("algorithm", "algorithm: apg2")),
        changed("a model with a depth", MODEL, ("depth", "depth: 3")),
        Case("neither model nor algorithm", {"c.yaml": "dataset: cifar10\n"}, ["check", "c.yaml"]),
        changed("an algorithm without a module", IMAGES, ("module", "")),
        changed("a module and modules", IMAGES, ("modules", "modules: {T: conv_preact}")),
        changed("modules of a family that the rule has not", IMAGES,
                ("module", "modules: {T: conv_preact, U: conv_preact}")),
        changed("a module for vectors on images", IMAGES, ("module", "module: dense_two_layer")),
        changed("a module for images on vectors", RINGS, ("module", "module: conv_preact")),
        changed("three depths and two widths", IMAGES, ("depth", "depth: [1, 1, 1]"), ("width", "width: [4, 8]")),
        changed("images too small for norm_conv", IMAGES, ("dataset", "dataset: " + small % 28), *convnext, *stages,
                ("transition", "transition: norm_conv")),
        changed("images too small for the transition dense", IMAGES, ("dataset", "dataset: " + small % 7), *stages,
                ("transition", "transition: dense")),
        changed("images too small for DenseNet's pooling", MODEL, ("dataset", "dataset: " + small % 2),
                ("model", "model: {name: densenet, layers: 7, growth: 4}")),
        changed("images too small for MDEQ", MODEL, ("dataset", "dataset: " + small % 2),
                ("model", "model: {name: mdeq, width: [4, 4, 4]}")),
        changed("images too small for monDEQ", MODEL, ("dataset", "dataset: " + small % 1), ("model", "model: mondeq")),
        changed("patches that do not divide the images", IMAGES, *convnext,
                ("stem", "stem: {name: patchify, patch_px: 3}")),
        changed("a class token without its head", IMAGES, ("module", "module: transformer"),
                ("stem", "stem: {name: class_token, patch_px: 4}")),
        changed("tokens that are solved for", IMAGES, ("module", "module: transformer"), ("width", "width: 16"),
                ("algorithm", "algorithm: proximal_point"), ("stem", "stem: {name: class_token, patch_px: 4}"),
                ("head", "head: class_token")),
        changed("batch norm inside the solve of a later step", IMAGES, ("depth", "depth: 2"),
                ("module", "module: conv_preact"),
                ("algorithm", "algorithm: {name: late, equations: 'x[k+1] = x[k] + T(x[k]) + b[k]*S(x[k+1])', "
                              "coefficients: {b: {values: [0, 0.5]}}}")),
        changed("a formula that leaves its range", RINGS,
                ("algorithm", "algorithm: {name: heavy_ball, coefficients: "
                              "{beta: {formula: '2*k', learn: per_step, range: [0, 1]}}}")),
        changed("a formula that is none", RINGS,
                ("algorithm", "algorithm: {name: heavy_ball, coefficients: {beta: {formula: '(k+'}}}")),
        changed("a formula with a function", RINGS,
                ("algorithm", "algorithm: {name: heavy_ball, coefficients: {beta: {formula: 'exp(k)'}}}")),
        changed("a width that the heads do not divide", IMAGES, ("module", "module: {name: transformer, heads: 3}")),
        changed("padding that would narrow", IMAGES, ("depth", "depth: [1, 1]"), ("width", "width: [8, 4]"),
                ("transition", "transition: pad")),
        changed("an even kernel", IMAGES, ("module", "module: {name: convnext, kernel_px: 4}")),
        changed("a ResNet of nine layers", MODEL, ("model", "model: {name: resnet, layers: 9}")),
        changed("a DenseNet of eight layers", MODEL, ("model", "model: {name: densenet, layers: 8}")),
        changed("a ResNet for vectors", MODEL, ("dataset", "dataset: nested_rings")),
        changed("batch norm inside a solve", IMAGES, ("algorithm", "algorithm: pgd")),
        changed("a stem for vectors", IMAGES, ("stem", "stem: linear")),
        changed("a head that reads more than the state has", RINGS,
                ("head", "head: read_state"), ("width", "width: 1")),
        changed("a loss for regressions", IMAGES, ("loss", "loss: squared_error")),
    ]


def command_lines() -> list[Case]:
    def rings(what: str, *arguments: str, status: int = 2) -> Case:
        return Case(what, {"c.yaml": RINGS}, list(arguments), status)

    return [
        rings("no command"), rings("a misspelt command", "trian", "c.yaml"), rings("no config", "train"),
        rings("a config that is missing", "train", "d.yaml"), rings("a folder as config", "train", "."),
        rings("an unknown option", "train", "c.yaml", "--sed", "1"),
        rings("an unknown row", "train", "c.yaml", "--row", "x"),
        rings("an unknown device", "train", "c.yaml", "--device", "gpu"),
        rings("a seed twice on the command line", "train", "c.yaml", "--seed", "1", "--seed", "1"),
        Case("a row of a file that holds one algorithm", {"a.yaml": "algorithm: apg2\n"},
             ["certify", "a.yaml", "--row", "x"]),
        rings("an option the program does not have", "--versoin"),
        rings("half a thread", "train", "c.yaml", "--threads", "1.5"),
        rings("an unknown executor in a dry run", "train", "c.yaml", "--dry-run", "--executor", "fuse"),
        rings("unknown kernels in a dry run", "train", "c.yaml", "--dry-run", "--without-kernels", "convolv"),
        rings("a seed that is no whole number", "train", "c.yaml", "--seed", "010"),
        rings("a seed that is too large", "train", "c.yaml", "--seed", "99999999999999999999"),
        rings("an override by nothing", "show", "c.yaml", "--set", "optimizer=null"),
        Case("a seed of trials on the command line",
             {"c.yaml": RINGS.replace("nested_rings,", "nested_rings, validation: {samples: 64},")
                        + "search: {trials: 2, space: {optimizer.learning_rate: [0.1, 0.2]}}\n"},
             ["train", "c.yaml", "--seed", "1000000000"], 2),
        rings("an override without a value", "show", "c.yaml", "--set", "depth"),
        rings("an override of an unknown key", "show", "c.yaml", "--set", "depht=3"),
        rings("an override of a wrong kind", "show", "c.yaml", "--set", "depth=deep"),
        rings("an override of the table itself", "show", "c.yaml", "--set", "rows=3"),
        rings("an override that is no YAML", "show", "c.yaml", "--set", "depth=[1"),
        rings("an unknown rule", "certify", "agp2"), rings("an unknown list", "list", "module"),
        rings("an unknown data set", "fetch", "cifar1"),
        Case("a name of 300 letters as data folder", {"c.yaml": IMAGES},
             ["check", "c.yaml", "--set", "dataset=imagenette", "--data", "d" * 300], 3),
        rings("a file where the runs should go", "train", "c.yaml", "--out", "c.yaml", status=3),
        rings("runs under a name of 300 letters", "train", "c.yaml", "--out", "o" * 300, status=3),
        Case("runs under a link to itself", {"c.yaml": RINGS}, ["train", "c.yaml", "--out", "loop/runs"], 3,
             links={"loop": "loop"}),
    ]


def all_cases() -> list[Case]:
    return texts() + values() + rules() + misfits() + command_lines()
