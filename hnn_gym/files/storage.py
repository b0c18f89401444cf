"""What the operating system refuses, as one sentence: a full disk, a folder without permission, a path too long."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hnn_gym.errors import InputError, StorageError

_REMEDIES = {
    errno.ENOSPC: "make room there, or give a path on another disk",
    errno.EDQUOT: "make room there, or give a path on another disk",
    errno.EFBIG: "files of this size are not allowed there, so give another path",
    errno.ENAMETOOLONG: "give a shorter path",
    errno.ELOOP: "its symbolic links lead in a circle, so give another path",
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


def resolved_path(path: str | os.PathLike[str]) -> Path:
    """Return where a path to be written leads: absolute, with symbolic links followed, so that a link stays what it is.

    Raises:
        StorageError: its links lead in a circle, or the current folder, which it begins at, has been removed.
        InputError: as :func:`checked_path`.
    """
    named = checked_path(path)
    with storage_errors(named):
        try:
            found = named.resolve()
            in_a_circle = any(part.is_symlink() for part in (found, *found.parents))
        except RuntimeError:  # of Python 3.12 and earlier versions
            in_a_circle = True
        if in_a_circle:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        return found


def check_replaceable(path: Path) -> None:
    """Refuse what is neither a file nor a folder, such as a pipe or a device, which nothing that is written replaces.

    Raises:
        InputError: there is such a thing.
        OSError: the operating system refuses to tell.
    """
    try:
        kind = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return
    if not (stat.S_ISREG(kind) or stat.S_ISDIR(kind)):
        raise InputError(f"{path} is a pipe, a device or a socket, and is not replaced: give another path.")
