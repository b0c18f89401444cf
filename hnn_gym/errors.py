"""The errors that are meant for the user, and the checks of arguments that raise them.

Each error names the offender, the reason and the remedy. A check returns the value in the type that was asked for.
"""

from __future__ import annotations

import math
import reprlib
from collections.abc import Mapping
from numbers import Integral, Real
from typing import Any, TypeVar

T = TypeVar("T")

_LISTED = 10


class InputError(ValueError):
    """An argument cannot be used; the message names it and the remedy."""


class MissingPathError(InputError, FileNotFoundError):
    """A path that should be read does not exist."""


class ExistingPathError(InputError, FileExistsError):
    """A path to be written exists already, and neither overwriting nor appending was requested."""


class StorageError(InputError, OSError):
    """The operating system refused to read or write: the disk is full, the path is too long, permission is denied."""


class ConvergenceError(ArithmeticError):
    """A numerical method failed, and no result is returned, because it would be wrong."""


class StudyError(RuntimeError):
    """Some cells of a study failed; all others have landed.

    Attributes:
        failed: the exceptions, by the name of the cell.
    """

    def __init__(self, failed: Mapping[str, BaseException], *, cells: int) -> None:
        self.failed = dict(failed)
        lines = [f"  {name}: {type(error).__name__}: {error}" for name, error in failed.items()]
        more = [f"  and {len(lines) - _LISTED} more"] if len(lines) > _LISTED else []
        super().__init__(
            f"{len(failed)} of {cells} cells were not computed, and the others are kept. Correct the cause and run the "
            "same command again, which computes only these:\n" + "\n".join(lines[:_LISTED] + more)
        )


class NotCompiledWarning(UserWarning):
    """A step, or a reward in it, could not be compiled and runs uncompiled, which is slower; the message says why."""


def whole_number(value: Any, name: str, *, at_least: int) -> int:
    """Return ``value`` as an int.

    Raises:
        InputError: it is not a whole number, or less than ``at_least``; ``name`` is what the caller calls it.
    """
    if not isinstance(value, Integral) or isinstance(value, bool) or value < at_least:
        raise InputError(f"{name} must be a whole number of at least {at_least}, got {reprlib.repr(value)}.")
    return int(value)


def finite_number(value: Any, name: str, *, above: float | None = None, at_least: float | None = None) -> float:
    """Return ``value`` as a float.

    Raises:
        InputError: it is not a finite number, not greater than ``above``, or less than ``at_least``.
    """
    fits = isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)
    if not fits or (above is not None and not value > above) or (at_least is not None and value < at_least):
        bound = f" greater than {above:g}" if above is not None else ""
        bound += f" of at least {at_least:g}" if at_least is not None else ""
        raise InputError(f"{name} must be a finite number{bound}, got {reprlib.repr(value)}.")
    return float(value)


def are_finite_numbers(value: Any, *, count: int) -> bool:
    """Whether ``value`` is a tuple or a list of so many finite numbers."""
    return (
        isinstance(value, tuple | list)
        and len(value) == count
        and all(isinstance(one, Real) and not isinstance(one, bool) and math.isfinite(one) for one in value)
    )


def true_or_false(value: Any, name: str) -> bool:
    """Return ``value``, which is True or False.

    Raises:
        InputError: it is anything else.
    """
    if not isinstance(value, bool):
        raise InputError(f"{name} must be True or False, got {reprlib.repr(value)}.")
    return value


def instance(value: Any, name: str, kind: type[T]) -> T:
    """Return ``value``, an instance of ``kind``.

    Raises:
        InputError: it is an instance of something else.
    """
    if not isinstance(value, kind):
        article = "an" if kind.__name__[0] in "AEIOU" else "a"
        raise InputError(f"{name} must be {article} {kind.__name__}, got {reprlib.repr(value)}.")
    return value
