"""A mass on a spring: wall, coil, block, the force as an arrow, and the amplitude of the target energy as marks."""

from __future__ import annotations

import math

import numpy as np

from hnn_gym.envs.render.canvas import BLACK, GREY, ORANGE, PALE, RED, Canvas
from hnn_gym.systems import SpringHold, Task

_COILS, _WALL, _BLOCK, _FLOOR, _VIEW = 9, -2.2, 0.5, -0.27, 2.4


class SpringRenderer:
    """Draws a spring; displacements are drawn smaller where the mass would leave the picture."""

    def __init__(self, render_mode: str, task: Task, *, annotated: bool = True) -> None:
        """Draw for ``render_mode`` "human" or "rgb_array"; not ``annotated``: without force, target and zoom."""
        self._canvas, self._task, self._annotated = Canvas(render_mode, title="Spring"), task, annotated

    def draw(self, q: np.ndarray, v: np.ndarray, force: np.ndarray | None, *, t: float = 0.0) -> np.ndarray | None:
        """Draw the displacement q ``(1,)`` in m, the force in N as an arrow, and the target energy at t seconds."""
        canvas = self._canvas
        canvas.view((0.0, 0.0), _VIEW)
        far = math.ceil(math.log(max(abs(float(q[0])), 1e-9) / 1.8, 1.25)) if self._annotated else 0
        scale = 1.25 ** -max(0, far)
        place = float(q[0]) * scale
        self._draw_surroundings(scale)
        moment = self._task.at(np.asarray(t))
        if self._annotated and isinstance(moment, SpringHold):
            self._draw_target(scale * math.sqrt(2 * float(moment.target_energy) / moment.truth.stiffness))
        self._draw_coil(place - _BLOCK / 2)
        corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * _BLOCK / 2 + [place, 0.0]
        canvas.polygon(corners, RED, outline=BLACK)
        canvas.disc((place, 0.0), 0.04, BLACK)
        if self._annotated and force is not None:
            share = float(force[0]) / SpringHold.force_limit
            canvas.arrow((place, _BLOCK / 2 + 0.2), (0.8 * share, 0.0), ORANGE, width=4)
        return canvas.finish()

    def _draw_coil(self, end: float) -> None:
        """Draw a helix seen from the side, from the wall to ``end``."""
        turns = np.linspace(0, 2 * np.pi * _COILS, 20 * _COILS + 1)
        along = np.linspace(_WALL, end, len(turns)) + 0.09 * (np.cos(turns) - 1)
        self._canvas.line(np.stack([np.maximum(along, _WALL), 0.16 * np.sin(turns)], axis=-1), GREY, width=2.5)

    def _draw_surroundings(self, scale: float) -> None:
        """Draw floor, wall, and the place of rest as a tick."""
        canvas = self._canvas
        canvas.line(np.array([[_WALL, _FLOOR], [_VIEW, _FLOOR]]), BLACK, width=2)
        canvas.line(np.array([[_WALL, _FLOOR], [_WALL, 0.6]]), BLACK, width=3)
        for height in np.arange(_FLOOR + 0.1, 0.65, 0.12):
            canvas.line(np.array([[_WALL, height], [_WALL - 0.12, height - 0.1]]), BLACK, width=1)
        canvas.line(np.array([[0.0, _FLOOR], [0.0, _FLOOR - 0.12]]), BLACK)

    def _draw_target(self, turning: float) -> None:
        """Draw the turning points at the target energy as triangles."""
        canvas = self._canvas
        for side in (-turning, turning):
            for bottom in np.arange(-1.0, 1.0, 0.16):
                canvas.line(np.array([[side, bottom], [side, bottom + 0.08]]), PALE)
            triangle = np.array([[0.0, -0.03], [-0.06, -0.16], [0.06, -0.16]])
            canvas.polygon(triangle + np.array([side, _FLOOR]), GREY)

    def clear(self) -> None:
        """Do nothing: no state is kept between pictures."""

    def close(self) -> None:
        """Close the window, if there is one."""
        self._canvas.close()
