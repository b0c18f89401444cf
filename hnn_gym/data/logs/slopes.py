"""Velocities from positions: the slope of a cubic that is fitted to the rows around each row, at their own stamps.

Source: Savitzky and Golay, Analytical Chemistry 36 (1964) 1627, here for steps of unequal length.
"""

from __future__ import annotations

import numpy as np

from hnn_gym.errors import InputError

_ORDER = 3
_BLOCK = 20_000


def slopes(time: np.ndarray, q: np.ndarray, *, seconds: float) -> np.ndarray:
    """Return velocities ``(rows, n)`` of positions ``(rows, n)``.

    Args:
        time: stamps in s ``(rows,)``.
        q: positions.
        seconds: how long the rows around each row last; at both ends, the first and the last rows.

    Raises:
        InputError: fewer than five rows last so long, or there are fewer rows.
    """
    count = round(seconds / float(np.median(np.diff(time)))) // 2 * 2 + 1
    if count < _ORDER + 2 or count > len(time):
        raise InputError(
            f"{seconds:g} s of this log are {count} of its {len(time)} rows: differentiate over at least {_ORDER + 2} "
            "rows, and no more than there are."
        )
    first = np.clip(np.arange(len(time)) - count // 2, 0, len(time) - count)
    found = np.empty(q.shape)
    for begin in range(0, len(time), _BLOCK):
        rows = slice(begin, begin + _BLOCK)
        around = first[rows, None] + np.arange(count)
        since = (time[around] - time[rows, None]) / seconds
        powers = since[..., None] ** np.arange(_ORDER + 1)
        normal, right = powers.swapaxes(1, 2) @ powers, powers.swapaxes(1, 2) @ q[around]
        found[rows] = np.linalg.solve(normal, right)[:, 1] / seconds
    return found
