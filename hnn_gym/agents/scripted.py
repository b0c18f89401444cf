"""Agents without skill, to compare others with: one that does nothing, and one that acts at random."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium.spaces import Box, Discrete

from hnn_gym.errors import InputError, checked_arguments, whole_number
from hnn_gym.systems.task import ActionSpace


class Idle:
    """Does nothing, with the ``predict`` of stable-baselines3."""

    def __init__(self, action_space: ActionSpace) -> None:
        """Always return the zeros of a space ``(k,)`` of one copy.

        Raises:
            InputError: the space is not a Box, so that no action means to do nothing.
        """
        if not isinstance(action_space, Box):
            raise InputError(f"No action of {action_space} means to do nothing: use RandomActions.")
        self._rest = np.clip(np.zeros(action_space.shape, np.float32), action_space.low, action_space.high)

    def predict(
        self, observation: np.ndarray, state: Any = None, episode_start: Any = None, deterministic: bool = True
    ) -> tuple[np.ndarray, Any]:
        """Return actions ``(rows, k)`` for observations ``(rows, d)``, and the state, which is not used."""
        return np.broadcast_to(self._rest, (*np.shape(observation)[:-1], *self._rest.shape)), state


class RandomActions:
    """Acts uniformly at random, with the ``predict`` of stable-baselines3."""

    @checked_arguments
    def __init__(self, action_space: ActionSpace, *, seed: int = 0) -> None:
        """Draw from a bounded Box ``(k,)`` or a Discrete space of one copy.

        Raises:
            InputError: the space is of another kind.
        """
        if not isinstance(action_space, Box | Discrete):
            raise InputError(f"RandomActions draws from Box and Discrete spaces, not from {action_space}.")
        whole_number(seed, "seed", at_least=0)
        self._space, self._rng = action_space, np.random.default_rng(seed)

    def predict(
        self, observation: np.ndarray, state: Any = None, episode_start: Any = None, deterministic: bool = True
    ) -> tuple[np.ndarray, Any]:
        """Return actions ``(rows, k)``, or ``(rows,)`` of a Discrete space, and the state, which is not used."""
        rows, space = np.shape(observation)[:-1], self._space
        if isinstance(space, Discrete):
            return self._rng.integers(space.start, space.start + space.n, rows), state
        return self._rng.uniform(space.low, space.high, (*rows, *space.shape)).astype(np.float32), state
