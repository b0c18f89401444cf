"""What every command line does: parse a settings dataclass, call one function, report errors plainly."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TypeVar

import tyro

from hnn_gym.errors import ConvergenceError, InputError

Settings = TypeVar("Settings")


def run(function: Callable[[Settings], None], settings: type[Settings], *, prog: str) -> None:
    """Parse ``sys.argv`` into ``settings`` and call ``function`` with it.

    An :class:`~hnn_gym.errors.InputError` or :class:`~hnn_gym.errors.ConvergenceError`, of the settings themselves as
    well, becomes one line on standard error and exit status 2; any other exception is a defect and keeps its traceback.
    """
    try:
        function(tyro.cli(settings, prog=prog))
    except (InputError, ConvergenceError) as error:
        print(f"{prog}: {error}", file=sys.stderr)
        raise SystemExit(2) from None


def check_at_least(least: int, **options: int | None) -> None:
    """Refuse options below ``least``; None is fine.

    Raises:
        InputError: naming the first of them.
    """
    for name, value in options.items():
        if value is not None and value < least:
            raise InputError(f"--{name.replace('_', '-')} must be at least {least}, got {value}.")
