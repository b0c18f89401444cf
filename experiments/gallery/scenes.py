"""Pictures of the states of each task: a spring as a spring, a pendulum as a rod, bodies as discs with trails."""

from __future__ import annotations

import numpy as np

from hnn_gym.evaluation.plots import Scene

_WALL, _COILS = -2.0, 8
_TURNS = np.linspace(0, 1, 20 * _COILS + 1)


def scene_of(task: str, *, half_width: float) -> Scene:
    """The scene of a task; bodies are shown up to ``half_width`` metres from the origin."""
    if task == "spring":
        return Scene(
            places=lambda q: np.array([[q[0], 0.0]]),
            link=_coil,
            fixed=(np.array([[_WALL, -0.4], [_WALL, 0.4]]), np.array([[0.0, -0.45], [0.0, -0.3]])),
            half_width=2.1,
            half_height=0.65,
            marker="s",
            size=17,
        )
    if task in ("pendulum", "real-pendulum"):
        return Scene(
            places=lambda q: np.array([[np.sin(q[0]), -np.cos(q[0])]]),
            link=lambda q: np.array([[0.0, 0.0], [np.sin(q[0]), -np.cos(q[0])]]),
            fixed=(np.array([[-0.25, 0.0], [0.25, 0.0]]),),
            half_width=1.2,
            half_height=1.2,
        )
    return Scene(places=lambda q: q.reshape(-1, 2), half_width=half_width, half_height=half_width, size=10, trail=40)


def _coil(q: np.ndarray) -> np.ndarray:
    """A helix seen from the side, from the wall to the block at q ``(1,)``."""
    along = _WALL + (q[0] - 0.2 - _WALL) * _TURNS
    return np.stack([along, 0.17 * np.sin(2 * np.pi * _COILS * _TURNS)], axis=-1)
