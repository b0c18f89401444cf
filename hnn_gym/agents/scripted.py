"""The least that can be done: nothing, or anything. What an agent earns beyond them is its own."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium.spaces import Box


class Idle:
    """Does nothing; speaks stable-baselines3's ``predict``."""

    def __init__(self, action_space: Box) -> None:
        """Give the zeros of a space ``(k,)`` of one copy."""
        self._rest = np.clip(np.zeros(action_space.shape, np.float32), action_space.low, action_space.high)

    def predict(
        self, observation: np.ndarray, state: Any = None, episode_start: Any = None, deterministic: bool = True
    ) -> tuple[np.ndarray, Any]:
        """Return actions ``(rows, k)`` for observations ``(rows, d)``, and the state, which is not used."""
        return np.broadcast_to(self._rest, (*np.shape(observation)[:-1], *self._rest.shape)), state


class RandomActions:
    """Acts uniformly at random; speaks stable-baselines3's ``predict``."""

    def __init__(self, action_space: Box, *, seed: int = 0) -> None:
        """Draw from a bounded space ``(k,)`` of one copy."""
        self._low, self._high = action_space.low, action_space.high
        self._rng = np.random.default_rng(seed)

    def predict(
        self, observation: np.ndarray, state: Any = None, episode_start: Any = None, deterministic: bool = True
    ) -> tuple[np.ndarray, Any]:
        """Return actions ``(rows, k)`` for observations ``(rows, d)``, and the state, which is not used."""
        shape = (*np.shape(observation)[:-1], *self._low.shape)
        return self._rng.uniform(self._low, self._high, shape).astype(np.float32), state
