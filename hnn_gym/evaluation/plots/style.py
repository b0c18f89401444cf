"""The style of all figures: one colour for each world, plain axes, and no change of matplotlib's global state."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from hnn_gym.files.single_file import write_file

# Okabe and Ito's colours, which colour-blind readers can tell apart.
COLOURS = {
    "real": "#000000",
    "truth": "#000000",
    "recorded": "#000000",
    "baseline": "#D55E00",
    "HNN": "#0072B2",
    "ours": "#009E73",
}
STYLES = {"real": "-", "HNN": "--", "baseline": "-"}
ORDER = {"baseline": 4, "real": 5, "HNN": 6}
GREY, PALE = "#777777", "#CCCCCC"


def new_figure(width: float, height: float, *, rows: int = 1, columns: int = 1) -> tuple[Figure, list[Any]]:
    """Return a figure of ``width`` x ``height`` inches and its axes, row by row."""
    figure = Figure(figsize=(width, height), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    axes = [figure.add_subplot(rows, columns, i + 1) for i in range(rows * columns)]
    for ax in axes:
        ax.spines[["top", "right"]].set_visible(False)
    return figure, axes


def legend_below(figure: Figure, ax: Axes) -> None:
    """Put the legend of one axes in a row below all of them."""
    handles, labels = ax.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), frameon=False)


def save(figure: Figure, path: Path) -> None:
    """Write a figure as PNG of 256 colours, which line drawings do not exceed by much: a third of the size."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    picture = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
    content = io.BytesIO()
    picture.quantize(256, dither=Image.Dither.NONE).save(content, format="PNG", optimize=True)
    write_file(path, content.getvalue())
