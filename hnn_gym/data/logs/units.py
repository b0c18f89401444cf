"""Units in the names of columns, such as "q1 [deg]", "time (ms)" or "speed_rpm", and the factors that make them SI."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import NamedTuple

_TURN = 2 * math.pi
TIMES: Mapping[str, float] = {"s": 1.0, "sec": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
"""In s."""
ANGLES: Mapping[str, float] = {"rad": 1.0, "mrad": 1e-3, "deg": math.pi / 180, "rev": _TURN, "turn": _TURN}
"""In rad."""
LENGTHS: Mapping[str, float] = {"m": 1.0, "cm": 1e-2, "mm": 1e-3}
"""In m."""
_RATES: Mapping[str, float] = {
    **{f"{unit}/s": factor for unit, factor in (*ANGLES.items(), *LENGTHS.items())},
    "dps": math.pi / 180,
    "rpm": _TURN / 60,
    "rev/min": _TURN / 60,
}
_FORCES: Mapping[str, float] = {"nm": 1.0, "mnm": 1e-3, "ncm": 1e-2, "n": 1.0, "mn": 1e-3, "kn": 1e3}
_NO_FORCES = ("v", "mv", "a", "ma", "%", "pwm")
"""Units of actions that are no forces: their gains are learned."""
_SPELLINGS = {
    "seconds": "s",
    "second": "s",
    "degrees": "deg",
    "degree": "deg",
    "°": "deg",
    "radians": "rad",
    "radian": "rad",
    "turns": "turn",
    "µs": "us",
    "μs": "us",
}
_BRACKETS = re.compile(r"(.*?)\s*[\[(]([^\[\]()]+)[\])]\s*$")
_ENDING = re.compile(r"(.*[a-z0-9])_(ms|us|ns|s|deg|rad|rpm|dps|mm|cm|nm)$", re.IGNORECASE)


class Named(NamedTuple):
    """The name of a column without its unit, and the unit, or "" where the name has none that is known."""

    name: str
    unit: str


def named(column: str) -> Named:
    """Take the unit off the name of a column."""
    for pattern in (_BRACKETS, _ENDING):
        match = pattern.fullmatch(column.strip())
        if match is not None and (unit := _normal(match[2])) and match[1]:
            return Named(match[1], unit)
    return Named(column, "")


def factor_of(column: str, role: str) -> float | None:
    """What turns a column into SI units; None where its name has no unit of its role.

    Args:
        column: its name.
        role: "time", "position", "velocity" or "action".
    """
    units = {"time": TIMES, "position": {**ANGLES, **LENGTHS}, "velocity": _RATES, "action": _FORCES}
    return units[role].get(named(column).unit)


def is_no_force(column: str) -> bool:
    """Whether the name of an action says that it is in volts or the like."""
    return named(column).unit in _NO_FORCES


def _normal(text: str) -> str:
    """The spelling that the tables know, or ""."""
    unit = re.sub(r"[\s*·⋅.]", "", text.lower())
    for spelling, short in _SPELLINGS.items():
        unit = re.sub(rf"^{spelling}(?=/|$)", short, unit)
    unit = re.sub(r"/sec(ond)?$", "/s", unit)
    known = (*TIMES, *ANGLES, *LENGTHS, *_RATES, *_FORCES, *_NO_FORCES)
    return unit if unit in known else ""
