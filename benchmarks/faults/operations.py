"""Something happens at the n-th file operation below a folder, in a forked child.

The operations are those that Python announces by audit events, before they happen: opening for writing, making,
renaming and removing. So a child can be killed between any two of them, be refused one as by a full disk, or receive a
signal there, without a change to the code under test.
"""

from __future__ import annotations

import errno
import itertools
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

KILLED = 137
_DEFECT = 70
_CHANGES = {"os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link", "os.symlink", "os.truncate"}
Work = Callable[[], Any]


@dataclass(frozen=True)
class Ended:
    """How a child ended.

    Attributes:
        code: its exit code, or minus the signal that ended it; None: it did not end in time and was killed.
        operations: file operations that it began.
        output: the end of what it wrote to standard error.
        seconds: from the fault, or the start, to the end, without the time in which the child was ready to run and
            waited for a processor that others used.
    """

    code: int | None
    operations: int
    output: str
    seconds: float


def kill() -> None:
    """End the process at once, as SIGKILL does."""
    os._exit(KILLED)


def disk_full() -> None:
    """Refuse the operation."""
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def interrupt(number: int) -> Callable[[], None]:
    """Send the process a signal."""
    return lambda: os.kill(os.getpid(), number)


def in_child(
    work: Work,
    root: Path,
    *,
    at: int | None = None,
    fault: Callable[[], None] = kill,
    once: bool = True,
    limit: float = 600,
) -> Ended:
    """Run ``work`` in a forked child, with a fault at file operation number ``at`` below ``root``, counted from 1.

    Args:
        work: the work; what it raises ends the child with a traceback and exit code 70, SystemExit with its own code.
        root: operations elsewhere are not counted.
        at: number of the operation; None: no fault.
        fault: called before the operation.
        once: only there; False: at all operations that follow, too, as on a disk that stays full.
        limit: seconds after which the child is killed.
    """
    log, counter = root.parent / f".{root.name}.log", root.parent / f".{root.name}.count"
    began = time.monotonic()
    child = os.fork()
    if child == 0:
        _run(work, root, at, fault, once, log, counter)
    code: int | None = None
    while time.monotonic() - began < limit:
        found, status = os.waitpid(child, os.WNOHANG)
        if found:
            code = os.waitstatus_to_exitcode(status)
            break
        time.sleep(0.005)
    else:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    text = counter.read_text().split() if counter.exists() else []
    operations = int(text[0]) if text else 0
    moments = [float(word) for word in text[1:]]
    if len(moments) == 4:  # the child's own clock: this process may notice late that it has ended
        seconds = moments[2] - moments[0] - (moments[3] - moments[1])
    else:
        seconds = time.monotonic() - (moments[0] if moments else began)
    output = log.read_text(errors="replace")[-2000:] if log.exists() else ""
    for left in (log, counter):
        left.unlink(missing_ok=True)
    return Ended(code, operations, output, seconds)


def _run(
    work: Work, root: Path, at: int | None, fault: Callable[[], None], once: bool, log: Path, counter: Path
) -> None:
    """The child's part; it does not return."""
    code = 0
    count = os.open(counter, os.O_RDWR | os.O_CREAT | os.O_TRUNC)
    try:
        descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(descriptor, 2)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        numbers = itertools.count(1)  # for several threads at once

        def watch(event: str, arguments: tuple[Any, ...]) -> None:
            if not _changes_files(event, arguments) or not _below(arguments[0], root):
                return
            done = next(numbers)
            os.pwrite(count, f"{done:<20}".encode(), 0)
            if done == at:
                os.pwrite(count, _clocks(), 20)
            if at is not None and (done == at or (done > at and not once)):
                fault()

        sys.addaudithook(watch)
        work()
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 0 if error.code is None else 1
    except BaseException:
        traceback.print_exc()
        code = _DEFECT
    sys.stderr.flush()
    if os.fstat(count).st_size > 20:
        os.pwrite(count, _clocks(), 20 + len(_clocks()))
    os._exit(code)


def _clocks() -> bytes:
    """The time in s, and for how long this process was ready to run and waited for a processor: 0 where none tells."""
    try:
        waited = int(Path("/proc/self/schedstat").read_text().split()[1]) / 1e9
    except OSError:
        waited = 0.0
    return f"{time.monotonic():<20.6f} {waited:<20.6f} ".encode()


def _changes_files(event: str, arguments: tuple[Any, ...]) -> bool:
    if event == "open":
        flags = arguments[2] if isinstance(arguments[2], int) else 0
        return bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))
    return event in _CHANGES


def _below(path: Any, root: Path) -> bool:
    try:
        return os.fsdecode(os.fspath(path)).startswith(str(root))
    except TypeError:  # a file descriptor
        return False
