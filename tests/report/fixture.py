# Run folders as `optdnn train` would leave them, made up from formulas: what the tests of the report read.
#   rings/apg2      3 seeds, learned coefficients, pictures of a classification in the plane, a published number
#   rings/resnet    3 seeds, one diverged; NaN among its metrics
#   rings/...       all others are compared with apg2; lifted with values a search chose, and a trial that no report
#                   reads
#   rings/momentum  one finished seed, one damaged summary, one that never got a summary
#   rings/lifted    3 seeds, states of five dimensions, numbers of a solver
#   telgarsky/...   a regression of one dimension
import json
import math
import pathlib
from typing import Any

import numpy as np
from safetensors.numpy import save_file

# lifted: as written before the two verdicts
STAGES = {"apg2": [{"convergent": True, "reason": "", "universal": None, "universal_reason": "of a | convolution"}],
          "lifted": [{"certified": True, "reason": ""}],
          "momentum": [{"convergent": False, "reason": "the coefficient beta | may reach 1", "universal": False,
                        "universal_reason": "the rule is not convergent"}]}
SEARCH = {"trials": 32, "trial": 7, "select": "valid/loss", "screened": 0.01234567, "confirmed": 0.02,
          "values": {"optimizer.learning_rate": 0.03162, "init.scale": 1.5}}
PAPER = {"apg2": {"test_error_pct": 1.5, "parameters": 80, "top_1": "99 | 98", "source": "A. Author 2020, *Table 1*"}}


def make_runs(folder: pathlib.Path) -> pathlib.Path:
    for row, height in (("apg2", 1.0), ("lifted", 1.75), ("resnet", 12.0), ("momentum", 4.0)):
        for seed in range(3):
            run = folder / "rings" / row / f"seed-{seed}"
            lost = row == "resnet" and seed == 2
            make_run(run, "Nested rings", row, seed, records(row, seed, height, lost),
                     "diverged" if lost else "finished",
                     {"test/loss": height / 20 + 0.01 * seed, "test/error_pct": height + 0.25 * seed,
                      "test/margin": None if row == "resnet" and seed == 0 else 0.5 - height / 4 + 0.125 * seed ** 2})
        trial = folder / "rings" / row / "search/trial-0/seed-1000000000"
        if row == "lifted":
            make_run(trial, "Nested rings", row, 1000000000, [], "finished", {"valid/loss": 0.0, "test/error_pct": 0.0})
        make_pictures(folder / "rings" / row / "seed-0", 2 if row != "lifted" else 5, height)
    (folder / "rings/momentum/seed-1/summary.json").write_text('{"status": "finished", "la')
    (folder / "rings/momentum/seed-2/summary.json").unlink()
    for depth in (3, 10):
        run = folder / "telgarsky" / f"apg2-depth={depth}" / "seed-0"
        last = {"test/mse": 0.2 / depth ** 2, "test/l1": 0.3 / depth}
        lines = records("telgarsky", 0, 1 / depth, False)
        make_run(run, "Telgarsky", f"apg2-depth={depth}", 0, lines, "finished", last)
        make_curve(run, depth)
    return folder


