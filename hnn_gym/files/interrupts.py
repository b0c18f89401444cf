"""Interruptions by Ctrl-C (SIGINT) and by ``kill`` (SIGTERM), and how to defer them while something is written."""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Terminated(KeyboardInterrupt):
    """The process received SIGTERM. It unwinds like a Ctrl-C, so that what handles the one handles the other."""


def end_in_one_line() -> None:
    """Let SIGINT and SIGTERM end a command of this package with one line while it still imports its modules.

    It does nothing in a process that was not started as ``python -m hnn_gym...``. :func:`sigterm_raises` ends it.
    """
    begun = [name for flag, name in zip(sys.orig_argv, sys.orig_argv[1:], strict=False) if flag == "-m"]
    if sys.argv[:1] == ["-m"] and begun and begun[0].partition(".")[0] == "hnn_gym" and _in_main_thread():
        for number in _SIGNALS:
            signal.signal(number, _end)
        atexit.register(signal.pthread_sigmask, signal.SIG_BLOCK, {signal.SIGINT})  # so that the exit code is 130


def _end(number: int, frame: FrameType | None) -> None:
    os.write(2, b"interrupted before anything was done.\n")
    os._exit(128 + number)


@contextmanager
def sigterm_raises() -> Iterator[None]:
    """Let SIGTERM raise :class:`Terminated` in the block; only the main thread can arrange it.

    SIGINT raises KeyboardInterrupt from there on.
    """
    if not _in_main_thread():
        yield
        return
    if signal.getsignal(signal.SIGINT) is _end:
        signal.signal(signal.SIGINT, signal.default_int_handler)

    def terminate(number: int, frame: FrameType | None) -> None:
        raise Terminated

    before = signal.signal(signal.SIGTERM, terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL if before is None else before)


@contextmanager
def deferred_interrupts() -> Iterator[None]:
    """Complete the block before SIGINT and SIGTERM have their effect, in the main thread; elsewhere they have none."""
    before = {number: signal.getsignal(number) for number in _SIGNALS} if _in_main_thread() else {}
    if None in before.values() or not before:  # a handler that is not Python's cannot be put back
        yield
        return
    received: list[int] = []
    for number in _SIGNALS:
        signal.signal(number, lambda number, frame: received.append(number))
    try:
        yield
    finally:
        for restored, handler in before.items():
            signal.signal(restored, handler)
        if received:
            signal.raise_signal(received[0])


@contextmanager
def blocked_for_children() -> Iterator[None]:
    """Start processes in the block that never receive SIGINT or SIGTERM; this process receives them after the block."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()
