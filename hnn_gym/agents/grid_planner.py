"""Dynamic programming in a dream: V(x) = max_u r(x, u) + gamma V(step(x, u)) on a grid of angle and velocity.

For one angle the whole state space fits on a grid, and the best policy of a world can be computed instead of learned:
what is then missing in reality is the world's fault and not the agent's. Between grid points V is bilinear.
Source: Bellman, *Dynamic Programming*, 1957; interpolation as in Sutton and Barto, 2018, section 9.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from hnn_gym.envs.tasks import Task
from hnn_gym.errors import InputError
from hnn_gym.world_model import WorldModel


class _Corners(NamedTuple):
    """Grid points around some states, int64 ``(4, ...)``, and their shares, which add up to 1."""

    points: np.ndarray
    share: np.ndarray


class GridPlanner:
    """The best policy of a world of one angle and one bounded control; speaks stable-baselines3's ``predict``.

    Attributes:
        value: V on the grid ``(angles, velocities)``.
    """

    def __init__(
        self,
        world: WorldModel,
        task: Task,
        *,
        speed: float = 8.0,
        angles: int = 128,
        velocities: int = 129,
        actions: int = 11,
        discount: float = 0.995,
        sweeps: int = 400,
    ) -> None:
        """Plan.

        Args:
            world: true or learned, on NumPy.
            task: whose reward counts.
            speed: largest abs(v) on the grid; states beyond are valued as at its edge.
            angles: grid points round the circle.
            velocities: grid points between -speed and speed.
            actions: controls that are tried, evenly between the limits.
            discount: gamma.
            sweeps: iterations of V.

        Raises:
            InputError: the world is not one angle with one bounded control.
        """
        coordinates = world.coordinates
        if coordinates.angles != (True,) or len(coordinates.controls) != 1 or coordinates.controls[0].limit is None:
            raise InputError("A grid planner needs a world of one angle with one control that has a limit.")
        self._world, self._task, self._discount = world, task, discount
        self._shape, self._speed = (angles, velocities), speed
        control = coordinates.controls[0]
        assert control.limit is not None
        self._actions = np.linspace(-1, 1, actions)[:, None] * control.limit / control.scale
        q = np.linspace(-np.pi, np.pi, angles, endpoint=False)
        v = np.linspace(-speed, speed, velocities)
        states = np.stack(np.meshgrid(q, v, indexing="ij"), axis=-1).reshape(-1, 2)
        rewards, corners = self._outcomes(states)
        value = np.zeros(len(states))
        for _ in range(sweeps):
            value = (rewards + discount * self._interpolated(value, corners)).max(axis=0)
        self.value = value.reshape(self._shape)

    def predict(
        self, observation: np.ndarray, state: Any = None, episode_start: Any = None, deterministic: bool = True
    ) -> tuple[np.ndarray, Any]:
        """Return the best of the actions ``(..., 1)`` for observations ``(..., 3)``, and the state, unused."""
        q, v = self._world.coordinates.state(np.asarray(observation, np.float64))
        states = np.concatenate([q, v], axis=-1).reshape(-1, 2)
        rewards, corners = self._outcomes(states)
        worth = rewards + self._discount * self._interpolated(self.value.ravel(), corners)
        best = self._actions[np.argmax(worth, axis=0)]
        return best.reshape(*q.shape[:-1], 1).astype(np.float32), state

    def _outcomes(self, states: np.ndarray) -> tuple[np.ndarray, _Corners]:
        """Rewards ``(actions, N)`` and next states of states [q, v] ``(N, 2)`` under every action."""
        q, v = states[:, :1], states[:, 1:]
        x = self._world.phase_point(q, v)
        rewards, index, share = [], [], []
        for action in self._actions:
            taken = np.broadcast_to(action, (len(states), 1))
            next_q, next_v = self._world.state(self._world.step(x, taken))
            rewards.append(self._task.reward(q, v, self._world.coordinates.force(taken), next_q, next_v))
            corners = self._corners(next_q[:, 0], next_v[:, 0])
            index.append(corners.points)
            share.append(corners.share)
        return np.stack(rewards), _Corners(np.stack(index, axis=1), np.stack(share, axis=1))

    def _corners(self, q: np.ndarray, v: np.ndarray) -> _Corners:
        angles, velocities = self._shape
        i = (q + np.pi) / (2 * np.pi) * angles
        j = (np.clip(v, -self._speed, self._speed) + self._speed) / (2 * self._speed) * (velocities - 1)
        i0, j0 = np.floor(i).astype(np.int64), np.minimum(np.floor(j).astype(np.int64), velocities - 2)
        di, dj = i - i0, j - j0
        rows, columns = (i0 % angles, (i0 + 1) % angles), (j0, j0 + 1)
        index = np.stack([row * velocities + column for row in rows for column in columns])
        share = np.stack([a * b for a in (1 - di, di) for b in (1 - dj, dj)])
        return _Corners(index, share)

    @staticmethod
    def _interpolated(value: np.ndarray, corners: _Corners) -> np.ndarray:
        found: np.ndarray = np.einsum("c...,c...->...", value[corners.points], corners.share)
        return found
