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

    An :class:`~hnn_gym.errors.InputError` or :class:`~hnn_gym.errors.ConvergenceError` becomes one line on
    standard error and exit status 2; any other exception is a defect and keeps its traceback.
    """
    parsed = tyro.cli(settings, prog=prog)
    try:
        function(parsed)
    except (InputError, ConvergenceError) as error:
        print(f"{prog}: {error}", file=sys.stderr)
        raise SystemExit(2) from None
