"""Whether the numbers of a log can be what they are said to be: stamps, units, angles that count turns."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from hnn_gym.data.logs.units import TIMES
from hnn_gym.errors import InputError

_TURNS, _FAST_TURNS, _FAST = 6.0, 2.0, 20.0
"""Turns that an angle hardly moves over, and those that it hardly moves over at more than so many rad/s on average."""
_LONGEST_STEP, _SHORTEST_STEP = 0.9, 1e-6
"""Median steps in s between which no unit is asked for. In ms, rows at 1 kHz are 1 apart, and slower ones further."""
_LONGEST_LIKELY, _SHORTEST_LIKELY = 0.9, 1e-4
_DEGREES, _RPM = 180 / math.pi, 2 * math.pi / 60


def check_stamps(time: np.ndarray, label: str, *, declared_unit: bool) -> None:
    """Refuse stamps ``(rows,)`` in s that do not increase, or that can hardly be in s.

    Raises:
        InputError: they are; the message names the row.
    """
    if len(time) < 2:
        raise InputError(f"{label} has {len(time)} complete row, and a log needs at least two.")
    steps = np.diff(time)
    if (steps <= 0).any():
        row = int(np.argmax(steps <= 0)) + 1
        how = "repeats" if steps[row - 1] == 0 else "runs backwards from"
        raise InputError(
            f"Row {row + 1} of {label} {how} the stamp {time[row - 1]:.9g}: stamps have to increase. Delete the row; "
            "or where another recording begins there, give it a file of its own, or name the column that numbers the "
            "recordings with episode (--episode)."
        )
    middle = float(np.median(steps))
    if not declared_unit and not _SHORTEST_STEP < middle < _LONGEST_STEP:
        likely = next((unit for unit, s in TIMES.items() if _SHORTEST_LIKELY < middle * s < _LONGEST_LIKELY), "s")
        raise InputError(
            f"The median step of {label} is {middle:g} s if its stamps are in seconds: give their unit with time_unit "
            f"(--time-unit {likely}, or --time-unit s if they are)."
        )


def check_complete(values: np.ndarray, names: Sequence[str], label: str) -> None:
    """Refuse numbers ``(rows, columns)`` that are NaN or infinite.

    Raises:
        InputError: there is one; the message names the row and the column.
    """
    finite = np.isfinite(values)
    if not finite.all():
        row, column = np.argwhere(~finite)[0]
        raise InputError(
            f"Row {row + 1} of {label} has {values[row, column]} as {names[column]!r}: leave such rows out with "
            "skip_incomplete (--skip-incomplete). Their time passes all the same."
        )


def check_wraps(values: np.ndarray, name: str, label: str) -> None:
    """Refuse an angle ``(rows,)`` in rad that jumps by whole turns.

    Raises:
        InputError: it does; the message names the column and the row.
    """
    jumps = np.abs(np.diff(values))
    whole = np.abs(jumps - 2 * math.pi) < 0.5
    if whole.any() and np.median(jumps) < 0.5:
        raise InputError(
            f"{name!r} of {label} jumps by a whole turn in row {int(np.argmax(whole)) + 2}, so it wraps: count turns "
            "with unwrap=True (--unwrap)."
        )


def check_span(time: np.ndarray, values: np.ndarray, name: str, label: str) -> None:
    """Refuse an angle ``(rows,)`` of unknown unit that moves further, or as far and fast, as no angle in rad does.

    Raises:
        InputError: it does; the message names the column.
    """
    span, turns = float(np.ptp(values)), float(np.ptp(values)) / (2 * math.pi)
    fast = float(np.sqrt(np.mean((np.diff(values) / np.diff(time)) ** 2))) > _FAST
    if turns > _TURNS or (turns > _FAST_TURNS and fast):
        raise InputError(
            f"{name!r} of {label} moves over {span:.4g}, which would be {turns:.1f} turns in rad. If it "
            "is in degrees, give angle_unit='deg' (--angle-unit deg); if it does turn so often, angle_unit='rad' "
            "(--angle-unit rad)."
        )


def check_velocities(
    time: np.ndarray, q: np.ndarray, v: np.ndarray, names: Sequence[tuple[str, str]], label: str
) -> None:
    """Refuse velocities that are not the rates of the positions.

    Args:
        time: stamps in s ``(rows,)``.
        q: positions ``(rows, n)``.
        v: velocities ``(rows, n)``.
        names: of every position and its velocity.
        label: of the log.

    Raises:
        InputError: a velocity is another multiple of the rate; the message names the columns and the likely cause.
    """
    steps = np.diff(time)
    for i, (position, velocity) in enumerate(names):
        rate, mean = np.diff(q[:, i]) / steps, (v[1:, i] + v[:-1, i]) / 2
        squares = float(mean @ mean), float(rate @ rate)
        if min(squares) == 0:
            continue
        slope, correlation = float(rate @ mean) / squares[0], float(rate @ mean) / math.sqrt(squares[0] * squares[1])
        if abs(correlation) < 0.9 or 1 / 1.5 < slope < 1.5:
            continue
        causes = {
            _DEGREES: f"{position!r} is in degrees and {velocity!r} in rad/s",
            1 / _DEGREES: f"{velocity!r} is in degrees per second and {position!r} in rad",
            _RPM: f"{velocity!r} is in turns per minute",
            -1.0: f"{velocity!r} has the opposite sign",
        }
        likely = [text for factor, text in causes.items() if 0.85 < slope / factor < 1.15]
        raise InputError(
            f"In {label} the rate of {position!r} is {slope:.4g} times {velocity!r}"
            + (f", so it seems that {likely[0]}" if likely else "")
            + ": convert the column, or name another one with velocity (--velocity)."
        )
