# What a vector task's network does, from pictures.safetensors of each row's first seed that has one:
#   grid_inputs [N, 2], grid_outputs [N, K] (class scores; K = 1: a real output), metadata grid_rows, grid_cols
#   points_inputs [n, 2], points_targets [n]        path_states [steps + 1, n, D], path_targets [n] if not the points'
#   curve_inputs [N, 1], curve_outputs [N, 1], curve_targets [N, 1]
# as the network has them; the metadata `preparation` (lib/optdnn/data/preparation.h) says what they are in the units of
# the data set, in which they are drawn, and what columns and classes are called.
import json
import pathlib
from dataclasses import dataclass
from typing import Any, Callable, Iterator

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from safetensors import SafetensorError, safe_open

from report import style
from report.runs import Group, Run, without_places

PANELS_A_PAGE = 12
MOST_PATHS = 120
MOST_POINTS = 800
LARGEST_FILE = 256 << 20  # bytes
Tensors = dict[str, np.ndarray]


@dataclass
class Sketch:
    """The pictures of a row, by its first seed that has some."""
    title: str
    tensors: Tensors
    columns: list[str]
    classes: list[str]

    def input_name(self, column: int, otherwise: str) -> str:
        return style.short(self.columns[column], 20) if column < len(self.columns) else otherwise

    def class_name(self, value: float) -> str:
        return style.short(self.classes[int(value)], 20) if 0 <= value < len(self.classes) else f"class {value:g}"


def read_sketches(group: Group, problems: list[str]) -> list[Sketch]:
    sketches = []
    for row in group.rows:
        for run in row.runs:
            path = run.path / "pictures.safetensors"
            if path.is_file() and (read := read_pictures(run, path, problems)) is not None:
                sketches.append(Sketch(f"{style.short(row.id, 26)}\nseed {run.seed}", *read))
                break
    return sketches


def read_pictures(run: Run, path: pathlib.Path, problems: list[str]) -> tuple[Tensors, list[str], list[str]] | None:
    """The tensors in the data set's units, the names of columns and of classes."""
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise ValueError(f"larger than {LARGEST_FILE} bytes")
        with safe_open(path, "numpy") as file:
            tensors = {name: file.get_tensor(name).astype(np.float64) for name in file.keys()}
            metadata = file.metadata() or {}
            check(tensors, metadata)
        known = json.loads(metadata.get("preparation", "{}"))
        put_in_units(tensors, known)
        return tensors, list(map(str, known.get("columns", []))), list(map(str, known.get("classes", [])))
    except (OSError, ValueError, TypeError, AttributeError, LookupError, RecursionError, SafetensorError) as error:
        problem = f"{run.name}: pictures.safetensors is damaged: {without_places(str(error))}"
        problems += [] if problem in problems else [problem]
        return None


def put_in_units(tensors: Tensors, known: dict[str, Any]) -> None:
    """Errors: ValueError where the preparation has other sizes."""
    for key, names in (("", ("grid_inputs", "points_inputs", "curve_inputs")),
                       ("target_", ("grid_outputs", "points_targets", "curve_outputs", "curve_targets"))):
        if f"{key}mean" not in known:
            continue
        mean, deviation = (np.array(known[f"{key}{what}"], dtype=np.float64) for what in ("mean", "deviation"))
        for name in names:
            if name in tensors:
                tensors[name] = tensors[name] * deviation + mean


# For each picture, the tensors it needs: names of sizes, or the size itself. Equal names are equal sizes.
SHAPES = {
    "grid": {"grid_inputs": ("N", 2), "grid_outputs": ("N", "K")},
    "points": {"points_inputs": ("n", 2), "points_targets": ("n",)},
    "path": {"path_states": ("S", "p", "D")},
    "curve": {"curve_inputs": ("C", 1), "curve_outputs": ("C", 1), "curve_targets": ("C", 1)},
}


