# A rule's equations as the lines of a forward pass over k. A line of the rule language is a line of Python but for
#   sum(j, 0, k, ...)   becomes  sum(... for j in range(k + 1))
#   beta, theta[k]      a coefficient that varies gets its index, one that does not loses it
#   T(x[k])             becomes  T[k](x[k]); where its result is read twice, or later, it is a line of its own,
#                                Tx[k] = T[k](x[k]), and Tx[k-1] is the result of the step before
#   x[k+1] = x[k] + S(x[k+1])    what stands on both sides is solved for
# Which of the calls that differ by a shift of every index is evaluated, and which are remembered: as in
# lib/optdnn/algorithms/unroll.h.
import ast
import dataclasses
import keyword
import re

TAKEN = {"self", "start", "states", "torch", "nn", "F", "sum", "range", "solve", "equations", "unknown", "dict",
         "Table"}


class CannotWrite(Exception):
    """The rule cannot be written as such lines; says why."""


@dataclasses.dataclass
class Index:
    """of_k * k + the signs of sums' variables + constant"""
    of_k: int = 0
    constant: int = 0
    variables: dict = dataclasses.field(default_factory=dict)

    def shifted(self, by: int) -> "Index":
        return Index(self.of_k, self.constant + by, self.variables)

    def text(self) -> str:
        parts = ["k"] * self.of_k + [name if sign > 0 else f"-{name}" for name, sign in self.variables.items()]
        parts += [str(self.constant)] if self.constant or not parts else []
        return "".join(part if i == 0 or part.startswith("-") else f"+{part}" for i, part in enumerate(parts))


@dataclasses.dataclass
class Line:
    name: str
    is_state: bool
    right: ast.expr

    def target(self) -> str:
        return f"{self.name}[k+1]" if self.is_state else f"{self.name}[k]"


@dataclasses.dataclass
class Call:
    """A call by the name that all its shifts share."""
    family: str
    node: ast.Call  # one of them, to be evaluated at its latest index
    base: Index     # of that one
    latest: int     # k + latest; of a call without k the index itself
    moves: bool
    reads: int = 0  # how often it stands in the equations
    plain: bool = True  # it stands at its latest index alone, outside sums
    name: str = ""  # of its results, where they have one


def readable(text: str) -> tuple[str, dict[str, str]]:
    """The equations with names that Python keeps for itself given an underscore, and those names."""
    renamed: dict[str, str] = {}

    def rename(match: re.Match) -> str:
        name = match.group()
        if keyword.iskeyword(name) or name in TAKEN - {"sum"}:
            renamed[name] = name + "_"
        return renamed.get(name, name)

    lines = [line.strip() for line in re.sub(r"#.*", "", text).replace(";", "\n").splitlines()]
    return re.sub(r"(?<![\w.])[A-Za-z_]\w*", rename, "\n".join(lines)), renamed


def index_of(node: ast.expr) -> Index:
    match node:
        case ast.Constant(value=int(value)):
            return Index(0, value)
        case ast.Name(id="k"):
            return Index(1, 0)
        case ast.Name(id=name):
            return Index(0, 0, {name: 1})
        case ast.UnaryOp(op=ast.USub(), operand=inner):
            return added(Index(), index_of(inner), -1)
        case ast.UnaryOp(op=ast.UAdd(), operand=inner):
            return index_of(inner)
        case ast.BinOp(left=left, op=ast.Add() | ast.Sub() as op, right=right):
            return added(index_of(left), index_of(right), 1 if isinstance(op, ast.Add) else -1)
    raise CannotWrite(f"the index {ast.unparse(node)}")


def added(a: Index, b: Index, sign: int) -> Index:
    variables = {name: a.variables.get(name, 0) + sign * b.variables.get(name, 0) for name in a.variables | b.variables}
    return Index(a.of_k + sign * b.of_k, a.constant + sign * b.constant, {n: s for n, s in variables.items() if s})


def indices_of(node: ast.Subscript) -> list[Index]:
    parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    return [index_of(part) for part in parts]


