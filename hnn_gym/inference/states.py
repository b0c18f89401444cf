"""States before and after every step, where a map shows them; velocities that it does not show, by differences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hnn_gym.inference.derivatives import Place
from hnn_gym.inference.recording import Recording


@dataclass(frozen=True)
class Seen:
    """Where one degree of freedom is seen.

    Attributes:
        place: of its position; None: nowhere.
        velocity: the entry of its velocity; None: nowhere.
    """

    place: Place | None
    velocity: int | None


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
                v = np.stack([observed[:, s.velocity or 0] for s in seen], axis=1)
                parts.append((q[:-1], q[1:], v[:-1], v[1:], u))
            elif steps > 2:
                v = (q[2:] - q[:-2]) / (2 * dt)
                for i, s in enumerate(seen):
                    if s.place is None and s.velocity is not None:
                        v[:, i] = observed[1:-1, s.velocity]
                shared = (u[:-2] + 2 * u[1:-1] + u[2:]) / 4
                parts.append((q[1:-2], q[2:-1], v[:-1], v[1:], shared))
        if not parts:
            n, m = len(seen), columns.shape[1]
            parts.append((np.zeros((0, n)),) * 4 + (np.zeros((0, m)),))
        q0, q1, v0, v1, u = (np.concatenate([part[i] for part in parts]) for i in range(5))
        return cls((q0, q1), (v0, v1), u)
