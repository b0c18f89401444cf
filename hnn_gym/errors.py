"""The errors that are meant for the user, and the checks of arguments that raise them.

Each error names the offender, the reason and the remedy. A check returns the value in the type that was asked for.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import inspect
import math
import operator
import reprlib
import sys
import types
from collections.abc import Callable, Mapping, Sequence
from numbers import Integral, Real
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, ParamSpec, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")
P = ParamSpec("P")

_LISTED = 10
_LARGEST = 2**63 - 1
_OF_PROTOCOLS = ("__init__", "__subclasshook__")
_NAMES = {bool: "True or False", int: "a whole number", float: "a number", str: "a string"}
_PLURALS = {bool: "True or False", int: "whole numbers", float: "numbers", str: "strings"}


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


def whole_number(value: Any, name: str, *, at_least: int, at_most: int = _LARGEST) -> int:
    """Return ``value`` as an int.

    Raises:
        InputError: it is not a whole number, less than ``at_least`` or greater than ``at_most``, by default what 64
            bits hold; ``name`` is what the caller calls it.
    """
    whole = isinstance(value, Integral) and not isinstance(value, bool)
    if not whole or not at_least <= int(value) <= at_most:
        bound = f" and at most {at_most}" if whole and value > at_most else ""
        raise InputError(f"{name} must be a whole number of at least {at_least}{bound}, got {reprlib.repr(value)}.")
    return int(value)


def finite_number(value: Any, name: str, *, above: float | None = None, at_least: float | None = None) -> float:
    """Return ``value`` as a float.

    Raises:
        InputError: it is not a finite number, not greater than ``above``, or less than ``at_least``.
    """
    if (
        not _is_finite(value)
        or (above is not None and not value > above)
        or (at_least is not None and value < at_least)
    ):
        bound = f" greater than {above:g}" if above is not None else ""
        bound += f" of at least {at_least:g}" if at_least is not None else ""
        raise InputError(f"{name} must be a finite number{bound}, got {reprlib.repr(value)}.")
    return float(value)


def are_finite_numbers(value: Any, *, count: int) -> bool:
    """Whether ``value`` is a tuple or a list of so many finite numbers."""
    return isinstance(value, tuple | list) and len(value) == count and all(map(_is_finite, value))


def _is_finite(value: Any) -> bool:
    """Whether a value is a number that a float can hold; a whole number may be too large."""
    if isinstance(value, Integral):
        return not isinstance(value, bool) and abs(int(value)) <= sys.float_info.max
    return isinstance(value, Real) and math.isfinite(value)


def true_or_false(value: Any, name: str) -> bool:
    """Return ``value``, which is True or False.

    Raises:
        InputError: it is anything else.
    """
    if not isinstance(value, bool):
        raise InputError(f"{name} must be True or False, got {reprlib.repr(value)}.")
    return value


def instance(value: Any, name: str, kind: type[T]) -> T:
    """Return ``value``, an instance of ``kind``, or with its methods where ``kind`` is a protocol.

    Raises:
        InputError: it is something else.
    """
    if not _fits(value, kind):
        raise InputError(f"{name} must be {_words(kind)}, got {reprlib.repr(value)}.")
    return value


def check_fields(value: Any) -> None:
    """Refuse a dataclass with a field of another type than it declares.

    A number that is NaN is refused too; a list may stand for a tuple or an array, and a text for a path. Numbers of
    NumPy become Python's, so that JSON can hold them.

    Raises:
        InputError: a field has another type.
    """
    fields = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    owner: Any = type(value)
    check_arguments(owner, **fields)
    for name, hint in _hints(owner).items():
        if name in fields and (own := _of_python(fields[name], hint)) is not fields[name]:
            object.__setattr__(value, name, own)


def _of_python(value: Any, hint: Any) -> Any:
    """A value that fits a declared type: numbers in Python's own types, a text as a path, anything else as it is."""
    origin, arguments, kind = get_origin(hint), get_args(hint), type(value)
    if origin in (Union, UnionType):
        return _of_python(value, next(one for one in arguments if _fits(value, one)))
    if origin is tuple and kind in (tuple, list):
        each = arguments if arguments[-1:] != (Ellipsis,) else (arguments[0],) * len(value)
        own = list(map(_of_python, value, each))
        return value if all(map(operator.is_, own, value)) else kind(own)
    if hint is Path:
        return Path(value)
    if hint not in (int, float) or kind in (int, float):
        return value
    return int(value) if isinstance(value, Integral) else float(value)


