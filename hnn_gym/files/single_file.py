"""A single file that is written as a whole: a page, a film, a figure, a table."""

from __future__ import annotations

import os
from pathlib import Path

from hnn_gym.errors import InputError
from hnn_gym.files.committed import replace_file
from hnn_gym.files.path_lock import PathLock
from hnn_gym.files.storage import checked_path, storage_errors


def write_file(path: str | os.PathLike[str], data: bytes) -> Path:
    """Write a file, and the folders that lead to it; what is there is replaced by the whole of it, or kept.

    Processes that write one file at once follow one another.

    Returns:
        The path with ``~`` expanded.

    Raises:
        StorageError: the operating system refuses to write it.
        InputError: the path has no name.
    """
    target = checked_path(path)
    if not target.name:
        raise InputError(f"A file must have a name, and {str(path)!r} has none: give the path of a file.")
    with storage_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        lock = PathLock(target)
        lock.acquire(wait=True)
        try:
            replace_file(target, data)
        finally:
            lock.release()
    return target
