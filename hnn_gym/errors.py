"""The errors that are meant for the user: each names the offender, the reason and the remedy."""

from __future__ import annotations


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


class NotCompiledWarning(UserWarning):
    """A step, or a reward in it, could not be compiled and runs uncompiled, which is slower; the message says why."""
