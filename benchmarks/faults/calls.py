"""Wrong calls and command lines: one argument of a right call is replaced by something that cannot be right.

What counts as a fault is an exception that is neither an InputError nor a ConvergenceError nor one of Gymnasium's own
errors, and on a command line a traceback. A call that takes the value is no fault: some of the values make sense there.
The process may allocate 4 GiB more than it had, so that a call that asks for more is a fault too.
"""

from __future__ import annotations

import contextlib
import io
import os
import random
import resource
import sys
import tempfile
import traceback
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.faults.right_calls import command_lines, ids, of_environment, of_the_package
from benchmarks.faults.right_constructors import constructors

_WRONG: tuple[Any, ...] = (
    None, True, -1, 0, 10**9, 1.5, -0.5, float("nan"), float("inf"), "", "x", "1", b"x", [], [1, 2], {}, {"a": 1},
    object(), 1j, (None,),
)  # fmt: skip
_BYTES = 2**32
_OF_THE_PACKAGE = 0.4
"""Share of the wrong calls that belong to no environment."""
_WORDS = ("", "x", "-1", "0", "1.5", "nan", "inf", "[]", "{", "null", "--", "1" * 400, "../x", "~nobody/x", "\n")


@contextlib.contextmanager
def _little_memory() -> Iterator[None]:
    """Let this process allocate no more than :data:`_BYTES` in the block, in addition to what it has."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + _BYTES, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


def wrong_calls(count: int, *, seed: int) -> dict[str, Any]:
    """Make wrong calls and command lines, half of each; a JSON-ready summary."""
    import gymnasium

    from hnn_gym.errors import ConvergenceError, InputError

    faults: list[str] = []
    with tempfile.TemporaryDirectory() as temporary, warnings.catch_warnings(), _little_memory():
        warnings.simplefilter("ignore")
        folder, here = Path(temporary), os.getcwd()
        os.chdir(folder)
        try:
            lines = command_lines(folder)
            for number in range(count):
                draw = random.Random(f"{seed}/{number}")
                if number % 2:
                    own = of_the_package() | constructors()
                    calls = own if draw.random() < _OF_THE_PACKAGE else of_environment(draw.choice(ids()))
                    name = draw.choice(list(calls))
                    function, right = calls[name]
                    which, value = draw.choice(list(right)), draw.choice(_WRONG)
                    what = f"{name}({which}={value!r})"
                    with contextlib.redirect_stderr(io.StringIO()):
                        try:
                            function(**{**right, which: value})
                        except (InputError, ConvergenceError, gymnasium.error.Error):
                            pass
                        except BaseException as error:
                            faults.append(f"{what}: {_described(error)}")
                    continue
                name = draw.choice(list(lines))
                run, words = lines[name]
                words = list(words)
                words[draw.randrange(len(words))] = draw.choice(_WORDS)
                before, sys.argv = sys.argv, [name, *words]
                text = io.StringIO()
                try:
                    with contextlib.redirect_stderr(text), contextlib.redirect_stdout(io.StringIO()):
                        run()
                except SystemExit:
                    if "Traceback" in text.getvalue():
                        faults.append(f"{name} {words}: a traceback")
                except BaseException as error:
                    faults.append(f"{name} {words}: {_described(error)}")
                finally:
                    sys.argv = before
        finally:
            os.chdir(here)
    return {"calls": count, "seed": seed, "faults": faults}


def _described(error: BaseException) -> str:
    where = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} {str(error)[:80]!r} in {Path(where.filename).name}:{where.name}"