def is_sum(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "sum"


class Indexed(ast.NodeTransformer):
    """beta -> beta[k] where it varies, theta[k] -> theta where it does not."""

    def __init__(self, varying: set[str], fixed: set[str]):
        self.varying, self.fixed = varying, fixed

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return ast.Subscript(node, ast.Name("k")) if node.id in self.varying else node

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        return node.value if node.value.id in self.fixed else node

    def visit_Call(self, node: ast.Call) -> ast.expr:
        first = 3 if is_sum(node) else 0
        return ast.Call(node.func, node.args[:first] + [self.visit(part) for part in node.args[first:]], [])


class Equations:
    """The parsed equations. `varying`: coefficients with a value for each index; `fixed`: those without."""

    def __init__(self, text: str, families: list[str], varying: set[str], fixed: set[str]):
        self.families, self.fixed = families, fixed
        self.lines: dict[str, Line] = {}
        for statement in ast.parse(text).body:
            target = statement.targets[0]
            state = index_of(target.slice).constant == 1
            right = Indexed(varying, fixed).visit(statement.value)
            self.lines[target.value.id] = Line(target.value.id, state, right)
        self.calls: dict[str, Call] = {}  # by the name that shifts share
        for line in self.lines.values():
            self.find_calls(line.right, {})
        self.name_calls({*self.lines, *families, *varying, *fixed})
        self.lags = {line.name: 0 for line in self.lines.values()}
        for line in self.lines.values():
            self.find_lags(line.right, {})

    # --- what is read ---

    def extremes(self, index: Index, bounds: dict, sign: int) -> Index:
        """The largest value (sign 1) that an index has in its sums, or the smallest (-1)."""
        total = Index(index.of_k, index.constant)
        for name, factor in index.variables.items():
            low, high = bounds[name]
            total = added(total, self.extremes(high if factor * sign > 0 else low, bounds, factor * sign), factor)
        return total

    def walk(self, node: ast.expr, bounds: dict, into_calls: bool = True):
        """Every part with the bounds of the sums around it; of a subscript only the whole."""
        if is_sum(node):
            name, low, high, body = node.args
            yield from self.walk(body, bounds | {name.id: (index_of(low), index_of(high))}, into_calls)
            return
        yield node, bounds
        if isinstance(node, ast.Subscript) or not (into_calls or not self.family_of(node) or self.is_fresh(node)):
            return
        children = node.args if isinstance(node, ast.Call) else ast.iter_child_nodes(node)
        for child in children:
            if isinstance(child, ast.expr):
                yield from self.walk(child, bounds, into_calls)

    def family_of(self, node: ast.AST) -> str | None:
        if not isinstance(node, ast.Call) or is_sum(node):
            return None
        return node.func.value.id if isinstance(node.func, ast.Subscript) else node.func.id

    def is_fresh(self, node: ast.Call) -> bool:
        return isinstance(node.func, ast.Subscript)

    def moving_indices(self, node: ast.expr, bounds: dict) -> list[Index]:
        found = []
        for part, _ in self.walk(node, bounds):
            if isinstance(part, ast.Subscript):
                found += indices_of(part)
            elif isinstance(part, ast.Name) and part.id == "k":
                found.append(Index(1, 0))
        return found

    def base_of(self, node: ast.Call, bounds: dict) -> Index:
        """The largest index that moves, or of all if none does; those of one call must move alike."""
        found = self.moving_indices(node.args[0], bounds)
        moving = [i for i in found if i.of_k or i.variables] or found or [Index(1, 0)]
        if any((i.of_k, i.variables) != (moving[0].of_k, moving[0].variables) for i in moving):
            raise CannotWrite(f"the indices of {ast.unparse(node)} do not move alike")
        return max(moving, key=lambda i: i.constant)

    def shared_name(self, node: ast.Call, base: Index) -> str:
        moves = bool(base.of_k or base.variables)

        def relative(index: Index) -> str:
            shifts = moves == bool(index.of_k or index.variables)
            return f"[{index.constant - base.constant}]" if shifts else f"({index.text()})"

        class Relative(ast.NodeTransformer):
            def visit_Subscript(self, part):
                return ast.Name(part.value.id + "".join(map(relative, indices_of(part))))
        copy = Relative().visit(ast.parse(ast.unparse(node), mode="eval").body)
        return ast.unparse(copy)

    def find_calls(self, node: ast.expr, bounds: dict) -> None:
        for part, inside in self.walk(node, bounds):
            family = self.family_of(part)
            if family is None or self.is_fresh(part):
                continue
            base = self.base_of(part, inside)
            top = self.extremes(base, inside, 1)
            if top.of_k not in (0, 1):
                raise CannotWrite(f"the index of {ast.unparse(part)}")
            name, plain = self.shared_name(part, base), not base.variables
            call = self.calls.setdefault(name, Call(family, part, base, top.constant, top.of_k == 1))
            call.reads += 1
            call.plain &= plain and call.moves == (top.of_k == 1) and call.latest == top.constant
            if top.of_k == 1 and (not call.moves or top.constant > call.latest or (plain and call.base.variables)):
                call.node, call.base = part, base
                call.latest = max(top.constant, call.latest) if call.moves else top.constant
                call.moves = True

    def name_calls(self, taken: set[str]) -> None:
        """Tx for T(x[k]); T_1 where that says too little."""
        for i, call in enumerate(self.calls.values(), 1):
            argument = call.node.args[0]
            call.name = f"{call.family}{argument.value.id}" if isinstance(argument, ast.Subscript) else ""
            others = [other.name for other in self.calls.values() if other is not call]
            if not call.name or call.name in [*taken, *others]:
                call.name = f"{call.family}_{i}"

    def find_lags(self, node: ast.expr, bounds: dict) -> None:
        """How many steps back each line and each named result is read; None: back to the first."""
        for part, inside in self.walk(node, bounds):
            if isinstance(part, ast.Subscript) and part.value.id in self.lines:
                self.note_lag(part.value.id, self.extremes(index_of(part.slice), inside, -1))
            elif self.family_of(part) and not self.is_fresh(part):
                base = self.base_of(part, inside)
                call = self.calls[self.shared_name(part, base)]
                self.note_lag(call.name, self.extremes(base, inside, -1))

    def note_lag(self, name: str, low: Index) -> None:
        before = self.lags.get(name, 0)
        self.lags[name] = None if before is None or low.of_k == 0 else max(before, -low.constant)
