"""Bring the rod of Pendulum-v1 to a swing of 90 degrees with a hundredth of its motor, and keep it there.

    r = -((E - E*) / 5 J)^2 - 0.5 (u / u_max)^2,   u_max = 0.02 N m,

E the true energy after the step, E* that of resting horizontally, 5 J above hanging. The motor gives some mJ in a step
and the way takes hundreds to thousands of them. Torque is dear: it pays only because energy, once given, stays for the
rest of the episode, and a world that loses or makes a few mJ in every step of its own teaches otherwise.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Box

from hnn_gym.physics.hamiltonians import Pendulum
from hnn_gym.physics.phase import Array, join, namespace
from hnn_gym.systems import PendulumSwingUp, Task

_ROD = Pendulum.of_gymnasium()
TARGET = float(_ROD.energy(np.array([math.pi / 2, 0.0])))
"""E* in J, where H = 0 upright."""
_SPAN = TARGET - float(_ROD.energy(np.array([math.pi, 0.0])))
_PRICE = 0.5


def true_energy(q: Array, v: Array) -> Array:
    """True H in J ``(...)`` of states ``(..., 1)``, 0 upright."""
    return _ROD.energy(join(q, _ROD.momentum(q, v)))


class EnergyHold(Task):
    """The task in any world of Pendulum-v1: its observations and starts, another motor, reward and length.

    | action | what | unit | range |
    |---|---|---|---|
    | 0 | torque u | N m | [-0.02, 0.02] |
    """

    torque_limit = 0.02
    observation_space = PendulumSwingUp.observation_space
    action_space = Box(-torque_limit, torque_limit, (1,), np.float32)
    max_episode_steps = 5_000
    renderer = "pendulum"

    def initial(self, rng: np.random.Generator, options: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray]:
        """Draw a start (q, v), each ``(1,)``, as Pendulum-v1 does."""
        return PendulumSwingUp().initial(rng, options)

    def reward(self, q: Array, v: Array, u: Array, next_q: Array, next_v: Array) -> Array:
        """Reward ``(...)`` of arriving at states ``(..., 1)`` under torques ``(..., 1)``."""
        error, effort = (true_energy(next_q, next_v) - TARGET) / _SPAN, u[..., 0] / self.torque_limit
        return -error * error - _PRICE * effort * effort

    def terminated(self, q: Array, v: Array) -> Array:
        """Never: the episode is only truncated."""
        return namespace(q).zeros_like(q[..., 0], dtype=bool)


class WeakMotor(gymnasium.Wrapper[np.ndarray, np.ndarray, np.ndarray, np.ndarray]):
    """The task in Gymnasium's own Pendulum-v1: its physics, starts and observations, the task's torque and reward."""

    def __init__(self, *, steps: int) -> None:
        """Make Pendulum-v1 for episodes of ``steps`` steps."""
        super().__init__(gymnasium.make("Pendulum-v1", max_episode_steps=steps))
        self.task = EnergyHold()
        self.action_space = self.task.action_space

    def step(self, action: np.ndarray) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Step under the torque clipped to the weak motor's."""
        u = np.clip(action, -self.task.torque_limit, self.task.torque_limit)
        before = self._state()
        observation, _, terminated, truncated, info = self.env.step(u)
        reward = float(self.task.reward(*before, u, *self._state()))
        return observation, reward, terminated, truncated, info

    def _state(self) -> tuple[np.ndarray, np.ndarray]:
        q, v = self.unwrapped.state  # type: ignore[attr-defined]
        return np.array([q]), np.array([v])
