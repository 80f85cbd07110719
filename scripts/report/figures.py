# The figures of a report. A figure is a function: the rows of one config -> pages, each a name, a caption and a
# matplotlib figure; none where the runs hold nothing to draw. A new figure is a new line of FIGURES.
import io
from typing import Callable, Iterator

import numpy as np
from matplotlib import pyplot
from matplotlib.figure import Figure
from PIL import Image

from report import against, coefficients, convergence, curves, pictures, solver
from report.document import Block, Heading, Picture
from report.runs import Group
from report.style import DPI

Page = tuple[str, str, Figure]  # name of the file, caption in the little Markdown of document.py
Draw = Callable[[Group, list[str]], Iterator[Page]]  # what could not be read is appended to the list

FIGURES: list[tuple[str, Draw]] = [
    ("Convergence", convergence.draw),
    ("Error against the axes of the sweep", against.draw),
    ("Training curves", curves.draw),
    ("Certificate", coefficients.draw_radius),
    ("Learned coefficients", coefficients.draw),
    ("Solves of implicit steps", solver.draw),
    ("Decision boundaries", pictures.draw_boundaries),
    ("Paths of points through the steps", pictures.draw_paths),
    ("Fitted curves", pictures.draw_fits),
]
LARGEST_PNG = 200_000  # bytes: results are committed


def figure_blocks(group: Group, prefix: str, problems: list[str]) -> list[Block]:
    blocks: list[Block] = []
    for title, draw in FIGURES:
        try:
            drawn = [Picture(prefix + name, caption, to_png(figure)) for name, caption, figure in draw(group, problems)]
        except Exception as error:  # one figure that fails costs no report
            problems.append(f"{group.stem}: the figure '{title}' could not be drawn: {type(error).__name__}: {error}")
            continue
        finally:
            pyplot.close("all")
        blocks += [Heading(3, title), *drawn] if drawn else []
    return blocks


def to_png(figure: Figure) -> bytes:
    """The same bytes for the same figure; fewer colours, then fewer pixels, until it is small."""
    for dpi, colors in ((DPI, (256, 96, 48)), (72, (48,)), (54, (32,))):
        figure.set_dpi(dpi)
        figure.canvas.draw()
        image = Image.fromarray(np.asarray(figure.canvas.buffer_rgba())).convert("RGB")
        for count in colors:
            file = io.BytesIO()
            image.quantize(count, dither=Image.Dither.NONE).save(file, "PNG", optimize=True)
            if file.tell() <= LARGEST_PNG:
                return file.getvalue()
    return file.getvalue()
