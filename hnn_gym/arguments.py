"""Checks of arguments: each returns the value in the type that was asked for, or says what it has to be."""

from __future__ import annotations

import math
import reprlib
from numbers import Integral, Real
from typing import Any, TypeVar

from hnn_gym.errors import InputError

T = TypeVar("T")


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
