"""The resolution of a sensor, from the values that it has shown: all of them are whole multiples of it apart."""

from __future__ import annotations

import numpy as np

_ENOUGH = 20
_WHOLE = 0.2
"""Largest distance of a multiple from a whole number, in steps of the resolution: the rounding of printed numbers."""
_SHARE = 0.99
_FURTHER = (2, 10, 100)
"""Up to so many steps apart, values are compared in turn: many steps determine one step better than one does."""


def resolution_of(values: np.ndarray) -> float | None:
    """Return the resolution of readings ``(rows,)``, or None where they are as fine as numbers are."""
    shown = np.unique(values)
    if len(shown) < _ENOUGH or len(shown) > len(values) / 2:
        return None
    apart = np.diff(shown)
    least = float(np.median(apart[apart <= 1.5 * apart.min()]))
    near = apart
    for most in _FURTHER:
        near = apart[apart < (most + 0.5) * least]
        steps = np.round(near / least)
        if (np.abs(near / least - steps) < _WHOLE).mean() < _SHARE:
            return None
        least = float(near.sum() / steps.sum())
    return least if len(near) > len(apart) / 2 else None
