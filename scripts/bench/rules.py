# A rule beside gradient descent with the same module and depth, both ours: what its linear combinations cost. Times are
# compared per multiply-add, as a rule may evaluate more modules in a step. The networks differ, so no answer has to
# agree.
import json
import pathlib
import subprocess

from bench.training import ROOT, Ours, Work

# Of a row of configs/bench.yaml, which are timed beside its gradient descent.
RULES = {"rule": ["heavy_ball", "nesterov", "apg", "apg2", "ladmm"], "convnext": ["apg2"], "transformer": ["apg2"]}


class Rule(Ours):
    def __init__(self, row: str, rule: str, program: pathlib.Path, folder: pathlib.Path, share: float = 1.0):
        work = Work(row_id(row, rule), "", {}, batches=4, losses=1, iterations=4, warm_up=1)
        super().__init__(work, program, folder)
        self.name, self.share = rule, share

    def answers(self) -> list[float]:
        return []

    def seconds(self) -> float:
        return self.share * super().seconds()


def row_id(row: str, rule: str) -> str:
    return f"{row}-algorithm={rule}"


def multiply_adds(program: pathlib.Path) -> dict[str, int]:
    """By row of the benchmarks' config."""
    words = [str(program), "info", str(ROOT / "configs/bench.yaml"), "--json"]
    rows = json.loads(subprocess.run(words, capture_output=True, text=True, check=True).stdout)
    return {row["id"]: row["multiply_adds"] for row in rows}


def contestants(row: str, rule: str, program: pathlib.Path, folder: pathlib.Path) -> list[Rule]:
    count = multiply_adds(program)
    share = count[row_id(row, rule)] / count[row_id(row, "gradient_descent")]
    return [Rule(row, rule, program, folder), Rule(row, "gradient_descent", program, folder, share)]
