"""The task of an environment that is known only from its recording: its spaces, starts and rewards."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from gymnasium.spaces import Box

from hnn_gym.coordinates import Coordinates
from hnn_gym.errors import InputError
from hnn_gym.physics.phase import Array, namespace
from hnn_gym.systems.task import ActionSpace, Task

Reward = Callable[[Array, Array, Array], Array]
"""Reward ``(...)`` of (observation ``(..., d)``, force ``(..., m)``, next observation ``(..., d)``): a function
of yours, or a learned head."""
Termination = Callable[[Array], Array]
"""Whether observations ``(..., d)`` end the episode; bool ``(...)``: a function of yours, or a learned head."""


class RecordedTask(Task):
    """A task with recorded spaces and starts, whose reward and termination are functions of observations."""

    def __init__(
        self,
        coordinates: Coordinates,
        *,
        observation_space: Box,
        action_space: ActionSpace,
        starts: np.ndarray,
        reward: Reward | None,
        terminated: Termination | None = None,
        max_episode_steps: int | None,
        renderer: str | None = None,
    ) -> None:
        """Describe the task.

        Args:
            coordinates: observations <-> states.
            observation_space: that of the recording.
            action_space: that of the recording.
            starts: recorded first observations ``(k, d)``.
            reward: the reward on observations.
            terminated: whether an observation ends the episode; None: never.
            max_episode_steps: truncation, or None.
            renderer: name of a renderer, or None.

        Raises:
            InputError: no reward is given, or there are no starts.
        """
        if reward is None:
            raise InputError(
                "The reward of this world is unknown: pass reward=f with f(observation, force, next_observation), or "
                "--reward module:f where agents are trained."
            )
        if len(starts) == 0:
            raise InputError("This world has no recorded starts: retrain it on a dataset with whole episodes.")
        self.observation_space, self.action_space = observation_space, action_space
        self.max_episode_steps, self.renderer = max_episode_steps, renderer
        self._coordinates, self._starts = coordinates, starts
        self._reward, self._terminated = reward, terminated

    def initial(self, rng: np.random.Generator, options: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray]:
        """Draw one of the recorded starts as (q, v), each ``(n,)``."""
        return self._coordinates.state(self._starts[rng.integers(len(self._starts))])

    def reward(self, q: Array, v: Array, u: Array, next_q: Array, next_v: Array) -> Array:
        """The reward of observations."""
        return self._reward(self._coordinates.observation(q, v), u, self._coordinates.observation(next_q, next_v))

    def terminated(self, q: Array, v: Array) -> Array:
        """Whether the observation of a state ends the episode; always False without a given function."""
        if self._terminated is None:
            return namespace(q).zeros_like(q[..., 0], dtype=bool)
        return self._terminated(self._coordinates.observation(q, v))
