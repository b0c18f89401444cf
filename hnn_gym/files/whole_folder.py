"""A folder that takes the place of another as a whole.

The new one is prepared beside its path, as ``.NAME.partial``, and renamed. The old one is set aside as ``.NAME.old``
until the new one is there; where a process was killed before, the next writer puts it back. A writer holds the lock of
the path (:class:`.PathLock`).
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path


def staged(path: Path) -> Path:
    """Where the folder that will take the place of ``path`` is prepared."""
    return path.with_name(f".{path.name}.partial")


def set_aside(path: Path) -> None:
    """Set aside what will be replaced, until :func:`put_back` finds it replaced or puts it back.

    Raises:
        OSError: the operating system refuses to.
    """
    remove(_aside(path))
    path.rename(_aside(path))


def put_in_place(path: Path) -> None:
    """Let the prepared folder take the place of ``path``.

    Raises:
        OSError: the operating system refuses to; the next writer puts the old one back.
    """
    if path.exists():
        set_aside(path)
    staged(path).rename(path)
    remove(_aside(path))


def put_back(path: Path, *, unfinished: Callable[[Path], bool] = lambda path: False) -> None:
    """Put back what a killed writer had set aside and not replaced, and remove what else it left.

    Args:
        path: of the folder.
        unfinished: whether the folder that is there had not become valid when its writer was killed.

    Raises:
        OSError: the operating system refuses to.
    """
    if path.exists() and unfinished(path):
        remove(path)
    if _aside(path).exists() and not path.exists():
        _aside(path).rename(path)
    for left in (_aside(path), staged(path)):
        remove(left)


def remove(path: Path) -> None:
    """Remove a file or a folder, if it is there and can be removed."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _aside(path: Path) -> Path:
    return path.with_name(f".{path.name}.old")
