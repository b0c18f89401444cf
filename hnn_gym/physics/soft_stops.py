"""Stops that give way: one-sided springs with a damper, as physics engines make the limits of joints.

Beyond a stop, where the depth r = low - q or q - high is positive, the stop asks for the acceleration

    a_ref = k r - b dr/dt

away from it, and its force f, which only pushes, brings the free acceleration a_0 towards that:

    f = max(0, (a_ref - a_0) / (A + c)),    A = (M^-1)_ii.

With the compliance c = 0 the stop would get what it asks for; the larger c is, the softer it is. Where several stops
are met at once, the forces f >= 0 are those of least

    sum_ij f_i A_ij f_j / 2 + sum_i c_i f_i^2 / 2 - f_i (a_ref - a_0)_i.

The force jumps where a moving body meets the stop, and an iteration across the jump need not converge:
:class:`hnn_gym.physics.integrators.StopsApart` makes it act by itself.

Source: Todorov, *Convex and analytically-invertible dynamics with contacts and constraints*, ICRA 2014; MuJoCo's
documentation, *Computation*, constraint model.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hnn_gym.physics.dry_friction import without_derivatives
from hnn_gym.physics.phase import Array, namespace
from hnn_gym.physics.small_matrices import solve_positive

_SWEEPS = 12
"""Sweeps that find which of more than two stops push; their forces are then solved for."""


@dataclass(frozen=True)
class SoftStops:
    """Stops of some degrees of freedom that give way.

    Attributes:
        degrees: the degrees of freedom that have stops.
        low: lower stops ``(k,)``, -inf where there is none.
        high: upper stops ``(k,)``, inf where there is none.
        stiffness: k ``(k,)`` in 1/s^2.
        damping: b ``(k,)`` in 1/s.
        compliance: c ``(k,)``, in units of 1 / M.
    """

    degrees: tuple[int, ...]
    low: np.ndarray
    high: np.ndarray
    stiffness: Array
    damping: Array
    compliance: Array

    def units(self, q: Array) -> Array:
        """A force of 1 on each of the degrees of freedom ``(k, n)``."""
        return _like(q, np.eye(q.shape[-1])[list(self.degrees)])

    def forces(
        self, q: Array, v: Array, acceleration: Array, columns: list[Array], *, ahead: Array | float = 0.0
    ) -> Array:
        """The forces of the stops ``(..., k)`` on their degrees of freedom.

        Args:
            q: positions ``(..., n)``.
            v: velocities ``(..., n)``.
            acceleration: a_0 ``(..., n)``.
            columns: columns of M^-1 ``(..., n)``, one for each of the degrees of freedom.
            ahead: the damper brakes the velocity that is left after so many seconds of the force, which therefore
                cannot overshoot.
        """
        xp, pick = namespace(q), self.units(q).T
        place, rate = q @ pick, v @ pick
        low, high, none = _like(q, self.low), _like(q, self.high), 0 * place
        below, above = place < low, place > high
        side = xp.where(below, none + 1.0, xp.where(above, none - 1.0, none))
        depth = xp.where(below, low - place, xp.where(above, high - place, none))  # with the sign of the way back
        softer = 1 + self.damping * ahead
        missing = (self.stiffness * depth - self.damping * rate - acceleration @ pick) / softer
        return _pushing(side, missing, [column @ pick for column in columns], self.compliance / softer + none)


def _like(some: Array, array: np.ndarray) -> Array:
    return namespace(some).asarray(array, dtype=some.dtype, device=getattr(some, "device", None))


def _pushing(side: Array, missing: Array, mobility: list[Array], compliance: Array) -> Array:
    """Forces ``(..., k)`` of stops.

    Args:
        side: the direction in which each may push, 0 where it is not met ``(..., k)``.
        missing: the accelerations that are missing ``(..., k)``.
        mobility: rows of A ``(..., k)`` for each stop.
        compliance: c ``(..., k)``.
    """
    xp, count = namespace(side), len(mobility)
    if count == 1:
        alone = missing / (mobility[0] + compliance)
        return xp.where(side * alone > 0, alone, 0 * alone)
    # Which stops push does not change with small changes: derivatives pass by their choice.
    rows = [without_derivatives(row) + 0 * side for row in mobility]
    active = _active(side, without_derivatives(missing), rows, without_derivatives(compliance))
    return _solved(active, missing, mobility, compliance)


def _solved(active: Array, missing: Array, mobility: list[Array], compliance: Array) -> Array:
    """The forces ``(..., k)`` that give what is missing where stops are active (1, else 0), which push and pull."""
    xp, count = namespace(missing), len(mobility)
    units = xp.eye(count, dtype=missing.dtype, device=getattr(missing, "device", None))
    both = active[..., :, None] * active[..., None, :]
    matrix = both * xp.stack(mobility, axis=-2) + units * (active * compliance + 1 - active)[..., None, :]
    return active * solve_positive(matrix, active * missing)


def _active(side: Array, missing: Array, mobility: list[Array], compliance: Array) -> Array:
    """1 for stops that push ``(..., k)``, else 0: sweeps over the stops, each with the others held.

    Of two stops that would not both push, one alone does: that which the other does not ask for more.
    """
    xp, count, none = namespace(side), len(mobility), 0 * missing
    if count == 2:
        met = xp.where(side != 0, none + 1.0, none)
        pushing = side * _solved(met, missing, mobility, compliance) > 0
        own = xp.stack([mobility[i][..., i] + compliance[..., i] for i in range(2)], axis=-1)
        alone = xp.where(side * missing > 0, missing / own, none)
        first = (alone[..., 0] != 0) & (side[..., 1] * (missing[..., 1] - mobility[1][..., 0] * alone[..., 0]) <= 0)
        one = xp.where(first, 1.0 + none[..., 0], none[..., 0])
        other = xp.where(alone[..., 1] != 0, 1.0 - one, none[..., 0])
        together = pushing[..., 0] & pushing[..., 1]
        return xp.where(together[..., None], none + 1.0, xp.stack([one, other], axis=-1))
    forces = [none[..., i] for i in range(count)]
    for _ in range(_SWEEPS):
        for i in range(count):
            rest = sum((mobility[i][..., j] * forces[j] for j in range(count) if j != i), none[..., i])
            wanted = (missing[..., i] - rest) / (mobility[i][..., i] + compliance[..., i])
            forces[i] = xp.where(side[..., i] * wanted > 0, wanted, 0 * wanted)
    return xp.stack([xp.where(one != 0, 1.0 + 0 * one, 0 * one) for one in forces], axis=-1)
