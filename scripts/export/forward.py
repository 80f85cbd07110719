# The order in which a step evaluates its lines and calls, and their text. A line or call that needs itself through
# others is solved for: its calls are the unknowns.
#   %1  Ty[k] = T[k](y[k])                  a call that is read twice
#   %2  def equations(unknown): ...         S(x[k+1]) in x[k+1] = x[k] + S(x[k+1])
#       [Sx[k+1]] = solve(0, equations, 1)
import ast
import re

from export.equations import Call, CannotWrite, Equations, Index, Line, added, index_of, indices_of, is_sum

Node = tuple[str, str]  # ("line" or "call", name)


def source(node: ast.AST) -> str:
    """x[k+1] = y[k] + 0.5*T(y[k]), as papers space it."""
    text = re.sub(r"\[[^\[\]]*\]", lambda match: match.group().replace(" ", ""), ast.unparse(node))
    return text.replace(" * ", "*").replace(" / ", "/")


def parsed(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


class Step:
    """`access`: how a family's module is called at step k, as text with a place for the argument; `frozen`: those
    families whose modules compute something once for many calls, with the text of that."""

    def __init__(self, equations: Equations, access: dict[str, str], frozen: dict[str, str]):
        self.of, self.access, self.frozen = equations, access, frozen
        self.groups = self.components()
        self.solved = {name for group in self.groups if self.is_cycle(group) for kind, name in group if kind == "call"}
        around = [node for group in self.groups if self.is_cycle(group) for node in group]
        beside = {name for node in around for kind, name in self.needs(node) if kind == "call"}
        self.inlined = {name for name, call in equations.calls.items()
                        if call.reads == 1 and call.plain and name not in self.solved | beside}

    # --- order ---

    def call_of(self, node: ast.Call, bounds: dict) -> tuple[str, Call, Index]:
        base = self.of.base_of(node, bounds)
        name = self.of.shared_name(node, base)
        return name, self.of.calls[name], base

    def needs(self, node: Node) -> list[Node]:
        kind, name = node
        expression = self.of.lines[name].right if kind == "line" else self.argument(self.of.calls[name])
        found: list[Node] = []
        for part, bounds in self.of.walk(expression, {}, into_calls=False):
            if isinstance(part, ast.Subscript) and part.value.id in self.of.lines:
                line, top = self.of.lines[part.value.id], self.of.extremes(index_of(part.slice), bounds, 1)
                if top.of_k and top.constant >= line.is_state:
                    found.append(("line", line.name))
            elif self.of.family_of(part) and not self.of.is_fresh(part):
                called, call, base = self.call_of(part, bounds)
                top = self.of.extremes(base, bounds, 1)
                if not call.moves or (top.of_k and top.constant == call.latest):
                    found.append(("call", called))
        return found

    def components(self) -> list[list[Node]]:
        """Tarjan 1972: each after all it needs, in the order of the equations otherwise."""
        number: dict[Node, int] = {}
        lowest: dict[Node, int] = {}
        stack: list[Node] = []
        groups: list[list[Node]] = []

        def visit(node: Node) -> None:
            number[node] = lowest[node] = len(number)
            stack.append(node)
            for other in self.needs(node):
                if other not in number:
                    visit(other)
                if other in stack:
                    lowest[node] = min(lowest[node], lowest[other])
            if lowest[node] == number[node]:
                at = stack.index(node)
                groups.append(stack[at:])
                del stack[at:]

        for name in self.of.lines:
            if ("line", name) not in number:
                visit(("line", name))
        return groups

    def is_cycle(self, group: list[Node]) -> bool:
        return len(group) > 1 or group[0] in self.needs(group[0])

    # --- text ---

    def argument(self, call: Call) -> ast.expr:
        """Of the call at its latest index; a sum's variable has its last value there."""
        if not call.base.variables:
            return call.node.args[0]
        kind = (call.base.of_k, call.base.variables)

        class Latest(ast.NodeTransformer):
            def visit_Subscript(self, part):
                moved = [Index(1, call.latest + index.constant - call.base.constant)
                         if (index.of_k, index.variables) == kind else index for index in indices_of(part)]
                return ast.Name(f"{part.value.id}[{','.join(index.text() for index in moved)}]")
        return parsed(ast.unparse(Latest().visit(parsed(ast.unparse(call.node.args[0])))))

    def text(self, node: ast.expr, once: frozenset[str] = frozenset()) -> str:
        """With calls as they are made or remembered; `once`: families that have been frozen."""
        step = self

        class Written(ast.NodeTransformer):
            def __init__(self, bounds):
                self.bounds = bounds

            def visit_Subscript(self, part):
                return part

            def visit_Call(self, part):
                if is_sum(part):
                    return self.visit_sum(part)
                if step.of.is_fresh(part):
                    return ast.Call(part.func, [self.visit(part.args[0])], [])
                name, call, base = step.call_of(part, self.bounds)
                if name in step.inlined:
                    return ast.Name(step.called(call.family, source(self.visit(part.args[0])), once))
                return ast.Name(f"{call.name}[{base.text()}]")

            def visit_sum(self, part):
                name, low, high, body = part.args
                inside = Written(self.bounds | {name.id: (index_of(low), index_of(high))})
                first, end = index_of(low).text(), added(index_of(high), Index(0, 1), 1).text()
                text = source(inside.visit(body))
                return ast.Name(f"sum({text} for {name.id} in range({'' if first == '0' else first + ', '}{end}))")

        return source(Written({}).visit(parsed(ast.unparse(node))))

    def called(self, family: str, argument: str, once: frozenset[str] = frozenset()) -> str:
        return f"{family}_k({argument})" if family in once else self.access[family].format(argument)

    def result(self, call: Call) -> str:
        return f"{call.name}[{(Index(1, call.latest) if call.moves else Index(0, call.latest)).text()}]"

    def line_text(self, line: Line) -> str:
        return f"{line.target()} = {self.text(line.right)}"

    def body(self) -> list[str]:
        """The lines of one step."""
        lines = []
        for number, group in enumerate(self.groups):
            kind, name = group[0]
            if self.is_cycle(group):
                lines += self.solve(number, group)
            elif kind == "line":
                lines.append(self.line_text(self.of.lines[name]))
            elif name not in self.inlined:
                call = self.of.calls[name]
                lines.append(f"{self.result(call)} = {self.called(call.family, self.text(self.argument(call)))}")
        return lines

    def solve(self, number: int, group: list[Node]) -> list[str]:
        calls = [self.of.calls[name] for kind, name in group if kind == "call"]
        if not calls:
            raise CannotWrite(f"{group[0][1]} stands on both sides outside of modules; solve that line for it by hand")
        inner = [self.line_text(line) for line in self.in_order([n for kind, n in group if kind == "line"])]
        once = frozenset(call.family for call in calls if call.family in self.frozen)
        unknowns = ", ".join(self.result(call) for call in calls)
        values = ", ".join(self.called(call.family, self.text(self.argument(call)), once) for call in calls)
        return [*(f"{family}_k = {self.frozen[family]}" for family in sorted(once)),
                "",
                "def equations(unknown):",
                f"    [{unknowns}] = unknown",
                *("    " + line for line in inner),
                f"    return [{values}]",
                "",
                f"[{unknowns}] = solve({number}, equations, {len(calls)})",
                *inner]

    def in_order(self, names: list[str]) -> list[Line]:
        ordered: list[Line] = []
        open_: set[str] = set()

        def visit(name: str) -> None:
            if self.of.lines[name] in ordered:
                return
            if name in open_:
                raise CannotWrite(f"{name} stands on both sides outside of modules; solve that line for it by hand")
            open_.add(name)
            for kind, other in self.needs(("line", name)):
                if kind == "line" and other in names:
                    visit(other)
            ordered.append(self.of.lines[name])

        for name in sorted(names, key=list(self.of.lines).index):
            visit(name)
        return ordered
