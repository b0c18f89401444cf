"""The errors that are meant for the user: each names the offender, the reason and the remedy."""

from __future__ import annotations

from collections.abc import Mapping

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
