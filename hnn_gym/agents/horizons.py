"""The largest length of dreams while an agent is trained: T(s) at the share s of the training, piecewise linear.

Errors of a model add up along a dream, and most where data are missing. Short dreams that begin at states of the real
system (``starts=``, :mod:`hnn_gym.envs.tasks.branched`) stay near the data; long ones show long-term consequences.
Source: Janner et al., *When to trust your model: model-based policy optimization*, NeurIPS 2019, whose rollouts grow
linearly between two epochs.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from hnn_gym.errors import InputError

Horizons = tuple[tuple[float, int], ...]
"""Points (share of the training, steps of a dream), such as ``((0.1, 10), (0.5, 200))``; constant outside them."""


def checked_horizons(points: Horizons) -> Horizons:
    """Return ``points`` as tuples of plain numbers.

    Raises:
        InputError: the shares do not rise within [0, 1], or a dream has less than one step.
    """
    try:
        horizons = tuple((float(share), int(steps)) for share, steps in points)
    except (TypeError, ValueError):
        horizons = ((float("nan"), 0),)
    shares = [share for share, _ in horizons]
    rising = all(one < other for one, other in pairwise(shares))
    if not rising or not all(0 <= share <= 1 for share in shares) or any(steps < 1 for _, steps in horizons):
        raise InputError(
            "Horizons are points (share of the training, steps of a dream), shares rising within [0, 1] and steps of "
            f"at least 1, such as ((0.1, 10), (0.5, 200)), not {points!r}."
        )
    return horizons


def horizon_at(points: Horizons, share: float) -> int:
    """Return the largest number of steps of a dream at a share of the training.

    Example:
        >>> horizon_at(((0.0, 10), (0.5, 200)), 0.25)
        105
    """
    shares, steps = zip(*points, strict=True)
    return int(np.interp(share, shares, steps))
