"""States before and after every step, where a map shows them; velocities that it does not show, by differences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hnn_gym.coordinates import DegreeOfFreedom
from hnn_gym.coordinates.inference.derivatives import Place
from hnn_gym.coordinates.inference.recording import Recording

_SAME = 1e-6


@dataclass(frozen=True)
class Seen:
    """Where one degree of freedom is seen.

    Attributes:
        place: of its position; None: nowhere.
        velocity: the entry of its velocity; None: nowhere.
        scale: what the velocity is multiplied by to make the entry.
    """

    place: Place | None
    velocity: int | None
    scale: float = 1.0

    def speed(self, observation: np.ndarray) -> np.ndarray:
        """Velocities ``(...)`` of observations ``(..., d)``, 0 where there are none."""
        return (
            np.zeros(observation.shape[:-1]) if self.velocity is None else observation[..., self.velocity] / self.scale
        )


@dataclass(frozen=True)
class States:
    """Transitions of states.

    Attributes:
        q: positions before and after ``(N, n)``, 0 where there is none; angles do not jump.
        v: velocities before and after ``(N, n)``.
        u: columns of the actions ``(N, m)``.
    """

    q: tuple[np.ndarray, np.ndarray]
    v: tuple[np.ndarray, np.ndarray]
    u: np.ndarray

    def free(self, degrees: Sequence[DegreeOfFreedom]) -> States:
        """The transitions that meet no speed clip and no wall of these degrees of freedom."""
        kept = np.ones(len(self.u), bool)
        for i, degree in enumerate(degrees):
            if degree.speed_limit is not None:
                kept &= np.abs(self.v[1][:, i]) < degree.speed_limit * (1 - _SAME)
            low, high = degree.walls
            margin = _SAME * max(1.0, *(abs(wall) for wall in (low, high) if np.isfinite(wall)), 0.0)
            kept &= (self.q[1][:, i] > low + margin) & (self.q[1][:, i] < high - margin)
        q0, q1, v0, v1 = (values[kept] for values in (*self.q, *self.v))
        return States((q0, q1), (v0, v1), self.u[kept])

    @classmethod
    def of(cls, recording: Recording, seen: Sequence[Seen], columns: np.ndarray, *, dt: float) -> States:
        """Read states; ``columns`` ``(N, m)`` are those of the recording's transitions.

        Where a velocity is not shown all are central differences, v(t) = (q(t + 1) - q(t - 1)) / 2 dt, and an action
        counts by its share of the three steps that a change of these takes. Such episodes lose two steps.
        """
        direct = all(one.velocity is not None for one in seen)
        parts = []
        begin = 0
        for observed in recording.observations:
            steps = len(observed) - 1
            u = columns[begin : begin + steps]
            begin += steps
            q = np.stack([np.zeros(steps + 1) if s.place is None else s.place.path(observed) for s in seen], axis=1)
            if direct:
                v = np.stack([s.speed(observed) for s in seen], axis=1)
                parts.append((q[:-1], q[1:], v[:-1], v[1:], u))
            elif steps > 2:
                v = (q[2:] - q[:-2]) / (2 * dt)
                for i, s in enumerate(seen):
                    if s.place is None and s.velocity is not None:
                        v[:, i] = s.speed(observed[1:-1])
                shared = (u[:-2] + 2 * u[1:-1] + u[2:]) / 4
                parts.append((q[1:-2], q[2:-1], v[:-1], v[1:], shared))
        if not parts:
            n, m = len(seen), columns.shape[1]
            parts.append((np.zeros((0, n)),) * 4 + (np.zeros((0, m)),))
        q0, q1, v0, v1, u = (np.concatenate([part[i] for part in parts]) for i in range(5))
        return cls((q0, q1), (v0, v1), u)
