"""A study is a list of independent cells: functions without arguments, each with a name of its own.

What a cell returns depends on nothing but the cell, so that it does not matter where, when and in which order cells are
computed. Results land one by one: after an interruption, a crash or a power cut the same call computes what is missing.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import BrokenExecutor, Executor, Future, as_completed
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from hnn_gym.errors import InputError, StudyError, checked_arguments
from hnn_gym.files.path_lock import PathLock
from hnn_gym.files.storage import storage_errors
from hnn_gym.studies.results import Results

if TYPE_CHECKING:
    from rich.console import Console

Cell = Callable[[], Any]
"""One measurement; returns what JSON can hold."""
Outcome = tuple[str, Any, BaseException | None]


@checked_arguments
def run_cells(
    results: Results,
    cells: Mapping[str, Cell],
    *,
    executor: Executor | None = None,
    report: Callable[[str, Any], None] | None = None,
    console: Console | None = None,
) -> None:
    """Compute the cells that ``results`` lacks, and keep each one as soon as it is there.

    Example:
        >>> import math
        >>> from functools import partial
        >>> results = Results(None, command="python -m my_study")
        >>> run_cells(results, {f"cosine/{x}": partial(math.cos, x) for x in (0, 1)})
        >>> results["cosine/0"]
        1.0

    Args:
        results: where they are kept. No other process may write the same file meanwhile.
        cells: functions by name. For other processes they have to be picklable: :func:`functools.partial` of a function
            of a module.
        executor: computes them, such as :class:`hnn_gym.studies.Processes`, :class:`hnn_gym.studies.RayExecutor` or
            any other :class:`concurrent.futures.Executor`; None computes them here, in order.
        report: called with name and result of every cell that lands.
        console: shows a bar over all cells, and the traceback of a cell that failed.

    Raises:
        StudyError: cells failed; all others were computed all the same.
        InputError: another process writes the same results.
    """
    failed: dict[str, BaseException] = {}
    with ExitStack() as opened:
        if results.path is not None and any(name not in results for name in cells):
            with storage_errors(results.path):
                results.path.parent.mkdir(parents=True, exist_ok=True)
                lock = PathLock(results.path)
                lock.acquire(wait=False)
            opened.callback(lock.release)
            results.refresh()  # another process may have written it since it was read
        missing = {name: cell for name, cell in cells.items() if name not in results}
        landed = opened.enter_context(_bar(console, len(cells), done=len(cells) - len(missing)))
        for name, value, error in _outcomes(missing, executor):
            if error is None:
                try:
                    results[name] = value
                except InputError as refused:
                    error = refused
            landed()
            if error is None:
                if report is not None:
                    report(name, value)
                continue
            failed[name] = error
            if isinstance(error, BrokenExecutor):  # and so are all that wait
                failed |= {left: error for left in missing if left not in results and left not in failed}
                break
            if console is not None:
                console.print(f"{name} failed:", style="bold red", highlight=False)
                console.print("".join(traceback.format_exception(error)), markup=False, highlight=False)
    if failed:
        raise StudyError(failed, cells=len(cells)) from next(iter(failed.values()))


def _outcomes(cells: Mapping[str, Cell], executor: Executor | None) -> Iterator[Outcome]:
    """Yield name, result and error of every cell when it is there."""
    if executor is None:
        for name, cell in cells.items():
            try:
                yield name, cell(), None
            except Exception as error:
                yield name, None, error
        return
    names: dict[Future[Any], str] = {}
    try:
        for name, cell in cells.items():
            try:
                names[executor.submit(cell)] = name
            except (InputError, BrokenExecutor) as refused:
                yield name, None, refused
        for future in as_completed(names):
            lost = future.exception()
            yield names[future], None if lost else future.result(), lost
    finally:
        for future in names:
            future.cancel()


@contextmanager
def _bar(console: Console | None, cells: int, *, done: int) -> Iterator[Callable[[], None]]:
    """A progress bar over all cells; yields what moves it by one."""
    if console is None or done == cells:
        yield lambda: None
        return
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (TextColumn("Cells"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as bars:
        task = bars.add_task("", total=cells, completed=done)
        yield lambda: bars.advance(task)
