"""A single file that is written as a whole: a page, a film, a figure, a table."""

from __future__ import annotations

import os
from pathlib import Path

from hnn_gym.errors import InputError
from hnn_gym.files.committed import replace_file
from hnn_gym.files.path_lock import PathLock
from hnn_gym.files.storage import check_replaceable, resolved_path, storage_errors


def write_file(path: str | os.PathLike[str], data: bytes) -> Path:
    """Write a file, and the folders that lead to it; what is there is replaced by the whole of it, or kept.

    Processes that write one file at once follow one another. Where the path is a symbolic link, the file that it leads
    to is written.

    Returns:
        The path of the file, absolute.

    Raises:
        StorageError: the operating system refuses to write it.
        InputError: the path has no name, or is a folder, a pipe or a device.
    """
    target = check_is_for_a_file(path)
    with storage_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        lock = PathLock(target)
        lock.acquire(wait=True)
        try:
            replace_file(target, data)
        finally:
            lock.release()
    return target


def check_is_for_a_file(path: str | os.PathLike[str]) -> Path:
    """Return where a file will be written, before any work is done for it.

    Raises:
        StorageError: the operating system refuses to say what is there.
        InputError: the path has no name, or is a folder, a pipe or a device.
    """
    target = resolved_path(path)
    if not target.name:
        raise InputError(f"A file must have a name, and {str(path)!r} has none: give the path of a file.")
    with storage_errors(target):
        check_replaceable(target)
        if target.is_dir():
            raise InputError(f"{target} is a folder: give the path of a file.")
    return target
