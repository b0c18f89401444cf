"""What chooses the actions of a recording: functions of an observation and of a random generator."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from gymnasium.spaces import Box

from hnn_gym.errors import InputError

RecordingPolicy = Callable[[np.ndarray, np.random.Generator], np.ndarray]
"""Takes an observation and the episode's random generator, and returns an action."""


def random_policy(space: Box) -> RecordingPolicy:
    """Return a policy of independent actions, uniform in ``space``.

    Raises:
        InputError: the space has no bounds to be uniform between.
    """
    with np.errstate(over="ignore"):
        bounded = np.isfinite(space.high.astype(np.float64) - space.low.astype(np.float64)).all()
    if not bounded:
        raise InputError(
            f"Random actions need a bounded action space, and this one is {space}: bound it with "
            "an action wrapper, or take another policy."
        )
    if np.issubdtype(space.dtype, np.integer):
        low, high = (bound.astype(np.int64) for bound in (space.low, space.high))
        return lambda observation, rng: rng.integers(low, high, endpoint=True).astype(space.dtype)
    return lambda observation, rng: rng.uniform(space.low, space.high).astype(space.dtype)


def zero_policy(space: Box) -> RecordingPolicy:
    """Return the policy that does nothing.

    Raises:
        InputError: zero is not an action of ``space``.
    """
    action = np.zeros(space.shape, space.dtype)
    if not space.contains(action):
        raise InputError(f"Zero is not an action of {space}: take another policy.")
    return lambda observation, rng: action.copy()


POLICIES: dict[str, Callable[[Box], RecordingPolicy]] = {"random": random_policy, "zero": zero_policy}
"""The policies that have a name."""


def named_policy(name: str, space: Box) -> RecordingPolicy:
    """Return the policy called ``name`` for the action space ``space``.

    Raises:
        InputError: there is no policy of that name, or it does not suit the space.
    """
    if name not in POLICIES:
        raise InputError(f"There is no policy {name!r}: take one of {', '.join(sorted(POLICIES))}.")
    return POLICIES[name](space)
