"""p' = p + mu d with d = M(q) dH/dp, where mu makes H(q, p') = H(q, p) + dE.

This is the steepest way up in p in the metric of the masses, and d is a momentum, as an impulse is. With
T = p M^-1 p / 2 it is p itself: mu = sqrt(1 + dE / T) - 1. Any other H(q, p) is solved for mu along the same ray.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, runtime_checkable

from hnn_gym.physics.bumps.crossing import Crossing, first_crossing
from hnn_gym.physics.bumps.history import array_like, constant, has_history
from hnn_gym.physics.bumps.refuse import all_finite
from hnn_gym.physics.dynamics import Hamiltonian, SeparableHamiltonian
from hnn_gym.physics.phase import Array, join, namespace, split

_CORRECTIONS = 2


@runtime_checkable
class FreeBodies(Protocol):
    """A Hamiltonian that does not change when all bodies are shifted alike."""

    def internal_momentum(self, p: Array) -> Array:
        """Momenta ``(..., n)`` less those of the common motion, p_i - m_i V: they add up to zero."""


def by_impulse(
    hamiltonian: Hamiltonian, x: Array, dE: Array, *, at_rest: Array | float | None
) -> tuple[Array, Array, Array]:
    """Return x' ``(..., 2n)``, the energy realised ``(...)`` and whether it was clipped; see :func:`~.bump`.

    Args:
        hamiltonian: H.
        x: phase points ``(..., 2n)``, finite.
        dE: requests ``(...)``, finite.
        at_rest: direction of the impulse where dH/dp = 0.
    """
    xp, (q, p) = namespace(x), split(x)
    energy, velocity = _over_momenta(hamiltonian, q)
    start = energy(p)
    all_finite("H", start)
    d, square, slope = _impulse(hamiltonian, q, p, at_rest)
    tracked = has_history(start, dE)
    live = energy, start, p, d
    if tracked:
        energy, velocity = _over_momenta(hamiltonian, constant(q))
        start, p, d, square, slope = (constant(value) for value in (start, p, d, square, slope))

    # T of p + (t / root) d is (t + slope)^2 / 2 and a constant, where it is quadratic, which gives the first guess.
    asked = constant(dE)
    down, one = asked < 0, xp.ones_like(asked)
    stuck = (square == 0) | ((slope == 0) & down)
    root = xp.sqrt(xp.where(stuck, one, square))
    slope, sign, rise = slope / root, xp.where(down, -one, one), xp.where(stuck, 0 * one, abs(asked))
    change = xp.where(down, -xp.minimum(2 * rise, slope * slope), 2 * rise)
    guess = abs(change) / (xp.sqrt(slope * slope + change) + slope + (rise == 0))

    def along(t: Array) -> tuple[Array, Array]:
        there = p + (sign * t / root)[..., None] * d
        return sign * (constant(energy(there)) - start), (constant(velocity(there)) * d).sum(-1) / root

    tolerance = 8 * float(xp.finfo(x.dtype).eps) * (abs(start) + rise)
    if getattr(hamiltonian, "quadratic_kinetic", False):
        found = _on_parabola(along, rise, guess=guess, bend=xp.where(down, -one, one), tolerance=tolerance)
    else:
        found = first_crossing(along, rise, guess=guess, slope=slope, tolerance=tolerance)
    mu = (sign * found.t / root)[..., None]
    new, realised = p + mu * d, sign * found.value
    if tracked:
        # The value stays; dE - (H(p') - H(p)) = 0 gives mu its derivative.
        steepness = (constant(velocity(new)) * d).sum(-1)
        free = found.reached & ~stuck & (steepness != 0)
        rate = xp.where(free, 1 / xp.where(free, steepness, one), 0 * one)
        energy, start, p, live_d = live
        new = p + mu * live_d
        left = dE - (energy(new) - start)
        new = new + (rate * (left - constant(left)))[..., None] * d
        realised = energy(new) - start
    return join(q, new), realised, (stuck & (asked != 0)) | ~found.reached


def _on_parabola(
    along: Callable[[Array], tuple[Array, Array]], rise: Array, *, guess: Array, bend: Array, tolerance: Array
) -> Crossing:
    """Find where a parabola comes closest to ``rise``, going up from t = 0.

    ``guess`` is the solution of the quadratic equation up to rounding, which is large if nearly all of the motion is
    common to all bodies. The equation is solved again from there, a fixed number of times that removes the rounding.
    Nothing here branches on values, so that it can be traced.

    Args:
        along: from t ``(...)`` to the value and the slope there, each ``(...)``.
        rise: target value, >= 0, ``(...)``.
        guess: t where it is reached, or where the parabola turns before that.
        bend: second derivative of the parabola, 1 or -1.
        tolerance: abs(value - rise) that counts as reached.
    """
    xp = namespace(rise)
    zero = xp.zeros_like(rise)
    t, (value, slope) = guess, along(guess)
    for _ in range(_CORRECTIONS):
        missing = rise - value
        square = slope * slope + 2 * bend * missing
        crosses = (square > 0) & (slope > 0)
        root = xp.sqrt(xp.where(crosses, square, zero))
        step = 2 * missing / (xp.where(crosses, slope, zero + 1) + root)
        step = xp.where(crosses, step, xp.where(bend < 0, slope, zero))  # else to the top
        new, new_slope = along(t + step)
        better = abs(rise - new) < abs(missing)
        t, value = xp.where(better, t + step, t), xp.where(better, new, value)
        slope = xp.where(better, new_slope, slope)
    return Crossing(t, value, abs(rise - value) <= tolerance)


def _over_momenta(hamiltonian: Hamiltonian, q: Array) -> tuple[Callable[[Array], Array], Callable[[Array], Array]]:
    """H and dH/dp as functions of p at fixed q; where H is separable, H without its potential."""
    if isinstance(hamiltonian, SeparableHamiltonian):
        return hamiltonian.kinetic, hamiltonian.kinetic_gradient
    return (lambda p: hamiltonian.energy(join(q, p))), (lambda p: split(hamiltonian.gradient(join(q, p)))[1])


def _impulse(hamiltonian: Hamiltonian, q: Array, p: Array, at_rest: Array | float | None) -> tuple[Array, Array, Array]:
    """The direction d ``(..., n)``, its square in the mass metric ``(...)``, and d . dH/dp ``(...)``, 0 at rest."""
    xp = namespace(p)
    velocity = _over_momenta(hamiltonian, q)[1](p)
    whole = hamiltonian.momentum(q, velocity)
    d = _internal(hamiltonian, whole)
    slope = (velocity * d).sum(-1)
    # Bodies that all move alike have no momentum of their own except rounding.
    rounding = (64 * float(xp.finfo(p.dtype).eps)) ** 2
    moving = slope > rounding * (velocity * whole).sum(-1)
    slope = xp.where(moving, slope, 0 * slope)
    if at_rest is None:
        return d, slope, slope
    whole = xp.zeros_like(p) + array_like(p, at_rest)
    kick = _internal(hamiltonian, whole)
    square = (kick * hamiltonian.velocity(q, kick)).sum(-1)
    square = xp.where(square > rounding * (whole * hamiltonian.velocity(q, whole)).sum(-1), square, 0 * square)
    return xp.where(moving[..., None], d, kick), xp.where(moving, slope, square), slope


def _internal(hamiltonian: Hamiltonian, p: Array) -> Array:
    """Project an impulse so that it keeps total momentum; the second projection removes the rounding of the first."""
    if isinstance(hamiltonian, FreeBodies):
        return hamiltonian.internal_momentum(hamiltonian.internal_momentum(p))
    return p
