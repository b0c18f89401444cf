"""A task whose episodes begin in recorded real states, so that a learned world continues real experience.

Short episodes from real states stay close to the data, so that the errors of a model do not add up.
Source: Janner et al., *When to trust your model: model-based policy optimization*, NeurIPS 2019.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from hnn_gym.coordinates import Coordinates
from hnn_gym.envs.checks import numbers
from hnn_gym.envs.tasks.wrapper import TaskWrapper
from hnn_gym.errors import InputError
from hnn_gym.systems.task import Task


class BranchedTask(TaskWrapper):
    """Replaces the starts of the wrapped task."""

    options = ()

    def __init__(self, task: Task, coordinates: Coordinates, starts: np.ndarray) -> None:
        """Begin episodes at observations ``(k, d)``, drawn uniformly.

        Raises:
            InputError: ``starts`` is empty, has another shape, or is not finite.
        """
        super().__init__(task)
        seen = numbers(starts, "starts")
        if seen.ndim != 2 or not len(seen) or seen.shape[1] != coordinates.observation_size:
            raise InputError(
                f"starts must be observations (k, {coordinates.observation_size}), such as dataset.transitions()."
                f"observation, and their shape is {seen.shape}."
            )
        if not np.isfinite(seen).all():
            raise InputError("starts holds NaN or infinity.")
        self._q, self._v = coordinates.state(seen)

    def initial(self, rng: np.random.Generator, options: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray]:
        """Draw one of the given starts as (q, v), each ``(n,)``."""
        i = rng.integers(len(self._q))
        return self._q[i].copy(), self._v[i].copy()
