"""Stops that give way: one-sided springs with a damper, as physics engines make the limits of joints.

Beyond a stop, where the depth r = low - q or q - high is positive, the stop asks for the acceleration

    a_ref = k r - b dr/dt

away from it, and its force f, which only pushes, brings the free acceleration a_0 towards that:

    f = max(0, (a_ref - a_0) / (A + c)),    A = (M^-1)_ii.

With the compliance c = 0 the stop would get what it asks for; the larger c is, the softer it is. The force jumps where a
moving body meets the stop, which schemes that iterate cannot bear: for these it acts by itself, see :class:`StopsApart` in
:mod:`hnn_gym.physics.integrators`. Where several stops are
met at once, the forces are those of least sum_ij f_i A_ij f_j / 2 + sum_i c_i f_i^2 / 2 - f_i (a_ref - a_0)_i, f >= 0.

Source: Todorov, *Convex and analytically-invertible dynamics with contacts and constraints*, ICRA 2014; MuJoCo's
documentation, *Computation*, constraint model.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hnn_gym.physics.dynamics import PortHamiltonian
from hnn_gym.physics.phase import Array, namespace
from hnn_gym.physics.small_matrices import solve_positive

_SWEEPS = 8
"""Sweeps that find which of several stops push; their forces are then solved for."""


@dataclass(frozen=True)
class SoftStops:
    """The forces of stops that give way.

    Attributes:
        free: the dynamics without stops; their H is quadratic in p.
        degrees: the degrees of freedom that have stops.
        low: lower stops ``(k,)``, -inf where there is none.
        high: upper stops ``(k,)``, inf where there is none.
        stiffness: k ``(k,)`` in 1/s^2.
        damping: b ``(k,)`` in 1/s.
        compliance: c ``(k,)``, in units of 1 / M.
    """

    free: PortHamiltonian
    degrees: tuple[int, ...]
    low: np.ndarray
    high: np.ndarray
    stiffness: Array
    damping: Array
    compliance: Array

    def __call__(self, q: Array, v: Array, u: Array | None) -> Array:
        """The force ``(..., n)`` at positions and velocities ``(..., n)`` under controls ``(..., m)``."""
        return self._force(q, v, u, 0.0)

    def impulse(self, q: Array, v: Array, u: Array | None, dt: Array | float) -> Array:
        """The impulse ``(..., n)`` of ``dt`` seconds, with the damper's force at their end, so that it cannot overshoot."""
        return dt * self._force(q, v, u, dt)

    def _force(self, q: Array, v: Array, u: Array | None, ahead: Array | float) -> Array:
        """The force whose damper brakes the velocity that it will have left after so many seconds."""
        xp, kind = namespace(q), {"dtype": q.dtype, "device": getattr(q, "device", None)}
        pick, low, high = (xp.asarray(a, **kind) for a in (np.eye(self.free.n)[list(self.degrees)], self.low, self.high))
        place, rate = q @ pick.T, v @ pick.T
        below, above, none = place < low, place > high, 0 * place
        side = xp.where(below, none + 1.0, xp.where(above, none - 1.0, none))
        depth = xp.where(below, low - place, xp.where(above, high - place, none))  # with the sign of the way back
        softer = 1 + self.damping * ahead
        asked = self.stiffness * depth - self.damping * rate
        missing = (asked - self.free.acceleration(q, v, u) @ pick.T) / softer
        mass = self.free.mass_matrix(q)
        mobility = [solve_positive(mass, row + 0 * q) @ pick.T for row in pick]
        return _pushing(side, missing, mobility, self.compliance / softer + none) @ pick


def soft_stops(dynamics: object) -> SoftStops | None:
    """The stops of some dynamics that give way; None: there are none."""
    forces = dynamics.forces if isinstance(dynamics, PortHamiltonian) else ()
    return next((force for force in forces if isinstance(force, SoftStops)), None)


def _pushing(side: Array, missing: Array, mobility: list[Array], compliance: Array) -> Array:
    """Forces ``(..., k)`` of stops.

    Args:
        side: the direction in which each may push, 0 where it is not met ``(..., k)``.
        missing: the accelerations that are missing ``(..., k)``.
        mobility: rows of A ``(..., k)`` for each stop.
        compliance: c ``(..., k)``.
    """
    xp, count = namespace(side), len(mobility)
    own = [mobility[i][..., i] + compliance[..., i] for i in range(count)]

    def pushed(forces: list[Array], i: int) -> Array:
        rest = sum((mobility[i][..., j] * forces[j] for j in range(count) if j != i), 0 * missing[..., i])
        wanted = (missing[..., i] - rest) / own[i]
        return xp.where(side[..., i] * wanted > 0, wanted, 0 * wanted)

    forces = [0 * missing[..., i] for i in range(count)]
    for _ in range(1 if count == 1 else _SWEEPS):
        for i in range(count):
            forces[i] = pushed(forces, i)
    if count == 1:
        return xp.stack(forces, axis=-1)
    swept = xp.stack(forces, axis=-1)
    active = xp.where(swept != 0, 1.0 + 0 * swept, 0 * swept)
    rows = [
        xp.stack(
            [
                active[..., i] * active[..., j] * mobility[i][..., j]
                if i != j
                else active[..., i] * own[i] + (1 - active[..., i])
                for j in range(count)
            ],
            axis=-1,
        )
        for i in range(count)
    ]
    return active * solve_positive(xp.stack(rows, axis=-2), active * missing)
