"""The length of episodes: ``max_episode_steps`` of ``gymnasium.make``, else the task's own number.

``gymnasium.make`` adds a TimeLimit of the steps that it is given, or that the id is registered with, and does not pass
the number on. The ids of this package are registered without one, since only the entry point knows the task. The entry
point therefore adds the TimeLimit of the task, unless ``make`` was given a number of steps: its TimeLimit would be the
outer one and could not lengthen episodes.
"""

from __future__ import annotations

import sys
from typing import Any

import gymnasium
from gymnasium.envs import registration

from hnn_gym.envs.checks import episode_limit


def limited(env: gymnasium.Env[Any, Any], steps: int | None) -> gymnasium.Env[Any, Any]:
    """Truncate episodes after ``steps`` steps, if any, unless the surrounding ``gymnasium.make`` was given a number.

    Raises:
        InputError: the number that ``make`` was given is not a whole number from 1.
    """
    given = _given_to_make()
    episode_limit(given, "max_episode_steps")
    if given is not None or steps is None:
        return env
    return gymnasium.wrappers.TimeLimit(env, steps)


def _given_to_make() -> int | None:
    """``max_episode_steps`` of the innermost running ``gymnasium.make``, from its arguments or from its spec."""
    frame = sys._getframe()
    code = getattr(registration.make, "__code__", None)
    while frame.f_code is not code:
        if frame.f_back is None:
            return None
        frame = frame.f_back
    given, spec = frame.f_locals.get("max_episode_steps"), frame.f_locals.get("env_spec")
    return getattr(spec, "max_episode_steps", None) if given is None else given
