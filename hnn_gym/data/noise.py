"""Noisy sensors: o' = o + share * (half the range of o) * N(0, 1), for every entry of an observation."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Box

from hnn_gym.errors import InputError, checked_arguments, finite_number

_STREAM = 0x0B5E


class ObservationNoise(gymnasium.Wrapper[Any, Any, Any, Any]):
    """Adds Gaussian noise to the observations of an environment; its state and its rewards stay exact.

    The noise follows from the seed of ``reset``, and is not clipped: an observed cosine may be 1.05.

    Example:
        >>> env = ObservationNoise(gymnasium.make("Pendulum-v1"), 0.05)

    Args:
        env: environment with bounded Box observations.
        share: standard deviation, as a share of half the range of each observation entry.

    Attributes:
        std: standard deviation of every observation entry ``(d,)``, in the entry's unit.

    Raises:
        InputError: ``share`` is negative or not finite, or an observation is unbounded.
    """

    @checked_arguments
    def __init__(self, env: gymnasium.Env[Any, Any], share: float) -> None:
        super().__init__(env)
        space = env.observation_space
        share = finite_number(share, "The share of observation noise", at_least=0)
        if not isinstance(space, Box) or not np.isfinite([space.low, space.high]).all():
            raise InputError(
                f"Observation noise is a share of the range of each entry, and the range of {space} is not known: "
                "record without noise, or bound the observations by a wrapper."
            )
        self.observation_noise = share
        self.observation_space = Box(-np.inf, np.inf, space.shape, space.dtype.type)
        self.std = share * (space.high.astype(np.float64) - space.low) / 2
        self._dtype = space.dtype
        self._rng = np.random.default_rng()

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Reset the environment, and return its observation with noise."""
        observation, info = self.env.reset(seed=seed, options=options)
        if seed is not None:
            self._rng = np.random.default_rng([seed, _STREAM])
        return self._seen(observation), info

    def step(self, action: np.ndarray) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Step the environment, and return its observation with noise."""
        observation, reward, terminated, truncated, info = self.env.step(action)
        return self._seen(observation), float(reward), terminated, truncated, info

    def _seen(self, observation: np.ndarray) -> np.ndarray:
        noisy = observation + self.std * self._rng.standard_normal(self.std.shape)
        return np.asarray(noisy, self._dtype)
