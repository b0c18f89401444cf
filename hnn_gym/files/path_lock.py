"""A lock on a path that is written, so that two processes never write it at once.

The lock is a file ``.NAME.lock`` beside the path, held by the operating system: it ends with the process that holds it,
however that process ends. The file names its holder.
"""

from __future__ import annotations

import contextlib
import os
import platform
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock, Timeout

from hnn_gym.errors import InputError

_ASK_AGAIN_S = 2.0


class PathLock:
    """A lock on one path.

    Example:
        >>> lock = PathLock("data/pendulum.zarr")  # doctest: +SKIP
        >>> lock.acquire(wait=False)  # doctest: +SKIP

    Args:
        path: file or folder that is to be written; its parent must exist when the lock is acquired.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._file = self.path.with_name(f".{self.path.name}.lock")
        self._lock = FileLock(self._file, thread_local=False, on_acquired=_write_holder)

    @property
    def held(self) -> bool:
        """Whether this object holds the lock."""
        return bool(self._lock.is_locked)

    def acquire(self, *, wait: bool, report: Callable[[str], None] | None = None) -> None:
        """Take the lock; do nothing if this object holds it.

        Args:
            wait: whether to wait for another process that holds it.
            report: called with a sentence that names the holder, before waiting.

        Raises:
            InputError: another process holds it and ``wait`` is False; or this process holds it already.
            OSError: the lock file cannot be made.
        """
        if self.held:
            return
        try:
            self._lock.acquire(blocking=False)
            return
        except Timeout:
            self._check_possible()
            holder = self._holder()
        if not wait or holder == _this_process():
            remedy = "close it first" if holder == _this_process() else "wait until it has finished"
            raise InputError(f"{self.path} is being written by {holder}: {remedy}, or give another path.")
        if report is not None:
            report(f"Waiting for {holder}, which is writing {self.path}.")
        while not self.held:
            try:
                self._lock.acquire(timeout=_ASK_AGAIN_S)
            except Timeout:
                self._check_possible()

    def release(self) -> None:
        """Give the lock up and remove its file; do nothing if it is not held."""
        if self.held:
            # Removed while it is held: a process that waits on the removed file notices, and tries again.
            with contextlib.suppress(OSError):
                self._file.unlink()
            self._lock.release()

    def _check_possible(self) -> None:
        """Refuse to wait for a file that cannot be opened; filelock waits for it as if another process held it.

        Raises:
            OSError: the folder was removed, or the file is a symbolic link.
        """
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
        with contextlib.suppress(PermissionError):  # on Windows it is that of a file which is being removed
            os.close(os.open(self._file, flags, 0o644))

    def _holder(self) -> str:
        try:
            return self._file.read_text() or "another process"
        except OSError:  # released in this moment
            return "another process"


def _write_holder(descriptor: int) -> None:
    os.ftruncate(descriptor, 0)
    os.write(descriptor, _this_process().encode())


def _this_process() -> str:
    return f"process {os.getpid()} on {platform.node()}"
