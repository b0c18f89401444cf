"""What the operating system refuses, as one sentence: a full disk, a folder without permission, a path too long."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hnn_gym.errors import InputError, StorageError

_REMEDIES = {
    errno.ENOSPC: "make room there, or give a path on another disk",
    errno.EDQUOT: "make room there, or give a path on another disk",
    errno.EFBIG: "files of this size are not allowed there, so give another path",
    errno.ENAMETOOLONG: "give a shorter path",
}


@contextmanager
def storage_errors(path: str | os.PathLike[str], *, doing: str = "written") -> Iterator[None]:
    """Turn an OSError of the block into a :class:`~hnn_gym.errors.StorageError` that names ``path``."""
    try:
        yield
    except InputError:
        raise
    except OSError as error:
        raise StorageError(f"{os.fspath(path)} cannot be {doing}: {reason_and_remedy(error)}.") from error


def reason_and_remedy(error: OSError) -> str:
    """Return what happened, and what to do, as a part of a sentence."""
    where = "" if error.filename is None else f" ({os.fspath(error.filename)})"
    remedy = _REMEDIES.get(error.errno or 0, "give another path")
    return f"{error.strerror or error}{where}: {remedy}"[:600]


def checked_path(path: str | os.PathLike[str]) -> Path:
    """Return a path with ``~`` expanded, as a shell expands it.

    Raises:
        InputError: the path is not a text or a path, is empty, holds a null character, or names a user who does not
            exist.
    """
    if not isinstance(path, str | os.PathLike) or not isinstance(os.fspath(path), str):
        raise InputError(f"A path must be a text, such as 'runs/x', or a pathlib.Path, not {path!r}.")
    text = os.fspath(path)
    if not text.strip() or "\0" in text:
        raise InputError(f"A path must have a name, and {text!r} has none: give the path of a file or folder.")
    try:
        return Path(text).expanduser()
    except RuntimeError as error:  # a user without a home folder
        raise InputError(f"{text} cannot be expanded: {error}.") from None
