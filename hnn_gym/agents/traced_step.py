"""The step (s, a) -> (s', reward) of a world and a task, as traced code for many rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from hnn_gym.agents.planned_actions import bounded
from hnn_gym.errors import InputError
from hnn_gym.physics.phase import join, split
from hnn_gym.systems.task import Task
from hnn_gym.trace import batch_code, trace
from hnn_gym.worlds.world_model import WorldModel

_BLOCK = 512


def largest_actions(task: Task) -> np.ndarray:
    """The largest actions ``(m,)`` of a task.

    Raises:
        InputError: the actions are not real numbers within limits, or these are not the same on both sides of 0.
    """
    space = bounded(task.action_space)
    if not np.array_equal(space.low, -space.high):
        raise InputError(f"A trajectory needs actions between -limit and limit, and the action space is {space}.")
    return np.asarray(space.high, np.float64)


def turned(difference: np.ndarray, world: WorldModel) -> np.ndarray:
    """Differences of states [q, v] ``(..., 2n)``, those of angles brought to [-pi, pi)."""
    angles = np.array([*world.coordinates.angles, *[False] * world.coordinates.n])
    return np.where(angles, (difference + np.pi) % (2 * np.pi) - np.pi, difference)


class TracedStep:
    """The step of a world and a task on states [q, v].

    Actions a are shares of the limits. A world clips them to its own limits.
    """

    def __init__(self, world: WorldModel, task: Task) -> None:
        """Trace the step.

        Raises:
            InputError: the actions are not real numbers within limits.
            NotTraceable: the step or the reward branches on values.
        """
        self._world, self._task, self._limits = world, task, largest_actions(task)
        self._program = trace(self._moved, s=2 * world.coordinates.n, action=len(world.coordinates.controls))
        self._compiled: dict[int, Callable[..., None]] = {}

    def __call__(self, s: np.ndarray, action: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Next states ``(..., 2n)`` and rewards ``(...)`` of states ``(..., 2n)`` and actions ``(..., m)``."""
        flat, actions = s.reshape(-1, s.shape[-1]), action.reshape(-1, action.shape[-1])
        block = min(len(flat), _BLOCK)
        if block not in self._compiled:
            self._compiled[block] = batch_code.compiled(self._program, block, np.float64)
        after, reward = np.empty(flat.shape), np.empty(len(flat))
        for begin in range(0, len(flat), block):
            part = slice(min(begin, len(flat) - block), min(begin, len(flat) - block) + block)  # all blocks are whole
            self._compiled[block](flat[part], actions[part], after[part], reward[part])
        return after.reshape(s.shape), reward.reshape(s.shape[:-1])

    def _moved(self, s: Any, action: Any) -> dict[str, Any]:
        q, v = split(s)
        action = self._limits * action
        next_q, next_v = self._world.state(self._world.step(self._world.phase_point(q, v), action))
        reward = self._task.reward(q, v, self._world.coordinates.force(action), next_q, next_v)
        return {"s": join(next_q, next_v), "reward": reward}
