"""Pictures of a state. The only module that may import pygame."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from gymnasium.envs.classic_control.pendulum import PendulumEnv

RENDER_MODES = ("human", "rgb_array")


class Renderer(Protocol):
    """Draws states of one kind of system."""

    def draw(self, q: np.ndarray, v: np.ndarray, force: np.ndarray | None) -> np.ndarray | None:
        """Draw (q, v), each ``(n,)``, and the last force ``(m,)``; uint8 ``(height, width, 3)`` or, on screen, None."""

    def close(self) -> None:
        """Close the window, if there is one."""


class PendulumRenderer:
    """Gymnasium's own drawing of Pendulum-v1, so that a learned pendulum looks like the real one, to the pixel."""

    def __init__(self, render_mode: str) -> None:
        """Draw for ``render_mode`` "human" or "rgb_array"."""
        self._drawing = PendulumEnv(render_mode=render_mode)

    def draw(self, q: np.ndarray, v: np.ndarray, force: np.ndarray | None) -> np.ndarray | None:
        """Draw the rod at q ``(1,)``, in rad from upright, and the torque as an arrow."""
        self._drawing.state = np.array([q[0], v[0]])
        self._drawing.last_u = None if force is None else float(force[0])
        frame: Any = self._drawing.render()
        return frame

    def close(self) -> None:
        """Close the window, if there is one."""
        self._drawing.close()


RENDERERS: dict[str, Callable[[str], Renderer]] = {"pendulum": PendulumRenderer}
"""Renderers by the name a task gives as its picture."""
