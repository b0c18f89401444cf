"""Swing up the pendulum and hold it: r = -(q^2 + 0.1 v^2 + 0.001 u^2), as Gymnasium's Pendulum-v1."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium.spaces import Box

from hnn_gym.errors import InputError
from hnn_gym.physics.phase import Array, namespace
from hnn_gym.systems.task import NumberedStarts


class PendulumSwingUp(NumberedStarts):
    """The task of Pendulum-v1: same spaces, starts, reward and length.

    The reward, on the state *before* the step, with the angle brought to [-pi, pi):

        r = -(q^2 + 0.1 v^2 + 0.001 u^2),  q in rad from upright, v in rad/s, u in N m.

    Starts: q uniform in [-x_init, x_init], v in [-y_init, y_init]; by default pi and 1.
    """

    observation_space = Box(np.array([-1, -1, -8], np.float32), np.array([1, 1, 8], np.float32), dtype=np.float32)
    action_space = Box(-2.0, 2.0, (1,), np.float32)
    max_episode_steps = 200
    renderer = "pendulum"
    options = ("x_init", "y_init")
    start_numbers = 2

    def start(self, numbers: np.ndarray, options: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray]:
        """Starts (q, v), each ``(..., 1)``: those that Pendulum-v1 makes of the same numbers ``(..., 2)``.

        Raises:
            InputError: a bound is no finite number from 0.
        """
        try:
            high = float(options.get("x_init", np.pi)), float(options.get("y_init", 1.0))
        except (TypeError, ValueError):
            raise InputError(f"x_init and y_init must be numbers, got {dict(options)}.") from None
        if not all(0 <= bound < np.inf for bound in high):
            raise InputError(f"x_init and y_init must be finite and not negative, got {dict(options)}.")
        bound = np.array(high)
        drawn = -bound + (bound + bound) * numbers  # as rng.uniform(-bound, bound) computes it
        return drawn[..., :1], drawn[..., 1:]

    def reward(self, q: Array, v: Array, u: Array, next_q: Array, next_v: Array) -> Array:
        """Reward ``(...)`` for states ``(..., 1)`` and torques ``(..., 1)``."""
        angle = (q[..., 0] + np.pi) % (2 * np.pi) - np.pi
        speed, torque = v[..., 0], u[..., 0]
        return -(angle * angle + 0.1 * speed * speed + 0.001 * torque * torque)

    def terminated(self, q: Array, v: Array) -> Array:
        """Never: the episode is only truncated."""
        return namespace(q).zeros_like(q[..., 0], dtype=bool)