def check(tensors: Tensors, metadata: dict[str, str]) -> None:
    """Errors: ValueError. A grid is put into its rows and columns."""
    for shapes in SHAPES.values():
        if not shapes.keys() & tensors.keys():
            continue
        sizes: dict[str, int] = {}
        for name, shape in shapes.items():
            if name not in tensors:
                raise ValueError(f"{name} is missing")
            got = tensors[name].shape
            fits = len(got) == len(shape) and 0 not in got
            if not fits or any((sizes.setdefault(s, n) if isinstance(s, str) else s) != n for s, n in zip(shape, got)):
                raise ValueError(f"{name} has shape {list(got)}, wanted {list(shape)} {sizes or ''}".rstrip())
    for name, tensor in tensors.items():
        if not np.isfinite(tensor).all():
            raise ValueError(f"{name} holds numbers that are not finite")
    if "grid_inputs" in tensors:
        rows, columns = int(metadata.get("grid_rows", 0)), int(metadata.get("grid_cols", 0))
        if rows < 2 or columns < 2 or rows * columns != len(tensors["grid_inputs"]):
            raise ValueError(f"grid_rows {rows} x grid_cols {columns} is not {len(tensors['grid_inputs'])} points")
        for name in ("grid_inputs", "grid_outputs"):
            tensors[name] = tensors[name].reshape(rows, columns, -1)


def draw_grid(group: Group, problems: list[str], needs: str, name: str, caption: str,
              draw: Callable[[Axes, Sketch], None], **layout: float) -> Iterator[tuple[str, str, Figure]]:
    """Pages of panels, one per row that has the tensor `needs`."""
    sketches = [sketch for sketch in read_sketches(group, problems) if needs in sketch.tensors]
    pages = style.pages(sketches, PANELS_A_PAGE)
    for number, page in enumerate(pages, 1):
        figure, axes = style.panels(len(page), **layout)
        for sketch, ax in zip(page, axes):
            draw(ax, sketch)
            ax.set_title(sketch.title)
        style.legend(figure, axes[0])
        yield f"{name}-{number}" if len(pages) > 1 else name, caption, figure


def draw_boundaries(group: Group, problems: list[str]) -> Iterator[tuple[str, str, Figure]]:
    caption = ("Colour of the ground: the class the network answers (darker: by the larger difference of scores), or "
               "its real output; black line: the boundary; points: test data by their true class.")
    yield from draw_grid(group, problems, "grid_inputs", "boundaries", caption, draw_boundary, width=2.5, height=2.9)


def draw_boundary(ax: Axes, sketch: Sketch) -> None:
    tensors = sketch.tensors
    x, y = np.moveaxis(tensors["grid_inputs"], -1, 0)
    scores = tensors["grid_outputs"]
    if scores.shape[-1] == 1:
        ground = ax.contourf(x, y, scores[..., 0], levels=12, cmap="cividis")
        ax.figure.colorbar(ground, ax=ax, shrink=0.8)
    else:
        draw_regions(ax, x, y, scores)
    if "points_inputs" in tensors:
        draw_points(ax, sketch, scores.shape[-1] > 1)
    wide, high = np.ptp(x), np.ptp(y)
    ax.set(xlim=(x.min(), x.max()), ylim=(y.min(), y.max()),
           aspect="equal" if 0.5 <= wide / (high or 1) <= 2 else "auto",
           xlabel=sketch.input_name(0, "input 1"), ylabel=sketch.input_name(1, "input 2"))
    ax.grid(False)


def draw_regions(ax: Axes, x: np.ndarray, y: np.ndarray, scores: np.ndarray) -> None:
    """Tints of the winning class: the stronger, the larger the lead of its score over the next."""
    winner = scores.argmax(-1)
    ordered = np.sort(scores, axis=-1)
    lead = ordered[..., -1] - ordered[..., -2]
    strength = 0.15 + 0.35 * np.tanh(lead / 4)[..., None]
    colors = np.array([to_rgb(style.color(k)) for k in range(scores.shape[-1])])[winner]
    ax.pcolormesh(x, y, 1 - strength * (1 - colors), shading="nearest", rasterized=True)
    for k in range(scores.shape[-1] if scores.shape[-1] > 2 else 1):
        others = np.delete(scores, k, axis=-1).max(-1)
        difference = scores[..., k] - others
        if difference.min() < 0 < difference.max():
            ax.contour(x, y, difference, levels=[0], colors="black", linewidths=0.9)


