"""A reward function by its name ``module:function``, for command lines."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from hnn_gym.envs.tasks import Reward
from hnn_gym.errors import InputError


def named_reward(name: str) -> Reward:
    """Import and return the reward function ``name``; the working directory is searched for its module too.

    Args:
        name: such as "rewards:upright", for ``upright(observation, force, next_observation)`` in ``rewards.py``.

    Raises:
        InputError: the name has another form, or its module cannot be imported or has no such function.
    """
    module, _, function = name.partition(":")
    if module.endswith(".py") or not all(part.isidentifier() for part in (*module.split("."), function)):
        raise InputError(f"--reward must be module:function, such as rewards:upright for rewards.py, not {name!r}.")
    try:
        with _working_directory():
            home = import_module(module)
    except Exception as error:  # importing a module of the user's may raise anything
        missing = error.name if isinstance(error, ModuleNotFoundError) else None
        if missing is not None and f"{module}.".startswith(f"{missing}."):
            raise InputError(
                f"--reward {name}: there is no module {missing!r} in {Path.cwd()} or installed: run the command in the "
                "folder that contains it."
            ) from None
        raise InputError(
            f"--reward {name}: the module {module!r} cannot be imported ({type(error).__name__}: {error}): correct it."
        ) from error
    if not hasattr(home, function):
        raise InputError(f"--reward {name}: the module {module!r} has no {function!r}: name one of its functions.")
    found: Reward = getattr(home, function)
    if not callable(found):
        raise InputError(
            f"--reward {name} is {found!r}: it must be a function f(observation, force, next_observation)."
        )
    return found


def reward_identity(name: str) -> dict[str, Any]:
    """Identify a reward by JSON values: its name, and the SHA-256 of its module's file if the module has one."""
    file = getattr(sys.modules[name.partition(":")[0]], "__file__", None)
    return {"function": name, "sha256": None if file is None else hashlib.sha256(Path(file).read_bytes()).hexdigest()}


@contextmanager
def _working_directory() -> Iterator[None]:
    """Search the working directory for modules, as ``python -m`` does, however Python was started."""
    before, sys.path = sys.path, [os.getcwd(), *sys.path]
    try:
        yield
    finally:
        sys.path = before
