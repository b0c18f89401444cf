"""Bodies in the plane: discs with fading trails, the thrust as an arrow, the aim of the task as a dashed circle.

Without annotations only the discs are drawn, by a camera that stands still and shows twice the task's view radius, so
that all frames of all episodes have one scale.
"""

from __future__ import annotations

import math
from collections import deque

import numpy as np

from hnn_gym.envs.render.canvas import BLACK, GREY, ORANGE, PALE, Canvas, Colour, faded
from hnn_gym.systems import KeepBound, OrbitTransfer, Task
from hnn_gym.systems.bodies import in_plane

_COLOURS: tuple[Colour, ...] = (
    (204, 77, 77),
    (56, 108, 176),
    (77, 153, 90),
    (150, 100, 170),
    (190, 140, 60),
    (80, 160, 170),
)
_LONGEST_TRAIL, _TRAIL_POINTS = 240, 4000
_STILL_VIEW, _SMALLEST = 2.0, 1 / 32
"""Half width of the picture without annotations, in view radii, and the smallest radius of a disc in it, as a share."""


class BodiesRenderer:
    """Draws bodies from above, follows their centre of mass, and zooms out if one would leave the picture."""

    def __init__(self, render_mode: str, task: Task, *, annotated: bool = True) -> None:
        """Draw for ``render_mode`` "human" or "rgb_array"; the task has the masses and aims."""
        assert isinstance(task, (OrbitTransfer, KeepBound))
        self._task, self._canvas, self._annotated = task, Canvas(render_mode, title="Bodies"), annotated
        self._masses = np.array(task.masses)
        count = len(task.masses)
        self._trail: deque[np.ndarray] = deque(maxlen=max(10, min(_LONGEST_TRAIL, _TRAIL_POINTS // count)))
        touching = task.collision_distance / 2 or 0.8 * min(0.1, 0.2 / math.sqrt(count)) * task.view_radius
        self._radii = touching * np.cbrt(self._masses / self._masses.max())

    def draw(self, q: np.ndarray, v: np.ndarray, force: np.ndarray | None, *, t: float = 0.0) -> np.ndarray | None:
        """Draw positions q ``(2b,)`` in m, where the bodies were, and the thrust on the first ``(2,)`` in N."""
        positions = in_plane(np.asarray(q))
        if not self._annotated:
            half_width = _STILL_VIEW * self._task.view_radius
            self._canvas.view((0.0, 0.0), half_width)
            self._draw_discs(positions, smallest=_SMALLEST * half_width)
            return self._canvas.finish()
        self._trail.append(positions)
        centre = (self._masses[:, None] * positions).sum(0) / self._masses.sum()
        furthest = 1.1 * float(np.abs(positions - centre).max()) / self._task.view_radius
        half_width = self._task.view_radius * 1.25 ** max(0, math.ceil(math.log(max(furthest, 1e-9), 1.25)))
        canvas = self._canvas
        canvas.view(centre, half_width)
        if isinstance(self._task, OrbitTransfer):
            canvas.dashed_circle(centre, self._task.target_distance / 2, GREY)
        else:
            canvas.dashed_circle(centre, self._task.escape_radius, PALE)
        self._draw_trails()
        self._draw_discs(positions, smallest=2.5 * canvas.pixel)
        if force is not None:
            canvas.arrow(positions[0], 0.2 * half_width * force / self._task.force_limit, ORANGE)
        self._draw_scale(centre, half_width)
        return canvas.finish()

    def _draw_discs(self, positions: np.ndarray, *, smallest: float) -> None:
        for i, place in enumerate(positions):
            radius = max(float(self._radii[i]), smallest)
            outline = BLACK if radius > 5 * self._canvas.pixel else None
            self._canvas.disc(place, radius, _COLOURS[i % len(_COLOURS)], outline=outline)

    def _draw_trails(self) -> None:
        points = np.stack(list(self._trail))
        pieces = min(24, len(points) - 1)
        edges = np.linspace(0, len(points) - 1, pieces + 1).round().astype(int)
        for k in range(pieces):
            part = points[edges[k] : edges[k + 1] + 1]
            for i in range(part.shape[1]):
                colour = faded(_COLOURS[i % len(_COLOURS)], 0.08 + 0.62 * (k + 1) / pieces)
                self._canvas.line(part[:, i], colour, width=1.5)

    def _draw_scale(self, centre: np.ndarray, half_width: float) -> None:
        """Draw a bar of 1 m, or of the power of ten that suits the picture better."""
        length = 10.0 ** math.floor(math.log10(half_width))
        left = centre + half_width * np.array([-0.92, -0.92])
        tick = np.array([0.0, 4 * self._canvas.pixel])
        right = left + np.array([length, 0.0])
        self._canvas.line(np.stack([left + tick, left, right, right + tick]), BLACK)
        self._canvas.text(f"{length:g} m", (left + right) / 2 + 3 * tick, BLACK)

    def clear(self) -> None:
        """Forget where the bodies were: an episode begins."""
        self._trail.clear()

    def close(self) -> None:
        """Close the window, if there is one."""
        self._canvas.close()
