"""Processes of this machine as an executor: one thread each, deaf to Ctrl-C, and never left behind."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import resource_tracker
from multiprocessing.connection import wait
from multiprocessing.reduction import ForkingPickler
from types import TracebackType
from typing import Any

from hnn_gym.errors import InputError, whole_number
from hnn_gym.files.interrupts import blocked_for_children

_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class Processes(ProcessPoolExecutor):
    """A pool of processes whose results are those of this process, bit for bit.

    Each has one thread, since there are as many processes as cores: more threads would slow all of them down, and
    another number of threads adds numbers in another order. They do not receive Ctrl-C. They end with this process,
    however it ends, and on an exception in the ``with`` block at once.

    Args:
        workers: number of processes; None: one for every core.

    Raises:
        InputError: ``workers`` is below one, or the program that starts the pool is being imported by one of its
            processes.
    """

    def __init__(self, workers: int | None = None) -> None:
        if getattr(multiprocessing.current_process(), "_inheriting", False):  # no public name
            raise InputError(
                "A process imports the program that has started it, and would start processes too: put the last part "
                'of the program under `if __name__ == "__main__":`.'
            )
        count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        count = count if workers is None else whole_number(workers, "workers", at_least=1)
        context = multiprocessing.get_context("spawn")  # a fork would share the state of torch, SDL and locks
        super().__init__(count, mp_context=context, initializer=_end_with_parent)

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """See :meth:`concurrent.futures.Executor.submit`.

        Raises:
            InputError: the function or an argument cannot be pickled.
        """
        try:
            ForkingPickler.dumps((fn, args, kwargs))
        except Exception as error:  # pickling may raise anything
            raise unpicklable(fn, error) from None
        resource_tracker.ensure_running()  # its start would unblock the signals
        with blocked_for_children(), _one_thread():
            return super().submit(fn, *args, **kwargs)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        if kind is not None:
            for process in list((self._processes or {}).values()):  # no public name before Python 3.14
                process.kill()
        # Every future is done before anybody can cancel one, which would be an error in the thread of the pool.
        self.shutdown(cancel_futures=kind is not None)
        return None


def unpicklable(function: Callable[..., Any], error: Exception) -> InputError:
    """The error of a function that cannot be sent to another process."""
    return InputError(
        f"{function!r} cannot be sent to another process ({type(error).__name__}: {error}): give functools.partial of "
        "a function of a module, with arguments that can be pickled."
    )


def _end_with_parent() -> None:
    """End this process when its parent has ended; the pool itself would wait for ever after a kill -9."""
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


@contextmanager
def _one_thread() -> Iterator[None]:
    """Start processes in the block with one thread each; numerical libraries read this when they are loaded."""
    before = {name: os.environ.get(name) for name in _THREADS}
    os.environ.update(dict.fromkeys(_THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
