"""Any task that describes its picture as data (:mod:`hnn_gym.systems.picture`), drawn with pygame."""

from __future__ import annotations

import math

import numpy as np

from hnn_gym.envs.render.canvas import BLACK, GREY, RED, Canvas, Colour
from hnn_gym.systems import Coil, Disc, Line, Picture, Polygon, Task

_COLOURS: dict[str, Colour] = {
    "ground": BLACK,
    "frame": (110, 110, 110),
    "body": RED,
    "second": (56, 108, 176),
    "third": (77, 153, 90),
    "mark": GREY,
}
_POINTS_A_TURN = 20


class PictureRenderer:
    """Draws the shapes of ``task.picture(q)``; forces are not shown."""

    def __init__(self, render_mode: str, task: Task) -> None:
        """Draw for ``render_mode`` "human" or "rgb_array"."""
        self._canvas, self._task = Canvas(render_mode, title=type(task).__name__), task

    def draw(self, q: np.ndarray, v: np.ndarray, force: np.ndarray | None, *, t: float = 0.0) -> np.ndarray | None:
        """Draw positions q ``(n,)``."""
        picture = self._task.picture(np.asarray(q))
        assert isinstance(picture, Picture)
        canvas = self._canvas
        canvas.view(picture.centre, picture.half_width)
        for shape in picture.shapes:
            colour = _COLOURS[shape.colour]
            if isinstance(shape, Polygon):
                canvas.polygon(shape.points, colour)
            elif isinstance(shape, Disc):
                canvas.disc(shape.points[0], shape.radius, colour)
            elif isinstance(shape, Coil):
                canvas.line(_coil(shape), colour, width=2.5)
            else:
                self._draw_line(shape, colour)
        return canvas.finish()

    def _draw_line(self, line: Line, colour: Colour) -> None:
        self._canvas.line(line.points, colour, width=max(1.5, line.width / self._canvas.pixel))

    def clear(self) -> None:
        """Do nothing: no state is kept between pictures."""

    def close(self) -> None:
        """Close the window, if there is one."""
        self._canvas.close()


def _coil(coil: Coil) -> np.ndarray:
    """The points ``(k, 2)`` of a helix seen from the side."""
    start, end = coil.points
    turns = np.linspace(0, 2 * math.pi * coil.turns, _POINTS_A_TURN * coil.turns + 1)
    way = end - start
    across = coil.radius * np.array([-way[1], way[0]]) / max(float(np.linalg.norm(way)), 1e-9)
    return start + np.linspace(0, 1, len(turns))[:, None] * way + np.sin(turns)[:, None] * across
