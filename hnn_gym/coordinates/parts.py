"""The parts of a declaration as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Any

from hnn_gym.coordinates.control import Control
from hnn_gym.coordinates.degree_of_freedom import DegreeOfFreedom
from hnn_gym.coordinates.learned_readout import LearnedReadout
from hnn_gym.coordinates.readout import Readout
from hnn_gym.errors import InputError


def declared(part: DegreeOfFreedom | Control) -> dict[str, Any]:
    """The attributes of a part that differ from their defaults, and those that have none."""
    found = {}
    for field in fields(part):
        value = getattr(part, field.name)
        if field.default is MISSING or value != field.default:
            found[field.name] = list(value) if isinstance(value, tuple) else value
    return found


def read_readout(data: Mapping[str, Any]) -> Readout | LearnedReadout:
    """Read a readout, known or learned."""
    return LearnedReadout.from_json(data) if "hidden" in data else Readout.from_json(data)


def read_part(part: type[Any], data: Mapping[str, Any]) -> Any:
    """Read a degree of freedom or a control.

    Raises:
        InputError: it has an attribute that there is not.
    """
    names = [field.name for field in fields(part)]
    for name in data:
        if name not in names:
            raise InputError(f"A {part.__name__} has no {name!r}: it has {', '.join(names)}.")
    return part(**{name: tuple(value) if isinstance(value, list) else value for name, value in data.items()})