def checked_arguments(function: Callable[P, T]) -> Callable[P, T]:
    """Let a function refuse arguments of another type than it declares, by the same rules; it raises InputError."""
    bind = inspect.signature(function).bind

    @functools.wraps(function)
    def checked(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            given = bind(*args, **kwargs).arguments
        except TypeError:  # Python says best what is missing or unknown
            return function(*args, **kwargs)
        check_arguments(function, **given)
        return function(*args, **kwargs)

    return checked


def check_arguments(owner: Any, /, **values: Any) -> None:
    """Refuse arguments of another type than a function or a dataclass declares, by the same rules.

    Raises:
        InputError: an argument has another type.
    """
    hints = _hints(owner)
    for name, value in values.items():
        if name in hints and not _fits(value, hints[name]):
            words = _words(hints[name]) or f"of the type {_as_written(owner, name)}"
            nan = ", and NaN is not a number" if "nan" in repr(value) else ""
            who = owner.__qualname__.removesuffix(".__init__")
            raise InputError(f"{who} needs {name} to be {words}, got {reprlib.repr(value)}{nan}.")


def _words(hint: Any) -> str:
    """A type in plain words; empty for one that has none."""
    if get_origin(hint) is tuple and get_args(hint)[1:] == (Ellipsis,) and get_args(hint)[0] in _PLURALS:
        return f"a tuple of {_PLURALS[get_args(hint)[0]]}"
    if hint in _NAMES:
        return _NAMES[hint]
    if isinstance(hint, type) and get_origin(hint) is None:
        return f"{'an' if hint.__name__[0] in 'AEIOU' else 'a'} {hint.__name__}"
    return ""


def _as_written(owner: Any, name: str) -> str:
    """The annotation of an argument, or of a field that may be inherited."""
    return next(
        str(one.__annotations__[name])
        for one in getattr(owner, "__mro__", (owner,))
        if name in getattr(one, "__annotations__", ())
    )


@functools.cache
def _hints(owner: Any) -> dict[str, Any]:
    """The declared types, but for those that are known where they were written alone, such as a user's local class."""
    with contextlib.suppress(NameError):
        return get_type_hints(owner)
    found: dict[str, Any] = {}
    for one in reversed(getattr(owner, "__mro__", (owner,))):
        for name, hint in getattr(one, "__annotations__", {}).items():
            with contextlib.suppress(NameError):
                alone = types.SimpleNamespace(__annotations__={name: hint})
                found |= get_type_hints(alone, vars(sys.modules[one.__module__]))
    return found


def _fits(value: Any, hint: Any) -> bool:
    """Whether a value is of a declared type."""
    origin, arguments = get_origin(hint), get_args(hint)
    kind = NoneType if hint is None else origin or hint
    if kind in (Union, UnionType):
        return any(_fits(value, one) for one in arguments)
    if kind is Literal:
        return any(type(value) is type(one) and value == one for one in arguments)
    if kind is tuple:
        if not isinstance(value, tuple | list):
            return False
        if arguments[-1:] != (Ellipsis,):
            return len(value) == len(arguments) and all(map(_fits, value, arguments))
        return all(_fits(one, arguments[0]) for one in value)
    if kind is Sequence and isinstance(value, tuple | list | range):
        return all(_fits(one, arguments[0]) for one in value)
    if kind is Sequence:
        return _is_array(value, arguments[0]) or (isinstance(value, Sequence) and not isinstance(value, str | bytes))
    if kind in (float, int):
        whole = isinstance(value, Integral) and not isinstance(value, bool) and abs(int(value)) <= _LARGEST
        return (
            whole if kind is int else _is_finite(value) or (isinstance(value, Real) and value in (math.inf, -math.inf))
        )
    if kind is Callable:
        return callable(value)
    if not isinstance(kind, type) or kind is Any:
        return True
    if kind is Path:
        return isinstance(value, str | Path)
    if getattr(kind, "_is_protocol", False):
        return not isinstance(value, type) and all(callable(getattr(value, name, None)) for name in _methods(kind))
    if kind.__name__ == "ndarray":
        return _is_array(value) or _are_numbers(value)
    return isinstance(value, kind)


def _is_array(value: Any, of: Any = float) -> bool:
    """Whether a value is an array of numbers, or of whole ones, with at least one axis; one of torch may be, too."""
    kind = getattr(getattr(value, "dtype", None), "kind", "")
    return bool(getattr(value, "shape", ())) and kind in ("", *("iu" if of is int else "biuf"))


def _are_numbers(value: Any) -> bool:
    """Whether a list holds numbers, or lists or arrays of numbers."""
    return type(value) is list and all(_are_numbers(one) or _is_array(one) or _fits(one, float) for one in value)


@functools.cache
def _methods(protocol: type) -> tuple[str, ...]:
    """The methods that a protocol asks for."""
    found = [name for base in protocol.__mro__ for name, one in vars(base).items() if inspect.isfunction(one)]
    return tuple(name for name in found if name not in _OF_PROTOCOLS)
