"""Starts that are uniform between two bounds, as Gymnasium's classic control draws them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from hnn_gym.errors import InputError


def uniform_start(numbers: np.ndarray, options: Mapping[str, Any], *, low: float, high: float) -> np.ndarray:
    """Scale uniform numbers in [0, 1) to [low, high), where ``reset(options=...)`` may give other bounds.

    Args:
        numbers: uniform numbers ``(..., k)``.
        options: of ``reset``; "low" and "high" take the place of the arguments.
        low: smallest value.
        high: largest value.

    Returns:
        Values ``(..., k)``, bit for bit what ``Generator.uniform(low, high)`` makes of the same numbers.

    Raises:
        InputError: a bound is not a finite number, or low exceeds high.
    """
    try:
        bounds = float(options.get("low", low)), float(options.get("high", high))
    except (TypeError, ValueError):
        raise InputError(f"The options low and high must be numbers, got {dict(options)}.") from None
    if not np.isfinite(bounds).all() or bounds[0] > bounds[1]:
        raise InputError(f"The options low and high must be finite, with low <= high, got {dict(options)}.")
    return bounds[0] + (bounds[1] - bounds[0]) * numbers
