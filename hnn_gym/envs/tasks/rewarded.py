"""A known task with another reward: the caller's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from hnn_gym.coordinates import Coordinates
from hnn_gym.envs.tasks.recorded import Reward
from hnn_gym.physics.phase import Array
from hnn_gym.systems.task import Task


class RewardedTask(Task):
    """Everything but the reward is the known task's."""

    def __init__(self, task: Task, coordinates: Coordinates, reward: Reward) -> None:
        """Put ``reward``, a function of observations, in place of the reward of ``task``."""
        self.observation_space, self.action_space = task.observation_space, task.action_space
        self.max_episode_steps, self.renderer = task.max_episode_steps, task.renderer
        self.options, self.energy_tolerance = task.options, task.energy_tolerance
        self.known, self._coordinates, self._reward = task, coordinates, reward

    def initial(self, rng: np.random.Generator, options: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray]:
        """Draw a start of the known task."""
        return self.known.initial(rng, options)

    def check_options(self, options: Mapping[str, Any]) -> None:
        """Refuse what the known task refuses."""
        self.known.check_options(options)

    def check_state(self, q: np.ndarray, v: np.ndarray) -> None:
        """Refuse what the known task refuses."""
        self.known.check_state(q, v)

    def reward(self, q: Array, v: Array, u: Array, next_q: Array, next_v: Array) -> Array:
        """The given reward, on observations."""
        return self._reward(self._coordinates.observation(q, v), u, self._coordinates.observation(next_q, next_v))

    def terminated(self, q: Array, v: Array) -> Array:
        """As in the known task."""
        return self.known.terminated(q, v)
