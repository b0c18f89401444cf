"""Whole-number actions by a table: the control vector of action k is row k.

Actions of several numbers have one block of rows for each number, and their control vectors are added.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from hnn_gym.errors import InputError
from hnn_gym.physics.phase import Array, namespace

Table = tuple[tuple[float, ...], ...]


def check_table(table: Table, counts: tuple[int, ...] | None, controls: int) -> None:
    """Refuse a table that does not fit.

    Raises:
        InputError: a row has another length than there are controls, a number is not finite, or the blocks of rows do
            not have as many rows as the counts say.
    """
    if not table or not controls or any(len(row) != controls for row in table):
        raise InputError(
            f"A force_table needs one row for each action, and in each row one number for each of the {controls} "
            f"controls, not {table}."
        )
    if not all(math.isfinite(value) for row in table for value in row):
        raise InputError(f"A force_table needs finite numbers, not {table}.")
    if counts is not None and (sum(counts) != len(table) or min(counts, default=0) < 1):
        raise InputError(f"The force_table has {len(table)} rows for action_counts of {counts} values.")


def control_vectors(table: Table, counts: tuple[int, ...] | None, action: Array) -> Array:
    """Control vectors ``(..., m)``, float64, of integers ``(..., k)``: one number for each count, one without counts.

    Raises:
        InputError: the actions are not whole numbers, or one is not in the table.
    """
    xp = namespace(action)
    if not xp.isdtype(action.dtype, "integral"):
        raise InputError(f"Actions of a force_table are whole numbers, not {action.dtype}.")
    sizes = (len(table),) if counts is None else counts
    if action.shape[-1:] != (len(sizes),):
        raise InputError(
            f"Whole-number actions need the shape (..., {len(sizes)}) here, and theirs is {tuple(action.shape)}."
        )
    place: dict[str, Any] = {} if xp is np else {"device": action.device}
    if not bool(xp.all((action >= 0) & (action < xp.asarray(sizes, **place)))):
        raise InputError(f"An action is not among the {' x '.join(map(str, sizes))} values there are.")
    rows = xp.asarray(table, dtype=xp.float64, **place)
    offset, vector = 0, rows[action[..., 0]]
    for k in range(1, len(sizes)):
        offset += sizes[k - 1]
        vector = vector + rows[action[..., k] + offset]
    return vector
