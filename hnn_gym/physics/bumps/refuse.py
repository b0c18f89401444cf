"""Checks of the arguments of a bump, whose errors name the elements of the batch that are at fault."""

from __future__ import annotations

import math

from hnn_gym.errors import InputError
from hnn_gym.physics.phase import Array, has_values, namespace


def named(mask: Array) -> str:
    """Say how many elements of a batch a bool mask ``(...)`` marks, and which: the first five by index."""
    if not mask.shape:
        return "the only element"
    indices = list(zip(*(axis.tolist() for axis in namespace(mask).nonzero(mask)), strict=True))
    listed = ", ".join(str(index[0] if len(index) == 1 else index) for index in indices[:5])
    more = ", ..." if len(indices) > 5 else ""
    return f"{len(indices)} of {math.prod(mask.shape)} elements ({listed}{more})"


def all_finite(what: str, values: Array) -> None:
    """Refuse values ``(...)`` that are not all finite; the caller checks values that are being traced.

    Raises:
        InputError: a value is not finite; the message names the quantity and the elements at fault.
    """
    if not has_values(values):
        return
    xp = namespace(values)
    finite = xp.isfinite(values)
    if not bool(xp.all(finite)):
        raise InputError(f"{what} is not finite for {named(~finite)}: a bump takes a finite state to another.")
