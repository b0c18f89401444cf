"""A pendulum, drawn by Gymnasium's own code, so that a learned one looks like the real one, to the pixel."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from gymnasium.envs.classic_control.pendulum import PendulumEnv

from hnn_gym.systems import Task


class PendulumRenderer:
    """Gymnasium's drawing of Pendulum-v1: the rod, and the torque as an arrow."""

    def __init__(
        self,
        render_mode: str,
        task: Task | None = None,
        *,
        upright: float = 0.0,
        torque_limit: float = 2.0,
        annotated: bool = True,
    ) -> None:
        """Draw for ``render_mode`` "human" or "rgb_array".

        Args:
            render_mode: "human" or "rgb_array".
            task: not used, since all pendulums look alike.
            upright: the angle in rad at which the pendulum stands.
            torque_limit: the torque whose arrow is largest.
            annotated: whether the torque is shown.
        """
        self._drawing = PendulumEnv(render_mode=render_mode)
        self._upright, self._scale = upright, self._drawing.max_torque / torque_limit
        self._annotated = annotated

    def draw(self, q: np.ndarray, v: np.ndarray, force: np.ndarray | None, *, t: float = 0.0) -> np.ndarray | None:
        """Draw the rod at q ``(1,)`` in rad, and the torque as an arrow."""
        self._drawing.state = np.array([q[0] - self._upright, v[0]])
        shown = force if self._annotated else None
        self._drawing.last_u = None if shown is None else float(shown[0]) * self._scale
        frame: Any = self._drawing.render()
        return frame

    def clear(self) -> None:
        """Do nothing: no state is kept between pictures."""

    def close(self) -> None:
        """Close the window, if there is one."""
        self._drawing.close()


class HangingPendulumRenderer(PendulumRenderer):
    """Draws pendulums that hang at q = 0 in the same way, with the arrow in shares of the task's largest torque."""

    def __init__(self, render_mode: str, task: Task, *, annotated: bool = True) -> None:
        """Draw for ``render_mode`` "human" or "rgb_array"."""
        limit = getattr(getattr(task, "known", task), "force_limit", 1.0)
        super().__init__(render_mode, upright=math.pi, torque_limit=limit, annotated=annotated)
