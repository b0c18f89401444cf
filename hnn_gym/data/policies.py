"""What chooses the actions of a recording: functions of an observation and of a random generator."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from gymnasium.spaces import Box, Discrete, MultiDiscrete

from hnn_gym.data.spaces import ActionSpace
from hnn_gym.errors import InputError

RecordingPolicy = Callable[[Any, np.random.Generator], Any]
"""Takes an observation and the episode's random generator, and returns an action."""


def random_policy(space: ActionSpace) -> RecordingPolicy:
    """Return a policy of independent actions, uniform in ``space``.

    Raises:
        InputError: the space has no bounds to be uniform between.
    """
    low, high = action_bounds(space)
    if np.issubdtype(low.dtype, np.integer):
        return lambda observation, rng: np.asarray(rng.integers(low, high, endpoint=True), space.dtype)
    return lambda observation, rng: np.asarray(rng.uniform(low, high), space.dtype)


def zero_policy(space: ActionSpace) -> RecordingPolicy:
    """Return the policy that does nothing.

    Raises:
        InputError: zero is not an action of ``space``, or it is only one of the numbers of discrete actions.
    """
    if not isinstance(space, Box):
        raise InputError(f"Nothing says which action of {space} does nothing: choose another policy than zero.")
    action = np.zeros(space.shape, space.dtype)
    if not space.contains(action):
        raise InputError(f"Zero is not an action of {space}: choose another policy.")
    return lambda observation, rng: action.copy()


def action_bounds(space: ActionSpace) -> tuple[np.ndarray, np.ndarray]:
    """Return the least and the largest action of ``space``, in its shape; int64 where the actions are integers.

    Raises:
        InputError: the space has no bounds.
    """
    match space:
        case Box():
            with np.errstate(over="ignore"):
                bounded = np.isfinite(space.high.astype(np.float64) - space.low.astype(np.float64)).all()
            if not bounded:
                raise InputError(
                    f"Random actions need a bounded action space, and this one is {space}: bound it with "
                    "an action wrapper, or choose another policy."
                )
            low, high = space.low, space.high
        case Discrete():
            low, high = np.asarray(space.start), np.asarray(space.start + space.n - 1)
        case MultiDiscrete():
            low, high = space.start, space.start + space.nvec - 1
        case _:
            low, high = np.zeros(space.shape, np.int64), np.ones(space.shape, np.int64)
    if np.issubdtype(low.dtype, np.integer):
        return low.astype(np.int64), high.astype(np.int64)
    return low, high


POLICIES: dict[str, Callable[[ActionSpace], RecordingPolicy]] = {"random": random_policy, "zero": zero_policy}
"""The policies that have a name."""


def named_policy(name: str, space: ActionSpace) -> RecordingPolicy:
    """Return the policy called ``name`` for the action space ``space``.

    Raises:
        InputError: there is no policy of that name, or it does not suit the space.
    """
    if name not in POLICIES:
        raise InputError(f"There is no policy {name!r}: choose one of {', '.join(sorted(POLICIES))}.")
    return POLICIES[name](space)
