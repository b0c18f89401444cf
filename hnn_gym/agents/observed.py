"""A check of what a policy is shown: an observation that no environment gives has no answer."""

from __future__ import annotations

from typing import Any

import numpy as np

from hnn_gym.envs.checks import numbers
from hnn_gym.errors import InputError


def observed(observation: Any, size: int, *, more: bool = False) -> np.ndarray:
    """Return observations ``(..., size)`` as an array, in their own dtype.

    Args:
        observation: what ``predict`` was given.
        size: entries of an observation.
        more: whether further entries may follow, such as a goal.

    Raises:
        InputError: they are not numbers, not finite, or have another number of entries.
    """
    array = np.asarray(numbers(observation, "observation"))
    entries = array.shape[-1] if array.ndim else 0
    if entries != size and not (more and entries > size):
        raise InputError(f"The policy needs observations (..., {size}), and was given the shape {array.shape}.")
    if not np.isfinite(array).all():
        raise InputError(f"The observation {array.tolist() if array.size < 20 else ''} is not finite.")
    return np.asarray(observation)
