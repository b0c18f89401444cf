"""Which entry is the velocity of which: q' - q = c (a v + (1 - a) v'), over one step or several.

The lean a identifies the scheme: 1 for explicit Euler, 0 where velocities are stepped first, 1/2 for anything fine. The
step c is the time between two observations if velocities are per second, and it is the same for all of them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from hnn_gym.coordinates.inference.recording import Recording
from hnn_gym.coordinates.inference.regression import trimmed_fit

_STEPS = (1, 4, 16)
"""Over how many steps increments are compared: several average noise away."""
_CLEAR = 0.03
"""An error of this share needs no longer steps."""
_ACCEPTED = 0.35
_EXACT = 0.02
"""A velocity may be in another unit than the others where its relation is this exact."""
_APART = 2.0
"""The second-best velocity must fit this many times worse."""
_FINE = (0.2, 0.8)
_ROUNDING = 1e-5
_LEANS = (-0.3, 1.3)
_SAME_STEP = (0.6, 1.6)


@dataclass(frozen=True)
class Place:
    """Where a position is observed.

    Attributes:
        entries: one entry, or the two of a pair on a circle, cosine first.
        wraps: the entry is an angle that jumps by whole turns.
    """

    entries: tuple[int, ...]
    wraps: bool = False

    def values(self, observation: np.ndarray) -> np.ndarray:
        """Positions ``(...)`` of observations ``(..., d)``."""
        if len(self.entries) == 1:
            return observation[..., self.entries[0]]
        return np.arctan2(observation[..., self.entries[1]], observation[..., self.entries[0]])

    def path(self, observation: np.ndarray) -> np.ndarray:
        """Positions ``(T + 1,)`` along an episode ``(T + 1, d)``, without jumps by whole turns."""
        values = self.values(observation)
        return np.unwrap(values) if self.wraps or len(self.entries) == 2 else values

    @property
    def mirrored(self) -> Place:
        """The angle counted the other way round: pi / 2 minus it."""
        return replace(self, entries=self.entries[::-1])


@dataclass(frozen=True)
class Match:
    """A position and its velocity.

    Attributes:
        place: where the position is.
        velocity: the entry of the velocity.
        error: root mean square of what the relation leaves, as a share of the increments.
        step: c.
        lean: a.
        other_unit: c is not the time step, so that the velocity is in a unit of its own.
    """

    place: Place
    velocity: int
    error: float
    step: float
    lean: float
    other_unit: bool = False


def matches(recording: Recording, places: list[Place], velocities: list[int]) -> tuple[list[Match], list[str]]:
    """Find the velocity of every place that has one, best first; and a sentence wherever two entries could be it."""
    candidates = [m for place in places for m in _of_place(recording, place, velocities)]
    likely = [m for m in candidates if m.error < _ACCEPTED]
    if not likely:
        return [], []
    best = min(likely, key=lambda m: m.error)
    step = best.step if recording.dt is None or not _agree(best.step, recording.dt) else recording.dt
    likely.sort(key=lambda m: m.error)
    exact = [replace(m, other_unit=True) for m in likely if m.error < _EXACT and not _agree(m.step, step)]
    likely = [m for m in likely if _agree(m.step, step)]
    found: list[Match] = []
    for match in (*likely, *exact):
        taken = {entry for m in found for entry in (*m.place.entries, m.velocity)}
        if not taken & {*match.place.entries, match.velocity}:
            found.append(match)
    used = {m.velocity for m in found}
    return found, [text for match in found for text in _rivals(recording, match, likely, used)]


def match_of(recording: Recording, place: Place, velocity: int) -> Match | None:
    """The relation of a place to a velocity, or None where there is none."""
    found = [match for match in _of_place(recording, place, [velocity]) if match.error < _ACCEPTED]
    return found[0] if found else None


def precise_step(recording: Recording, match: Match) -> tuple[float, float]:
    """The step c of a match, and how far it may be off, relatively.

    Where steps are fine it is by Simpson's rule over two of them, since the mean of two ends has a bias.
    """
    if not _FINE[0] < match.lean < _FINE[1]:
        return match.step, max(match.error, _ROUNDING)
    episodes = [seen for seen in recording.observations if len(seen) > 2]
    if not episodes:
        return match.step, max(match.error, _ROUNDING)
    moved = np.concatenate([_over(match.place.path(seen), 2) for seen in episodes])
    v = [seen[:, match.velocity] for seen in episodes]
    sums = np.concatenate([(one[:-2] + 4 * one[1:-1] + one[2:]) / 3 for one in v])
    weights, error = trimmed_fit(sums[:, None], moved)
    return float(weights[0]), max(4 * error / np.sqrt(len(moved)), _ROUNDING)


def _agree(step: float, other: float) -> bool:
    return _SAME_STEP[0] * other < step < _SAME_STEP[1] * other


def _rivals(recording: Recording, match: Match, likely: list[Match], used: set[int]) -> list[str]:
    """Sentences about entries that could be the velocity of a match as well."""
    found = []
    for other in likely:
        rival = set(other.place.entries) == set(match.place.entries) and other.velocity not in used
        if rival and other.error < max(_APART * match.error, 1e-6):
            where = " and ".join(recording.name(entry) for entry in match.place.entries)
            found.append(
                f"{recording.name(match.velocity)} and {recording.name(other.velocity)} can both be the velocity of "
                f"{where}: they leave {match.error:.1g} and {other.error:.1g} of its motion "
                f'("velocity": {match.velocity} takes the first; "velocity": {other.velocity} and '
                f'"entry": {match.velocity} take the other)'
            )
    return found


def _of_place(recording: Recording, place: Place, velocities: list[int]) -> list[Match]:
    """The best relation of a place to every velocity that it may have."""
    best: dict[int, Match] = {}
    for steps in _STEPS:
        episodes = [seen for seen in recording.observations if len(seen) > steps]
        if not episodes or (best and min(m.error for m in best.values()) < _CLEAR):
            break
        moved = np.concatenate([_over(place.path(seen), steps) for seen in episodes])
        if np.median(np.abs(moved)) == 0 and steps == 1:
            continue
        for velocity in velocities:
            if velocity in place.entries:
                continue
            sums = np.concatenate([_sums(seen[:, velocity], steps) for seen in episodes])
            if len(sums) < 4:
                continue
            weights, error = trimmed_fit(sums, moved)
            match = _oriented(place, velocity, error, weights)
            if match is not None and (velocity not in best or error < best[velocity].error):
                best[velocity] = match
    return list(best.values())


def _oriented(place: Place, velocity: int, error: float, weights: np.ndarray) -> Match | None:
    """The match with c > 0, for which an angle may be counted the other way round; None where it makes no sense."""
    step = float(weights.sum())
    if step == 0 or not _LEANS[0] <= weights[0] / step <= _LEANS[1]:
        return None
    if step < 0 and len(place.entries) == 1:
        return None
    if step < 0:
        place = place.mirrored
    return Match(place, velocity, error, abs(step), float(weights[0] / step))


def _over(path: np.ndarray, steps: int) -> np.ndarray:
    return path[steps:] - path[:-steps]


def _sums(velocity: np.ndarray, steps: int) -> np.ndarray:
    """Sums of the velocities at the beginnings and at the ends of so many steps ``(T + 1 - steps, 2)``."""
    total = np.concatenate([[0.0], np.cumsum(velocity)])
    begins = total[steps:-1] - total[: -steps - 1]
    ends = total[steps + 1 :] - total[1:-steps]
    return np.stack([begins, ends], axis=1)
