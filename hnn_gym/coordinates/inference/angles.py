"""Pairs of entries that are the cosine and the sine of one angle: cos^2 + sin^2 = 1."""

from __future__ import annotations

from itertools import combinations
from typing import NamedTuple

import numpy as np

_EXACT = 1e-4
"""How far from 1 the sum of squares may be where there is no noise; float32 makes 1e-7."""
_NOISY = 0.15
"""How far from 1 it may be, root mean square, in noise of some per cent."""
_TIED = 0.25
"""In noise the sum must vary less than this share of what it would if the two had nothing to do with each other."""


class Pair(NamedTuple):
    """Two entries on a circle.

    Attributes:
        cos: one entry; which of the two is the cosine is decided by the velocity.
        sin: the other.
        deviation: root mean square of cos^2 + sin^2 - 1.
    """

    cos: int
    sin: int
    deviation: float


def noise_of(pairs: list[Pair]) -> float:
    """The largest noise that pairs show, as a share of the size of an entry; 0 where it is only rounding."""
    deviation = max((pair.deviation for pair in pairs), default=0.0)
    return deviation if deviation > _EXACT else 0.0  # cos^2 + sin^2 varies by twice the noise, of entries of rms 0.7


def pairs_on_a_circle(values: np.ndarray, entries: list[int]) -> list[Pair]:
    """Find the pairs among ``entries`` of observations ``(N, d)``, each entry in one pair at most."""
    rng = np.random.default_rng(0)
    found = []
    for i, j in combinations(entries, 2):
        square = values[:, i] ** 2 + values[:, j] ** 2 - 1
        deviation = float(np.sqrt(np.mean(square**2)))
        if np.abs(square).max() > _EXACT:
            if deviation > _NOISY:
                continue
            apart = values[:, i] ** 2 + rng.permutation(values[:, j]) ** 2
            if np.std(square) > _TIED * np.std(apart):
                continue
        found.append(Pair(i, j, deviation))
    chosen: list[Pair] = []
    for pair in sorted(found, key=lambda pair: pair.deviation):
        if not any({pair.cos, pair.sin} & {other.cos, other.sin} for other in chosen):
            chosen.append(pair)
    return sorted(chosen)
