"""A user's function by its name ``module:function``, for command lines."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from hnn_gym.errors import InputError


def named_function(name: str, *, option: str, arguments: str) -> Callable[..., Any]:
    """Import and return the function ``name``; the working directory is searched for its module too.

    Example:
        >>> named_function("math:cos", option="--reward", arguments="x")(0.0)
        1.0

    Args:
        name: such as "rewards:upright", for the function ``upright`` in ``rewards.py``.
        option: the command line option that names it, for messages.
        arguments: the arguments that the function takes, for messages, such as "observation, rng".

    Raises:
        InputError: the name has another form, or its module cannot be imported or has no such function.
    """
    module, _, function = name.partition(":")
    if module.endswith(".py") or not all(part.isidentifier() for part in (*module.split("."), function)):
        raise InputError(
            f"{option} must be module:function, such as mine:f for f({arguments}) in mine.py, not {name!r}."
        )
    try:
        with _working_directory():
            home = import_module(module)
    except Exception as error:  # importing a module of the user's may raise anything
        missing = error.name if isinstance(error, ModuleNotFoundError) else None
        if missing is not None and f"{module}.".startswith(f"{missing}."):
            raise InputError(
                f"{option} {name}: there is no module {missing!r} in {Path.cwd()} or installed: run the command in the "
                "folder that contains it."
            ) from None
        raise InputError(
            f"{option} {name}: the module {module!r} cannot be imported ({type(error).__name__}: {error}): correct it."
        ) from error
    if not hasattr(home, function):
        raise InputError(f"{option} {name}: the module {module!r} has no {function!r}: name one of its functions.")
    found = getattr(home, function)
    if not callable(found):
        raise InputError(f"{option} {name} is {found!r}: it must be a function f({arguments}).")
    return found


def function_identity(name: str) -> dict[str, Any]:
    """Identify an imported function by JSON values: its name, and the SHA-256 of its module's file if it has one."""
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
