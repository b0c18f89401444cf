"""Speed clips and walls: values that are met exactly again and again, at the edge of what was recorded."""

from __future__ import annotations

import numpy as np

from hnn_gym.coordinates.inference.recording import Recording

_HITS = 3
"""A number that occurs so often at the edge is no coincidence."""
_SAME = 1e-6
_ELASTIC = 0.02
_COARSE = 0.5
"""A sensor has few digits where fewer than this share of its values are different ones."""
_NEIGHBOURS = 5
_SUDDEN = 3.0
"""A wall changes a velocity so many times as much as a step usually does."""
_STANDING = 0.5
"""The share of hits at a wall that must agree on what happens to the velocity."""


def speed_limit(recording: Recording, velocity: int) -> float | None:
    """The speed to which an entry is clipped, or None."""
    speed = np.abs(recording.after[:, velocity])
    top = float(speed.max())
    return _rounded(top) if top > 0 and _piled(speed, top) else None


def stops(recording: Recording, position: int, velocity: int) -> tuple[float | None, float | None, float] | None:
    """The walls (low, high, restitution) of a position, None where there is none on that side.

    At a wall the position is the wall's to the bit, and the velocity is suddenly 0 or points away from it. The
    restitution is the slope of the velocity after a hit over the velocity before that step.

    Args:
        recording: what was recorded.
        position: the entry of the position.
        velocity: the entry of its velocity.
    """
    sides: list[float | None] = []
    hits: list[np.ndarray] = []
    usual = float(np.median(np.abs(recording.after[:, velocity] - recording.before[:, velocity])))
    for sign in (-1.0, 1.0):
        place = sign * recording.after[:, position]
        wall = float(place.max())
        at = place >= wall - _SAME * float(recording.spread[position])
        outward = sign * recording.after[at, velocity]
        arriving = sign * recording.before[at, velocity]
        moving = sign * recording.before[at, position] < wall - _SAME * float(recording.spread[position])
        sudden = np.abs(outward - arriving)[moving] > _SUDDEN * usual
        away = np.mean(outward <= 0) > _STANDING
        hit = bool(away and sudden.sum() >= 2 and _piled(place, float(np.ptp(place))))
        sides.append(_rounded(sign * wall) if hit else None)
        if hit:
            hits.append(np.stack([arriving[moving], -outward[moving]], axis=1))
    if not hits:
        return None
    before, after = np.concatenate(hits).T
    slope = 0.0
    if after.any() and np.ptp(before) > 0:
        slope = float(np.polyfit(before, after, 1)[0])
    return sides[0], sides[1], min(round(slope, 3), 1.0) if slope > _ELASTIC else 0.0


def _rounded(value: float) -> float:
    """The number that float32 shows as ``value``."""
    return float(f"{value:.7g}")


def _piled(values: np.ndarray, size: float) -> bool:
    """Whether the largest of values ``(N,)`` occurs again and again.

    A sensor of few digits shows every value again and again: there it has to occur more often than its neighbours.
    """
    top = values.max()
    hits = int(np.sum(values >= top - _SAME * size))
    counts = np.unique(values[values < top - _SAME * size], return_counts=True)[1]
    coarse = len(counts) < _COARSE * len(values)
    return hits >= _HITS * (counts[-_NEIGHBOURS:].max(initial=1) if coarse else 1)
