# Puts net.py together: the classes of pieces/ that a network names, and those they name themselves, before the text of
# the network.
import ast
import functools
import importlib
import inspect
import textwrap
from typing import Any

from export.models import model_text, solver_text
from export.rules import RuleText, in_docstring

PIECES = ("layers", "modules", "ends", "rules", "solvers", "baselines", "equilibria", "mdeq")


@functools.cache
def definitions() -> dict[str, str]:
    """Every class and function of the pieces by name, in their order."""
    found = {}
    for name in PIECES:
        module = importlib.import_module(f"export.pieces.{name}")
        for item in ast.parse(inspect.getsource(module)).body:
            if isinstance(item, ast.ClassDef | ast.FunctionDef):
                found[item.name] = inspect.getsource(getattr(module, item.name)).rstrip()
    return found


@functools.cache
def names_in(text: str) -> set[str]:
    return {node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)}


def needed(text: str) -> list[str]:
    every, wanted, open_ = definitions(), set(), [text]
    while open_:
        new = names_in(open_.pop()) & set(every) - wanted
        wanted |= new
        open_ += [every[name] for name in new]
    return [every[name] for name in every if name in wanted]


def network_text(description: dict[str, Any], shapes: dict[str, list[int]]) -> str:
    if description.get("rule"):
        return RuleText(description, shapes).text()
    config = description["config"]["model"]
    call = model_text(config, description["input"], description["outputs"])
    name, words = call.split("(", 1)
    solver = [f"SOLVER = {solver_text(config['solver'])}", "", ""] if "solver" in config else [""]
    lines = textwrap.wrap(f"super().__init__({words}", 112, subsequent_indent=" " * 17, break_long_words=False)
    return "\n".join([*solver, f"class Net({name}):", f'    """The baseline {config["name"]}."""', "",
                      "    def __init__(self):", *("        " + line for line in lines)])


def opening(name: str, description: dict[str, Any]) -> str:
    """What stands at the top of the file called `name`.py."""
    config, rule = description["config"], description.get("rule")
    what = f"the rule {rule['name']}" if rule else f"the baseline {config['model']['name']}"
    shape = " x ".join(map(str, ["B", *description["input"]]))
    lines = [f'"""A network trained by optdnn: {in_docstring(what)}.', ""]
    if rule:
        lines += ["    " + in_docstring(line.strip()) for line in rule["equations"].strip().splitlines()] + [""]
    lines += [f"    import {name}", f"    model = {name}.load()       # the weights lie beside, in {name}.safetensors",
              f"    outputs = model(inputs)   # {shape} -> B x {description['outputs']}", "",
              f"Inputs are those of the data set {config['dataset']['name']}, as optdnn prepares them for a test.",
              '"""']
    return "\n".join(lines)


def net_py(name: str, description: dict[str, Any], shapes: dict[str, list[int]]) -> str:
    network = network_text(description, shapes)
    load = inspect.getsource(importlib.import_module("export.pieces.load").load).rstrip()
    head = f"{opening(name, description)}\nimport torch\n\nnn, F = torch.nn, torch.nn.functional\n"
    return "\n\n".join([head, *("\n" + piece for piece in needed(network)), network, "\n" + load]).replace(
        "\n\n\n\n", "\n\n\n") + "\n"
