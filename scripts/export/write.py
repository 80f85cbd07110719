# Puts net.py together: the classes of pieces/ that a network names, and those they name themselves, before the text of
# the network.
import ast
import functools
import importlib
import inspect
import pprint
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
              *textwrap.wrap(about_samples(description), 112), '"""']
    return "\n".join(lines)


def about_samples(description: dict[str, Any]) -> str:
    """What goes in and comes out, in words."""
    known, name = description["preparation"], description["config"]["dataset"]["name"]
    if not known:
        return f"Inputs are those of the data set {name}, as optdnn prepares them for a test."
    what = "the columns COLUMNS" if "columns" in known else "pixels from 0 to 255" if "mean" in known else "inputs"
    text = f"Inputs are those of the data set {name}"
    if "mean" in known:
        text += f"; prepare(values) makes them of {what}"
    if "target_mean" in known:
        return text + ". Outputs are standardised; restore(outputs) puts them in the units of the data set."
    return text + (". CLASSES names the outputs." if "classes" in known else ".")


def samples_text(description: dict[str, Any]) -> list[str]:
    """The names of columns and classes; prepare() and restore(), where there is something to do."""
    known = description["preparation"]
    parts = [f"{name.upper()} = {pprint.pformat(known[name], width=100, compact=True)}"
             for name in ("columns", "classes") if name in known]
    kind = "torch.float64" if description["config"]["train"]["precision"] == "float64" else "torch.float32"
    by_channel = "(-1, 1, 1)" if len(description["input"]) == 3 else "(-1,)"
    for head, key, shape, result in (
            ("prepare(values)", "", by_channel, f"((values.double() - mean) / deviation).to({kind})"),
            ("restore(outputs)", "target_", "(-1,)", "outputs.double() * deviation + mean")):
        if f"{key}mean" in known:
            numbers = [f"    {name} = torch.tensor({known[key + name]!r}, dtype=torch.float64).reshape({shape})"
                       for name in ("mean", "deviation")]
            parts.append("\n".join([f"def {head}:", *numbers, f"    return {result}"]))
    return parts


def net_py(name: str, description: dict[str, Any], shapes: dict[str, list[int]]) -> str:
    network = network_text(description, shapes)
    load = inspect.getsource(importlib.import_module("export.pieces.load").load).rstrip()
    head = f"{opening(name, description)}\nimport torch\n\nnn, F = torch.nn, torch.nn.functional\n"
    parts = [*needed(network), network, *samples_text(description), load]
    return "\n\n".join([head, *("\n" + part for part in parts)]).replace(
        "\n\n\n\n", "\n\n\n") + "\n"
