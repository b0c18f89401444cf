"""Single steps of a recording: states before and after, and the force between, as arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from hnn_gym.coordinates import Coordinates
from hnn_gym.coordinates.circle import require_circles
from hnn_gym.physics.phase import Array, namespace


@dataclass(frozen=True)
class Transitions:
    """N steps from (q, v) to (next_q, next_v) under u, with q on the same turn as next_q.

    Attributes:
        q: positions before the step ``(N, n)``.
        v: velocities before the step ``(N, n)``.
        u: generalised forces during the step ``(N, m)``.
        next_q: positions after the step ``(N, n)``.
        next_v: velocities after the step ``(N, n)``.
        free: whether the step met no limit of the speed and no wall ``(N,)``.
        smooth: whether it met nothing but stops that give way ``(N,)``.
        angles: which degrees of freedom are angles.
        seen: which entries of [q, v] are observed ``(2n,)``.
        dt: time step in s.
        duration: time that each step takes in s ``(N, 1)``; None: all take ``dt``.
    """

    q: np.ndarray
    v: np.ndarray
    u: np.ndarray
    next_q: np.ndarray
    next_v: np.ndarray
    free: np.ndarray
    smooth: np.ndarray
    angles: tuple[bool, ...]
    seen: np.ndarray
    dt: float
    duration: np.ndarray | None = None

    @classmethod
    def of(
        cls,
        observation: Sequence[np.ndarray],
        action: Sequence[np.ndarray],
        *,
        coordinates: Coordinates,
        dt: float,
        duration: Sequence[np.ndarray] | None = None,
    ) -> Transitions:
        """Take the steps of episodes of observations ``(T + 1, d)`` and control vectors ``(T, m)``.

        With ``duration``, arrays ``(T,)``, every step takes its own time in s instead of ``dt``.
        """
        require_circles(np.concatenate([np.asarray(rows, np.float64) for rows in observation]), coordinates)
        before = np.concatenate([np.asarray(rows[:-1], np.float64) for rows in observation])
        after = np.concatenate([np.asarray(rows[1:], np.float64) for rows in observation])
        (q, v), (next_q, next_v) = coordinates.state(before), coordinates.state(after)
        u = coordinates.force(np.concatenate([np.asarray(rows, np.float64) for rows in action]))
        turned = turn(next_q - q, coordinates.angles)
        free, seen = np.ones(len(q), bool), _seen(coordinates)
        seconds = None if duration is None else np.concatenate(duration)[:, None]
        steps = cls(q, v, u, q + turned, next_v, free, free, coordinates.angles, seen, dt, seconds)
        limited, given_way = _limited(coordinates, steps)
        return replace(steps, free=~limited & ~given_way, smooth=~limited)

    def __len__(self) -> int:
        """Return the number of steps."""
        return len(self.q)

    def take(self, rows: np.ndarray) -> Transitions:
        """The steps of the given rows."""
        names = ("q", "v", "u", "next_q", "next_v", "free", "smooth")
        duration = None if self.duration is None else self.duration[rows]
        return replace(self, **{name: getattr(self, name)[rows] for name in names}, duration=duration)

    @property
    def time(self) -> np.ndarray | float:
        """The time of the steps in s: one for all, or ``(N, 1)``."""
        return self.dt if self.duration is None else self.duration

    @cached_property
    def change(self) -> np.ndarray:
        """Root mean square changes of [q, v] in a step ``(2n,)``, 1 where nothing changes: the unit of its errors."""
        moved = np.concatenate([self.next_q - self.q, self.next_v - self.v], axis=-1)
        rms = np.sqrt(np.mean(moved**2, axis=0))
        return np.where(rms > 0, rms, 1.0)


def _seen(coordinates: Coordinates) -> np.ndarray:
    positions = [degree.position is not None or degree.cos is not None for degree in coordinates.degrees]
    return np.array([*positions, *(True for _ in coordinates.degrees)])


def turn(difference: Array, angles: tuple[bool, ...]) -> Array:
    """Differences of positions ``(..., n)``, those of angles brought to (-pi, pi]."""
    if not any(angles):
        return difference
    xp = namespace(difference)
    wrapped = xp.atan2(xp.sin(difference), xp.cos(difference))
    if all(angles):
        return wrapped
    parts = [(wrapped if angle else difference)[..., i] for i, angle in enumerate(angles)]
    return xp.stack(parts, axis=-1)


def _limited(coordinates: Coordinates, data: Transitions) -> tuple[np.ndarray, np.ndarray]:
    """Whether a step ``(N,)`` met a limit, and whether it met a stop that gives way.

    It did if it ends at a limit of the speed, or comes so near to a wall that it may have met it.
    """
    limited, given_way = np.zeros((2, len(data.q)), bool)
    for i, degree in enumerate(coordinates.degrees):
        if degree.speed_limit is not None:
            limited |= np.abs(data.next_v[:, i]) >= degree.speed_limit * (1 - 1e-6)
        if degree.stops is not None:
            low, high = degree.walls
            fastest = np.maximum(np.abs(data.v[:, i]), np.abs(data.next_v[:, i]))
            margin = np.ravel(data.time) * fastest + 1e-6 * np.max(np.abs(data.q[:, i]))
            met = given_way if degree.soft else limited
            for q in (data.q[:, i], data.next_q[:, i]):
                met |= (q <= low + margin) | (q >= high - margin)
    return limited, given_way
