"""A scheme whose sums are carried in two numbers, x + low, so that rounding does not add up over a long trajectory.

A move adds y to (x, low): s = x + y with its exact error e (Knuth's sum of two), then e + low is added to s likewise.
The sum is good to 1e-32; what remains is that forces are computed at x alone, but those are the same on the way back.
Sources: Knuth, *The Art of Computer Programming* 2, 4.2.2; Dekker, *Numer. Math.* 18 (1971) 224-242; Hairer, Lubich,
Wanner, *Geometric Numerical Integration*, 2006, VIII.5.
"""

from __future__ import annotations

from dataclasses import dataclass

from hnn_gym.errors import InputError
from hnn_gym.physics.dynamics import Dynamics
from hnn_gym.physics.integrators.moves import Resummed
from hnn_gym.physics.phase import Array, join, namespace, split


@dataclass(frozen=True)
class Compensated(Resummed):
    """An explicit scheme on pairs ``(2, ..., 2n)``: phase points, and what is too small to be part of them.

    Start points have to be pairs: :meth:`pair` makes them. The first of a pair is the phase point.
    """

    def pair(self, x: Array) -> Array:
        """Pairs ``(2, ..., 2n)`` of phase points ``(..., 2n)``."""
        return namespace(x).stack([x, 0 * x])

    def step(self, dynamics: Dynamics, x: Array, dt: float, u: Array | None = None) -> Array:
        """Advance pairs ``(2, ..., 2n)`` by ``dt`` seconds under forces ``u`` ``(..., m)``.

        Raises:
            InputError: these are no pairs, but a batch of phase points.
        """
        xp = namespace(x)
        if x.ndim < 2 or x.shape[0] != 2 or not bool(xp.all(x[0] + x[1] == x[0])):
            raise InputError(f"Compensated steps pairs (2, ..., 2n), and got {tuple(x.shape)}: start from pair(x).")
        (q, p), (low_q, low_p) = split(x[0]), split(x[1])
        for kind, weight in self.moves:
            if kind == "kick":
                p, low_p = _added(p, low_p, weight * dt * dynamics.dpdt(q, p, u))
            else:
                q, low_q = _added(q, low_q, weight * dt * dynamics.dqdt(p))
        return xp.stack([join(q, p), join(low_q, low_p)])


def _added(high: Array, low: Array, y: Array) -> tuple[Array, Array]:
    total, error = _sum(high, y)
    return _sum(total, error + low)


def _sum(a: Array, b: Array) -> tuple[Array, Array]:
    """The rounded sum and its exact error."""
    total = a + b
    part = total - a
    return total, (a - (total - part)) + (b - part)
