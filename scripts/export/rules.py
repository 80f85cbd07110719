# The text of a rule's network: class Stage, whose forward is the rule's equations, and class Net around it.
import keyword
import pprint
import re
from typing import Any

from export.equations import CannotWrite, Equations, readable
from export.forward import Step
from export.models import solver_text
from export.parts import freezes, head_text, keeps_statistics, module_text, stem_text, transition_text

Description = dict[str, Any]
Shapes = dict[str, list[int]]  # of the weights


class RuleText:
    def __init__(self, description: Description, shapes: Shapes):
        self.rule, self.config, self.stages = description["rule"], description["config"], description["stages"]
        if taken := [family for family in self.rule["families"] if keyword.iskeyword(family)]:
            raise CannotWrite(f"the module {taken[0]} of its rule is a word of Python's; give it another name")
        self.input, self.outputs, self.shapes = description["input"], description["outputs"], shapes
        self.transition = self.config["transition"]
        self.dense, self.carries = self.transition["name"] == "dense", self.transition.get("state") == "carry"
        self.image = len(self.input) == 3
        text, self.renamed = readable(self.rule["equations"])
        self.coefficients = {self.name(name): value for name, value in self.rule["coefficients"].items()}
        self.parameters = {self.name(name): name for name in self.rule["coefficients"]}
        fixed = {name for name, c in self.coefficients.items() if "value" in c or c["learn"] == "shared"}
        self.equations = Equations(text, self.rule["families"], set(self.coefficients) - fixed, fixed)
        self.modules = {family: self.config.get("module") or self.config["modules"][family]
                        for family in self.rule["families"]}
        access = {family: self.access(family) for family in self.modules}
        frozen = {f: access[f].replace("({})", ".frozen()") for f, module in self.modules.items() if freezes(module)}
        self.step = Step(self.equations, access, frozen)
        self.body = self.step.body()
        self.implicit = any("solve(" in line for line in self.body)

    def name(self, name: str) -> str:
        return self.renamed.get(name, name)

    def shared(self, family: str) -> bool:
        return self.modules[family]["sharing"] == "shared"

    def access(self, family: str) -> str:
        if not self.shared(family):
            return family + "[k]({})"
        step = "k - self.first" if self.carries else "k"
        return family + (f"({{}}, {step})" if keeps_statistics(self.modules[family]) else "({})")

    # --- what stands in the tables of values ---

    def constants(self) -> str:
        tables = {name: {tuple(at) if len(at) > 1 else at[0]: value for at, value in c["values"]}
                  for name, c in self.coefficients.items() if "values" in c}
        text = pprint.pformat(tables, width=119, compact=True, sort_dicts=False) if tables else ""
        lines = [f"VALUES = {text}  # of sequences, by step"] if tables else []
        if self.implicit:
            lines.append(f"SOLVER = {solver_text(self.config['solver'])}")
        return "\n".join(lines)

    # --- class Stage ---

    def module_names(self, family: str, stage: int) -> list[str]:
        found = re.compile(rf"stage_{stage}\.{family}\.(\d+(?:_\d+)?)\.")
        names = dict.fromkeys(match.group(1) for name in self.shapes if (match := found.match(name)))
        return sorted(names, key=lambda name: [int(part) for part in name.split("_")])

    def names_text(self, names: list[str]) -> str:
        if names == [str(k) for k in range(len(names))]:
            return f"range({len(names)})"
        steps = max((int(name.split("_")[0]) for name in names), default=-1) + 1
        if names == [f"{k}_{j}" for k in range(steps) for j in range(k + 1)]:
            return f"[f\"{{k}}_{{j}}\" for k in range({steps}) for j in range(k + 1)]"
        return repr(names)

    def wide(self, family: str, stage: int) -> list[str]:
        """The modules that read x[0] where it has a width of its own."""
        of = self.stages[stage]
        if of["input"] == of["width"]:
            return []
        channels = {name: self.shapes[f"stage_{stage}.{family}.{name}.conv1.weight"][1]
                    for name in self.module_names(family, stage)}
        return [name for name, inputs in channels.items() if inputs != of["width"]]

    def stage_call(self, stage: int) -> str:
        of = self.stages[stage]
        words = [str(of["first"]), str(of["steps"]), str(of["width"])]
        if self.widens():
            words.append(str(of["input"]))
        for family in self.modules:
            if not self.shared(family):
                words.append(f"{family}={self.names_text(self.module_names(family, stage))}")
                if self.widens():
                    words.append(f"{family}_of_x0={self.names_text(self.wide(family, stage))}")
        for name, slots in of["coefficients"].items():
            flat = [tuple(at) if len(at) > 1 else at[0] if at else 0 for at in slots]
            plain = flat == list(range(len(flat)))
            indices = f"range({len(flat)})" if plain else repr(flat)
            words.append(f"{name}={indices}" if self.name(name) == name else f'**{{"{name}": {indices}}}')
        return f"Stage({', '.join(words)})"

    def widens(self) -> bool:
        return any(of["input"] != of["width"] for of in self.stages)

    def stage_class(self) -> list[str]:
        per_step = [family for family in self.modules if not self.shared(family)]
        words = ["first", "depth", "width"] + (["width_of_x0"] if self.widens() else [])
        words += [w for f in per_step for w in [f"{f}", *([f"{f}_of_x0"] if self.widens() else [])]]
        built = []
        for family, spec in self.modules.items():
            if self.shared(family):
                built.append(f"self.{family} = {module_text(spec, 'width', 'depth')}")
                continue
            inputs = f"width_of_x0 if at in {family}_of_x0 else width" if self.widens() else "width"
            built += [f"self.{family} = Steps({{str(at): {module_text(spec, inputs, '')}",
                      " " * len(f"self.{family} = Steps({{") + f"for at in {family}}}, first)"]
        learned = any(c["learn"] != "no" for c in self.coefficients.values())
        words += ["**learned"] if learned else []
        built += ["self.coefficients = Coefficients(**learned)"] if learned else []
        return ["class Stage(nn.Module):",
                '    """Steps of the rule at one resolution."""',
                "",
                f"    def __init__(self, {', '.join(words)}):",
                "        super().__init__()",
                "        self.first, self.depth = first, depth",
                *indented(built, 2),
                "",
                *indented(self.forward(), 1)]

    def forward(self) -> list[str]:
        names = self.sequences()
        begin = [f"{', '.join(self.modules)} = {', '.join('self.' + family for family in self.modules)}"]
        for name, c in self.coefficients.items():
            begin.append(f"{name} = {self.coefficient(name, c)}")
        if self.implicit:
            begin.append(f"solve = Solves(start, {self.config['solver']['warm_start']}, **SOLVER)")
        starts = [f"{name} = {self.start_of(name)}" for name in names]
        if self.carries:
            starts = ["if states is None:", *indented(starts, 1), "else:", f"    {', '.join(names)}, = states"]
        steps = "range(self.first, self.first + self.depth)" if self.carries else "range(self.depth)"
        head = "def forward(self, start, states=None):" if self.carries else "def forward(self, start):"
        return [head, *indented(begin + starts + [f"for k in {steps}:", *indented(self.body, 1), self.returned()], 1)]

    def coefficient(self, name: str, c: dict[str, Any]) -> str:
        if "value" in c:
            return repr(c["value"])
        if "values" in c:
            return f'VALUES["{name}"]'
        limits = "".join(f", {limit!r}" for limit in c["range"]) if c.get("range") else ""
        place = "[0]" if c["learn"] == "shared" else ""
        return f'self.coefficients.values("{self.parameters[name]}"{limits}){place}'

    # --- states ---

    def sequences(self) -> list[str]:
        """The names of lines and of results that are kept."""
        kept = [call.name for name, call in self.equations.calls.items() if name not in self.step.inlined]
        return list(self.equations.lines) + kept

    def start_of(self, name: str) -> str:
        line, lag = self.equations.lines.get(name), self.equations.lags.get(name) or 0
        if line is None:
            return "Table()"
        known = {}
        for label, multiple in self.rule["start"].items():
            match = re.fullmatch(r"(\w+)\[(?:k|0)(?:-(\d+))?\]", label)
            if match and self.name(match.group(1)) == name:
                known[-int(match.group(2) or 0)] = self.multiple(multiple)
        first = 0 if line.is_state else -1
        values = {k: known.get(k, known.get(0, 0.0) if line.is_state else 0.0) for k in range(first, -lag - 1, -1)}
        entries = ", ".join(f"{k}: {scaled(multiple)}" for k, multiple in values.items())
        return f"{{{entries}}}"

    def multiple(self, of_input: float | str) -> float | str:
        """Of learned coefficients an expression, in this text's names for them."""
        if not isinstance(of_input, str):
            return of_input
        return "(" + re.sub(r"[A-Za-z_]\w*", lambda match: self.name(match.group()), of_input) + ")"

    def output(self, steps: str) -> str:
        name = self.name(self.rule["output"])
        return f"{name}[{steps}]" if self.equations.lines[name].is_state else f"{name}[{steps} - 1]"

    def returned(self) -> str:
        if self.carries:
            return f"return {', '.join(self.sequences())},"
        if self.dense:
            state = self.equations.lines[self.name(self.rule["output"])].is_state
            return (f"return torch.cat([start] + [{self.name(self.rule['output'])}[{'k + 1' if state else 'k'}] "
                    f"for k in range(self.depth)], {1 if self.image else -1})")
        return "return " + self.output("self.depth")

    # --- class Net ---

    def net_class(self) -> list[str]:
        built, passed = [f"self.stem = {stem_text(self.config.get('stem'), self.input, self.stages[0]['input'])}"], []
        lags = [self.equations.lags.get(name, 0) for name in self.sequences()]
        for i, stage in enumerate(self.stages):
            if i > 0:
                before, after = self.stages[i - 1]["handed_on"], stage["input"]
                built.append(f"self.transition_{i} = {transition_text(self.transition, before, after, self.image)}")
            built.append(f"self.stage_{i} = {self.stage_call(i)}")
            if self.carries:
                back = [stage["first"] if lag is None else lag for lag in lags]
                passed += [f"states = across(states, self.transition_{i}, {stage['first']}, {back})"] if i else []
                passed.append(f"states = self.stage_{i}({self.like(i)}{', states' if i else ''})")
            else:
                passed.append(f"x = self.stage_{i}({f'self.transition_{i}(x)' if i else 'self.stem(inputs)'})")
        last = self.stages[-1]
        built.append(f"self.head = {head_text(self.config.get('head'), self.outputs, last['handed_on'], self.image)}")
        if self.carries:
            total, place = last["first"] + last["steps"], self.sequences().index(self.name(self.rule["output"]))
            state = self.equations.lines[self.name(self.rule["output"])].is_state
            passed.append(f"x = states[{place}][{total if state else total - 1}]")
        steps = " + ".join(str(of["steps"]) for of in self.stages)
        return ["class Net(nn.Module):",
                f'    """{in_docstring(self.rule["name"])}: {steps} steps."""',
                "",
                "    def __init__(self):",
                "        super().__init__()",
                *indented(built, 2),
                "",
                "    def forward(self, inputs):",
                *indented(passed + ["return self.head(x)"], 2)]

    def like(self, i: int) -> str:
        if i == 0:
            return "self.stem(inputs)"
        place = next(i for i, line in enumerate(self.equations.lines.values()) if line.is_state)
        return f"states[{place}][{self.stages[i]['first']}]"

    def text(self) -> str:
        return "\n".join([*([self.constants(), ""] if self.constants() else []), "", *self.stage_class(), "", "",
                          *self.net_class()])


def in_docstring(text: str) -> str:
    """A text of the user's as it stands between triple quotes: comments may hold anything."""
    return text.replace("\\", "\\\\").replace('"', '\\"')


def scaled(multiple: float | str) -> str:
    if isinstance(multiple, str):
        return f"{multiple}*start"
    return "start" if multiple == 1.0 else "torch.zeros_like(start)" if multiple == 0.0 else f"{multiple!r}*start"


def indented(lines: list[str], by: int) -> list[str]:
    return [("    " * by + line) if line else "" for line in lines]