def draw_points(ax: Axes, sketch: Sketch, classes: bool) -> None:
    points, targets = sketch.tensors["points_inputs"], sketch.tensors["points_targets"]
    every = style.sample(len(points), MOST_POINTS)
    points, targets = points[every], targets[every]
    if not classes:
        ax.scatter(*points.T, c=targets, s=7, cmap="cividis", edgecolors="white", linewidths=0.3)
        return
    for index, value in enumerate(np.unique(targets)):
        of_class = points[targets == value]
        ax.plot(*of_class.T, style.MARKERS[index % len(style.MARKERS)], color=style.color(index), markersize=2.8,
                markeredgecolor="white", markeredgewidth=0.25, label=sketch.class_name(value))


def draw_paths(group: Group, problems: list[str]) -> Iterator[tuple[str, str, Figure]]:
    caption = ("A line per test point, from its first state to its last, coloured by its class. States "
               "of more than two dimensions by their first two principal components.")
    yield from draw_grid(group, problems, "path_states", "paths", caption, draw_path, width=2.5, height=2.9)


def draw_path(ax: Axes, sketch: Sketch) -> None:
    tensors = sketch.tensors
    states = tensors["path_states"]
    targets = tensors.get("path_targets", tensors.get("points_targets", np.zeros(0)))
    targets = targets if targets.shape == (states.shape[1],) else np.zeros(states.shape[1])
    every = style.sample(states.shape[1], MOST_PATHS)
    plane, names = in_the_plane(states[:, every])
    ax.plot(*plane[0].T, "o", color="#777777", markersize=1.8, label="first state")
    values = np.unique(targets)
    for index, value in enumerate(values if len(values) <= len(style.PALETTE) else []):
        of_class = plane[:, targets[every] == value]
        ax.plot(of_class[..., 0], of_class[..., 1], color=style.color(index), linewidth=0.6, alpha=0.55)
        ax.plot(*of_class[-1].T, style.MARKERS[index], color=style.color(index), markersize=3.6,
                markeredgecolor="white", markeredgewidth=0.3,
                label="last state" + (f", {sketch.class_name(value)}" if len(values) > 1 else ""))
    if len(values) > len(style.PALETTE):
        ax.plot(plane[..., 0], plane[..., 1], color=style.color(0), linewidth=0.6, alpha=0.55)
    ax.set(xlabel=names[0], ylabel=names[1])


def in_the_plane(states: np.ndarray) -> tuple[np.ndarray, tuple[str, str]]:
    """[steps + 1, n, D] -> [steps + 1, n, 2], and what the two coordinates are."""
    dimensions = states.shape[-1]
    if dimensions == 2:
        return states, ("state 1", "state 2")
    if dimensions == 1:
        steps = np.broadcast_to(np.arange(len(states))[:, None, None], states.shape)
        return np.concatenate([steps, states], axis=-1), ("step k", "state")
    centred = states - states.mean((0, 1))
    _, _, axes = np.linalg.svd(centred.reshape(-1, dimensions), full_matrices=len(states) * states.shape[1] < 2)
    return centred @ axes[:2].T, ("component 1", "component 2")


def draw_fits(group: Group, problems: list[str]) -> Iterator[tuple[str, str, Figure]]:
    caption = "The function to learn and what the network makes of it, on the test grid."
    yield from draw_grid(group, problems, "curve_inputs", "fits", caption, draw_fit, columns=3, width=3.3, height=2.2)


def draw_fit(ax: Axes, sketch: Sketch) -> None:
    x, fit, target = (sketch.tensors[f"curve_{name}"][:, 0] for name in ("inputs", "outputs", "targets"))
    order = np.argsort(x)
    ax.plot(x[order], target[order], color="#999999", linewidth=2.4, label="target")
    ax.plot(x[order], fit[order], color=style.color(0), linewidth=1.1, label="network")
    low, high = target.min(), target.max()
    ax.set(xlabel=sketch.input_name(0, "input"), ylabel="output",
           ylim=(low - 0.25 * (high - low or 1), high + 0.25 * (high - low or 1)))
