"""The tasks of PhIHP, and the swing-up of a cart-pole that one of them was meant to be.

In the published cart-pole swing-up the reward of every step is

    r = exp(-(x + sin(theta) / 2)^2 - (cos(theta) / 2)^2),

the closeness of the middle of the pole to the *axle at rest*, and not to a point above it: hanging still and standing
upright both earn exp(-1/4) = 0.779, and the most is earned while the pole is horizontal. :class:`Raised` has the point
above, r = exp(-(x + sin(theta) / 2)^2 - (cos(theta) / 2 - 1/2)^2), so that only the upright earns 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium.spaces import Box

from hnn_gym.physics.phase import Array, namespace
from hnn_gym.systems import NumberedStarts

_FARTHEST, _STEEPEST = 2.4, 12 * 2 * np.pi / 360


def _wrapped(angle: Array) -> Array:
    return (angle + np.pi) % (2 * np.pi) - np.pi


def _unbounded(entries: int) -> Box:
    return Box(-np.inf, np.inf, (entries,), np.float32)


def _shares(actions: int) -> Box:
    return Box(-1.0, 1.0, (actions,), np.float32)


class _Endless(NumberedStarts):
    """A task whose episodes end by their length alone."""

    def terminated(self, q: Array, v: Array) -> Array:
        """Never; bool ``(...)``."""
        return namespace(q).zeros_like(q[..., 0], dtype=bool)


class Balance(_Endless):
    """The pendulum from anywhere: r = -(q^2 + 0.1 v^2 + 0.001 u^2) of the state before the step.

    Starts: q uniform in [-pi, pi], v in [-1, 1].
    """

    observation_space = _unbounded(3)
    action_space = _shares(1)
    max_episode_steps = 200
    start_numbers = 2

    def start(self, numbers: np.ndarray, options: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray]:
        """Starts (q, v), each ``(..., 1)``, of uniform numbers ``(..., 2)``."""
        drawn = -1 + 2 * numbers
        return np.pi * drawn[..., :1], drawn[..., 1:]

    def reward(self, q: Array, v: Array, u: Array, next_q: Array, next_v: Array) -> Array:
        """Reward ``(...)`` for states ``(..., 1)`` and torques u ``(..., 1)``."""
        angle, speed, torque = _wrapped(q[..., 0]), v[..., 0], u[..., 0]
        return -(angle * angle + 0.1 * speed * speed + 0.001 * torque * torque)


class SwingUp(Balance):
    """The same reward for 500 steps from hanging, within pi / 32, with v in [-1, 1]."""

    max_episode_steps = 500

    def start(self, numbers: np.ndarray, options: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray]:
        """Starts (q, v), each ``(..., 1)``, of uniform numbers ``(..., 2)``."""
        drawn = -1 + 2 * numbers
        return _wrapped(np.pi + np.pi / 32 * drawn[..., :1]), drawn[..., 1:]


class Pole(NumberedStarts):
    """The cart-pole that has to stay upright: 1 a step. All four numbers of a start are uniform in [-0.05, 0.05]."""

    observation_space = _unbounded(4)
    action_space = _shares(1)
    max_episode_steps = 500
    start_numbers = 4

    def start(self, numbers: np.ndarray, options: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray]:
        """Starts (q, v), each ``(..., 2)``, of uniform numbers ``(..., 4)`` for x, dx/dt, theta, dtheta/dt."""
        drawn = -0.05 + 0.1 * numbers
        return drawn[..., ::2], drawn[..., 1::2]

    def reward(self, q: Array, v: Array, u: Array, next_q: Array, next_v: Array) -> Array:
        """Reward ``(...)``: 1 for every step."""
        return 0 * q[..., 0] + 1.0

    def terminated(self, q: Array, v: Array) -> Array:
        """Whether the cart is too far away or the pole leans too much; bool ``(...)``."""
        return (abs(q[..., 0]) > _FARTHEST) | (abs(q[..., 1]) > _STEEPEST)


class Level(_Endless):
    """The published swing-up of the cart-pole, which pays most for a horizontal pole. Starts hang."""

    observation_space = _unbounded(5)
    action_space = _shares(1)
    max_episode_steps = 500
    start_numbers = 4
    height = 0.0
    """Of the place of the middle of the pole that earns 1, above the axle, in m."""

    def start(self, numbers: np.ndarray, options: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray]:
        """Starts (q, v), each ``(..., 2)``, of uniform numbers ``(..., 4)`` for x, dx/dt, theta, dtheta/dt."""
        drawn = -0.05 + 0.1 * numbers
        theta = _wrapped(np.pi + drawn[..., 2])
        return np.stack([drawn[..., 0], theta], axis=-1), drawn[..., 1::2]

    def reward(self, q: Array, v: Array, u: Array, next_q: Array, next_v: Array) -> Array:
        """Reward ``(...)`` of the next state, at most 1."""
        xp = namespace(next_q)
        across = next_q[..., 0] + 0.5 * xp.sin(next_q[..., 1])
        above = 0.5 * xp.cos(next_q[..., 1]) - self.height
        return xp.exp(-across * across - above * above)


class Raised(Level):
    """The swing-up that it was meant to be: the middle of the pole belongs half a metre above the axle. Our own."""

    height = 0.5


class Tip(NumberedStarts):
    """The acrobot whose tip has to rise one link above the pivot: -1 a step until it does.

    Starts: all four numbers uniform in [-0.1, 0.1], in float32.
    """

    observation_space = _unbounded(6)
    action_space = _shares(1)
    max_episode_steps = 500
    start_numbers = 4

    def start(self, numbers: np.ndarray, options: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray]:
        """Starts (q, v), each ``(..., 2)``, of uniform numbers ``(..., 4)`` for both angles, then both rates."""
        drawn = (-0.1 + 0.2 * numbers).astype(np.float32).astype(np.float64)
        return drawn[..., :2], drawn[..., 2:]

    def reward(self, q: Array, v: Array, u: Array, next_q: Array, next_v: Array) -> Array:
        """Reward ``(...)``: -1 for every step but the one that reaches the goal."""
        return namespace(q).where(self.terminated(next_q, next_v), 0.0, -1.0)

    def terminated(self, q: Array, v: Array) -> Array:
        """Whether the tip is high enough; bool ``(...)``."""
        return height_of_tip(q) > 1.0


class Handstand(Tip):
    """The acrobot with motors at both joints: half the height of the tip, for 500 steps."""

    action_space = _shares(2)

    def reward(self, q: Array, v: Array, u: Array, next_q: Array, next_v: Array) -> Array:
        """Reward ``(...)`` of the next state, at most 1."""
        return height_of_tip(next_q) / 2

    def terminated(self, q: Array, v: Array) -> Array:
        """Never; bool ``(...)``."""
        return namespace(q).zeros_like(q[..., 0], dtype=bool)


def height_of_tip(q: Array) -> Array:
    """Height of the tip above the pivot in m ``(...)`` at angles ``(..., 2)``."""
    xp = namespace(q)
    return -xp.cos(q[..., 0]) - xp.cos(q[..., 0] + q[..., 1])
