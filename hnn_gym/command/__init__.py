"""What every command line does: parse a settings dataclass, call one function, report errors plainly."""

from __future__ import annotations

import dataclasses
import os
import sys
import threading
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import tyro

from hnn_gym.errors import ConvergenceError, InputError, StudyError
from hnn_gym.files.interrupts import Terminated, sigterm_raises
from hnn_gym.files.storage import checked_path, reason_and_remedy

Settings = TypeVar("Settings")


def run(
    function: Callable[[Settings], None], settings: type[Settings], *, prog: str, default: Settings | None = None
) -> None:
    """Parse ``sys.argv`` into ``settings`` and call ``function`` with it.

    ``default`` holds the values of options that are not given, and ``tyro.MISSING`` for those that have to be.

    An :class:`~hnn_gym.errors.InputError`, :class:`~hnn_gym.errors.ConvergenceError` or
    :class:`~hnn_gym.errors.StudyError`, of the settings themselves as well, becomes its message on standard error and
    exit status 2, as does what the operating system refuses. So does a Ctrl-C, with exit status 130, and a SIGTERM,
    with 143; the message of the KeyboardInterrupt, if it has one, says how to continue. Where the program that reads
    the output has ended, the command ends too, with 141. Any other exception is a defect and keeps its traceback.
    """
    threading.excepthook = _quiet_about_storage
    # What Zarr had begun when a signal came is no news for a user.
    warnings.filterwarnings("ignore", message="coroutine .* was never awaited", category=RuntimeWarning)
    try:
        with sigterm_raises():
            try:
                parsed = tyro.cli(settings, prog=prog, default=tyro.MISSING_NONPROP if default is None else default)
                function(_with_paths(parsed))
            except Exception as error:
                if (interruption := _interruption_behind(error)) is not None:
                    raise interruption from None
                raise
            finally:  # after --help too; when the interpreter writes the rest at its end, it reports a closed pipe
                sys.stdout.flush()
    except (InputError, ConvergenceError, StudyError) as error:
        print(f"{prog}: {error}", file=sys.stderr)
        raise SystemExit(2) from None
    except BrokenPipeError:  # the program that reads the output, such as head, has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # so that closing it does not fail too
        raise SystemExit(141) from None
    except OSError as error:
        print(f"{prog}: {reason_and_remedy(error)}.", file=sys.stderr)
        raise SystemExit(2) from None
    except KeyboardInterrupt as error:
        print(f"{prog}: {str(error) or 'interrupted.'}", file=sys.stderr)
        raise SystemExit(143 if isinstance(error, Terminated) else 130) from None


def _interruption_behind(error: BaseException) -> KeyboardInterrupt | None:
    """The interruption during which an error was raised, as by a library that closes a file it had only begun."""
    while error.__context__ is not None:
        error = error.__context__
        if isinstance(error, KeyboardInterrupt):
            return error
    return None


def _quiet_about_storage(failed: threading.ExceptHookArgs) -> None:
    """Leave it to the main thread to report what the operating system refuses, as it does to TensorBoard's thread."""
    if not issubclass(failed.exc_type, OSError):
        threading.__excepthook__(failed)


def _with_paths(settings: Settings) -> Settings:
    """The settings with paths as a shell would have expanded them.

    Raises:
        InputError: ``out`` is empty or the current folder, which holds other things than results.
    """
    if not dataclasses.is_dataclass(settings) or isinstance(settings, type):
        return settings
    changed: dict[str, Any] = {}
    for item in dataclasses.fields(settings):
        value = getattr(settings, item.name)
        if isinstance(value, Path):
            if item.name == "out" and not value.name:
                raise InputError(f"--out must name a new file or folder, and {str(value)!r} does not: give it a name.")
            expanded = checked_path(value)
            if expanded != value:
                changed[item.name] = expanded
        elif isinstance(value, tuple) and any(isinstance(entry, Path) for entry in value):
            changed[item.name] = tuple(checked_path(entry) if isinstance(entry, Path) else entry for entry in value)
    return dataclasses.replace(settings, **changed) if changed else settings


def figure_text(value: Any) -> str:
    """Return a figure of a card as text: numbers with four digits, and everything that JSON can hold."""
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "-"}[value]
    if isinstance(value, float):
        return f"{value:.3e}"
    if isinstance(value, Mapping):
        return ", ".join(f"{str(name).replace('_', ' ')} {figure_text(entry)}" for name, entry in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(figure_text, value))
    return str(value)


def check_at_least(least: int, **options: int | None) -> None:
    """Refuse options below ``least``; None is fine.

    Raises:
        InputError: naming the first of them.
    """
    for name, value in options.items():
        if value is not None and value < least:
            raise InputError(f"--{name.replace('_', '-')} must be at least {least}, got {value}.")
