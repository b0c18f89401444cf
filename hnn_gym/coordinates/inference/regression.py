"""Least squares that a few odd rows do not disturb, and errors on rows that were kept aside."""

from __future__ import annotations

import numpy as np

_KEPT = 0.9
"""The share of rows that a trimmed fit is made of: walls, clips and wraps disturb fewer."""
_REPEATS = 4
_FAR = 10.0


def trimmed_fit(columns: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, float]:
    """Fit ``target`` ``(N,)`` by ``columns`` ``(N, k)`` on the nine tenths of the rows that fit best.

    Returns:
        The coefficients ``(k,)``, and the root mean square of the errors on these rows as a share of that of the target
        there; 1 where the target is 0.
    """
    kept = np.ones(len(target), bool)
    for _ in range(_REPEATS):
        weights = np.linalg.lstsq(columns[kept], target[kept], rcond=None)[0]
        error = np.abs(target - columns @ weights)
        kept = error <= np.quantile(error, _KEPT)
    size = np.sqrt(np.mean(target[kept] ** 2))
    return weights, float(np.sqrt(np.mean(error[kept] ** 2)) / size) if size > 0 else 1.0


def held_out_share(columns: np.ndarray, target: np.ndarray) -> float:
    """Median error of least squares on a third of the rows, kept aside, as a share of the target's median deviation.

    Args:
        columns: ``(N, k)``.
        target: ``(N,)``; rows must be in random order.
    """
    scaled = columns / np.maximum(np.sqrt(np.mean(columns**2, axis=0)), 1e-300)
    used = 2 * len(target) // 3
    weights = robust_fit(scaled[:used], target[:used])
    error = float(np.median(np.abs(target[used:] - scaled[used:] @ weights)))
    size = float(np.median(np.abs(target - np.median(target))))
    return error / size if size > 0 else 1.0


def robust_fit(columns: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Least squares; where a few rows fit far worse than the others, once more without them."""
    weights = np.linalg.lstsq(columns, target, rcond=1e-11)[0]
    error = np.abs(target - columns @ weights)
    limit = np.quantile(error, _KEPT)
    if error.max() < _FAR * limit or _KEPT * len(target) < 2 * columns.shape[1]:
        return weights
    good = error <= limit
    return np.linalg.lstsq(columns[good], target[good], rcond=1e-11)[0]
