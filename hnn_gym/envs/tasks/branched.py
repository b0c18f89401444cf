"""A task whose episodes begin where the real system has been: branches of real experience, dreamt on.

Short dreams from real states never leave the data far behind, which is how errors of a model are kept from adding up.
Source: Janner et al., *When to trust your model: model-based policy optimization*, NeurIPS 2019.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from hnn_gym.coordinates import Coordinates
from hnn_gym.errors import InputError
from hnn_gym.physics.phase import Array
from hnn_gym.systems.task import Task


class BranchedTask(Task):
    """Everything but the starts is the known task's."""

    def __init__(self, task: Task, coordinates: Coordinates, starts: np.ndarray) -> None:
        """Begin episodes at observations ``(k, d)``, drawn uniformly.

        Raises:
            InputError: there are none, they have another size, or are not finite.
        """
        seen = np.asarray(starts, np.float64)
        if seen.ndim != 2 or not len(seen) or seen.shape[1] != coordinates.observation_size:
            raise InputError(
                f"starts must be observations (k, {coordinates.observation_size}), such as dataset.transitions()."
                f"observation, and their shape is {seen.shape}."
            )
        if not np.isfinite(seen).all():
            raise InputError("starts holds NaN or infinity.")
        self.observation_space, self.action_space = task.observation_space, task.action_space
        self.max_episode_steps, self.renderer = task.max_episode_steps, task.renderer
        self.energy_tolerance, self.goal_size = task.energy_tolerance, task.goal_size
        self.known, self._q, self._v = task, *coordinates.state(seen)

    def initial(self, rng: np.random.Generator, options: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray]:
        """Draw a real state (q, v), each ``(n,)``."""
        i = rng.integers(len(self._q))
        return self._q[i].copy(), self._v[i].copy()

    def check_state(self, q: np.ndarray, v: np.ndarray) -> None:
        """Refuse what the known task refuses."""
        self.known.check_state(q, v)

    def reward(self, q: Array, v: Array, u: Array, next_q: Array, next_v: Array) -> Array:
        """As in the known task."""
        return self.known.reward(q, v, u, next_q, next_v)

    def terminated(self, q: Array, v: Array) -> Array:
        """As in the known task."""
        return self.known.terminated(q, v)

    def goal(self, t: Array) -> Array:
        """As in the known task."""
        return self.known.goal(t)

    def at(self, t: Array) -> Task:
        """As in the known task."""
        return self.known.at(t)
