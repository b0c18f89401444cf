"""The resolution of a sensor, from the values that it has shown: all of them are whole multiples of it apart."""

from __future__ import annotations

import numpy as np

_ENOUGH = 20
_WHOLE = 0.05
"""Largest distance of a multiple from a whole number, in steps of the resolution: the rounding of printed numbers."""
_SHARE = 0.99


def resolution_of(values: np.ndarray) -> float | None:
    """Return the resolution of readings ``(rows,)``, or None where they are as fine as numbers are."""
    shown = np.unique(values)
    if len(shown) < _ENOUGH or len(shown) > len(values) / 2:
        return None
    apart = np.diff(shown)
    least = float(np.median(apart[apart <= 1.5 * apart.min()]))
    for _ in range(3):  # the sum over many steps determines the step better than one of them
        steps = np.round(apart / least)
        near = np.abs(apart / least - steps) < _WHOLE * np.maximum(steps, 1)
        if near.mean() < _SHARE:
            return None
        least = float(apart[near].sum() / steps[near].sum())
    return least