def make_run(run: pathlib.Path, table: str, row: str, seed: int, lines: list[dict[str, float]], status: str,
             last: dict[str, Any]) -> None:
    run.mkdir(parents=True)
    (run / "resolved.yaml").write_text(f"seeds: [{seed}]\n")
    (run / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    summary = {"status": status, "table": table, "config": "/somewhere/else/rings.yaml", "row": row, "seed": seed,
               "config_hash": "abc", "optdnn": "optdnn 0.1.0 (LibTorch 2.13.0)", "libtorch": "2.13.0", "device": "cpu",
               "device_name": "Test CPU", "threads": 1 if seed else 2, "loader_threads": 1,
               "parameters": 82, "multiply_adds": 1440}
    summary |= {"paper": PAPER[row]} if row in PAPER else {}
    summary |= {"compare": {"to": "apg2", "cost": "parameters"}} if row in ("lifted", "momentum", "resnet") else {}
    summary |= {"search": SEARCH, "runs_at_once": 3, "cpu_seconds": 7.5} if row == "lifted" else {}
    if status == "finished":
        summary |= {"iterations": 400, "epochs": 20.0, "seconds": 10.0 + seed, "last": last}
        summary |= {"certificate": STAGES[row]} if row in STAGES else {}
    else:
        summary |= {"error": f"loss is nan at iteration 120 of /somewhere/else/{row}/seed-{seed}"}
    (run / "summary.json").write_text(json.dumps(summary, indent=2))


def records(row: str, seed: int, height: float, diverges: bool) -> list[dict[str, float]]:
    """A record every fifth of an epoch, evaluated at epoch ends."""
    noise = np.random.default_rng([seed, len(row)])
    lines = []
    for fifth in range(1, 101):
        decay = math.exp(-fifth / (20 + 5 * height)) + height / 80
        record = {"iteration": 4 * fifth, "epoch": fifth / 5, "seconds": fifth / 10,
                  "train/loss": decay * (1 + 0.1 * noise.normal()), "train/learning_rate": 0.1}
        if fifth % 5 == 0:
            record |= {"test/loss": decay * (1.1 + 0.05 * seed), "test/margin": 0.5 - height / 4 - decay * (5 + seed)}
            kind = "test/mse" if row == "telgarsky" else "test/error_pct"
            record |= {kind: 50 * decay * (1 + 0.1 * seed)}
            record |= learned(row, seed, fifth / 100)
        if row == "resnet" and seed == 0 and fifth == 50:
            record["test/loss"] = math.nan
        lines.append(record)
        if diverges and fifth == 30:
            lines[-1] |= {"train/loss": math.inf, "test/loss": math.nan}
            return lines
    return lines


def learned(row: str, seed: int, time: float) -> dict[str, float]:
    if row == "lifted":
        return {"coefficient/0/beta": 0.5 - 0.3 * time - 0.02 * seed, "coefficient/1/beta": 0.5 + 0.2 * time,
                "certificate/spectral_radius": 1.0, "certificate/certified": 1.0} | solved(time, seed)
    if row != "apg2":
        return {}
    gammas = {f"coefficient/0/gamma/{k}": 1.5 + (0.1 * k - 0.7 + 0.03 * seed) * time for k in range(15)}
    radius = 1 + max(0.0, 0.04 * math.sin(9 * time))
    return gammas | {"certificate/spectral_radius": radius, "certificate/convergent": float(radius <= 1.0)}


def solved(time: float, seed: int) -> dict[str, float]:
    residuals = {f"solver/residual_after/{n}": (0.3 + 0.2 * time) ** n for n in range(1, 9)}
    return residuals | {"solver/steps": 5 + 3 * time + 0.2 * seed, "solver/residual": 8e-4, "solver/failed": 40 * time,
                        "solver/spectral_radius": 0.3 + 0.2 * time, "solver/cosine/phantom": 0.99 - 0.05 * time,
                        "solver/cosine/jacobian_free": 0.9 - 0.2 * time}


def rings(count: int) -> tuple[np.ndarray, np.ndarray]:
    noise = np.random.default_rng(0)
    ring = np.arange(count) % 4 + 1
    angle, radius = noise.uniform(0, 2 * np.pi, count), 3 * (0.5 * ring + 0.2 * noise.uniform(size=count))
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], -1), (ring + 1) % 2


def make_pictures(run: pathlib.Path, dimensions: int, height: float) -> None:
    axis = np.linspace(-7.5, 7.5, 121)
    grid = np.stack(np.meshgrid(axis, axis, indexing="ij"), -1).reshape(-1, 2)
    wave = 4 * np.cos(2 * np.pi * (np.hypot(*grid.T) - 0.3) / 3) + height * np.sin(grid[:, 0]) / 4
    points, targets = rings(800)
    start = np.pad(points[:160], [(0, 0), (0, dimensions - 2)])
    turn = np.eye(dimensions) + 0.08 * np.random.default_rng(1).normal(size=(dimensions, dimensions))
    states = [start]
    for _ in range(15):
        states.append(states[-1] @ turn + 0.1 * (2 * targets[:160, None] - 1))
    tensors = {"grid_inputs": grid, "grid_outputs": np.stack([wave / 2, -wave / 2], -1), "points_inputs": points,
               "path_states": np.stack(states), "path_targets": targets[:160].astype(float)}
    write_tensors(run / "pictures.safetensors", tensors | {"points_targets": targets.astype(float)},
                  {"grid_rows": "121", "grid_cols": "121"})


def make_curve(run: pathlib.Path, depth: int) -> None:
    x = np.linspace(0, 1, 1025)
    tent = x
    for _ in range(3):
        tent = np.where(tent < 0.5, 2 * tent, 2 - 2 * tent)
    fit = 0.5 + (tent - 0.5) * (1 - 1 / depth) + 0.02 * np.sin(40 * x)
    write_tensors(run / "pictures.safetensors",
                  {"curve_inputs": x[:, None], "curve_outputs": fit[:, None], "curve_targets": tent[:, None]}, {})


def write_tensors(path: pathlib.Path, tensors: dict[str, np.ndarray], metadata: dict[str, str]) -> None:
    whole = {name: np.ascontiguousarray(tensor, dtype=np.float32) for name, tensor in tensors.items()}
    save_file(whole, path, metadata=metadata)


def make_study(folder: pathlib.Path, wrong: bool = False) -> pathlib.Path:
    """A convergence study of three rules, the last refused; if `wrong`, it converges all the same."""
    for row, order, convergent, coupled in (("apg2", 1.0, True, False), ("leapfrog", 1.0, False, True),
                                            ("undamped", -1.5, False, False)):
        promised = convergent or coupled
        run = folder / "convergence" / row / "study"
        run.mkdir(parents=True)
        errors = {str(depth): None if depth == 64 and not promised else depth ** -order for depth in (16, 32, 64)}
        summary = {"status": "finished", "study": "converge", "table": "Convergence", "row": row, "device": "cpu",
                   "certificate": [{"convergent": convergent, "coupled": coupled, "reason": "a double root at 1"}],
                   "convergence": {"convergent": convergent, "coupled": coupled, "converges": promised or wrong,
                                   "errors": errors,
                                   "effective_step": {"T": 1.5} if convergent else None,
                                   "order": order if promised else None}}
        (run / "summary.json").write_text(json.dumps(summary))
    return folder
