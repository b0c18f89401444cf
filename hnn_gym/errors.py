"""The errors that are meant for the user: each names the offender, the reason and the remedy."""

from __future__ import annotations


class InputError(ValueError):
    """Something the caller handed over cannot be used; the message says what and what to do instead."""


class MissingPathError(InputError, FileNotFoundError):
    """A path that should be read does not exist."""


class ExistingPathError(InputError, FileExistsError):
    """A path that should be written exists already, and nobody said to overwrite or append."""


class ConvergenceError(ArithmeticError):
    """A numerical method failed; the result would have been wrong, so there is none."""


class NotCompiledWarning(UserWarning):
    """A step, or a reward in it, could not be compiled, so that it runs as it is, which is slower; it says why."""
