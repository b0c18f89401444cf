"""Energy bumps: move x so that H(x') = H(x) + dE, exactly.

``direction="momentum"``: an impulse, p' = p_0 + s d, at the same q. d is the momentum p itself, so p' = s p; where H
says what its internal momentum is (bodies), d is that, and p_0 = p - d, the motion of the whole, stays. With a kinetic
energy T of d that is quadratic, s = sqrt(1 + dE / T); the equation is solved by Newton's rule for any H.

``direction="gradient"``: the flow dx/dE = grad H / abs(grad H)^2, which changes q and p. It is the article's.

What cannot be realised is clipped to the nearest that can: the energy at s = 0, or a stationary point of the flow. At
rest an impulse has no direction, and nothing is realised.
"""

from __future__ import annotations

import math
from typing import Any, Literal, NamedTuple, Protocol, runtime_checkable

from hnn_gym.dynamics import Hamiltonian
from hnn_gym.errors import ConvergenceError, InputError
from hnn_gym.phase import Array, join, namespace, split

Direction = Literal["momentum", "gradient"]

_NEWTON_STEPS = 60
_FLOW_STEPS = 2000


class Bump(NamedTuple):
    """Phase points after a bump, with batch axes ``(...)``.

    Attributes:
        x: new phase points ``(..., 2n)``.
        requested: dE in J ``(...)``.
        realised: H(x') - H(x) in J ``(...)``.
        clipped: bool ``(...)``, whether less was possible than requested.
    """

    x: Array
    requested: Array
    realised: Array
    clipped: Array


@runtime_checkable
class HasInternalMomentum(Protocol):
    """A Hamiltonian that knows which part of the momenta is motion within the system."""

    def internal_momentum(self, p: Array) -> Array:
        """Momenta ``(..., n)`` without the motion of the whole; they add up to zero over the bodies."""


def bump(hamiltonian: Hamiltonian | None, x: Array, dE: Array | float, *, direction: Direction = "momentum") -> Bump:
    """Give phase points dE joules, or take them.

    What is conserved: with "momentum", every position; the direction of p; and for a Hamiltonian with an internal
    momentum, as those of bodies have, the total momentum, while the angular momentum about the centre of mass scales
    with s. With "gradient", none of these. Differentiable in x and dE where the bump is not clipped.

    Args:
        hamiltonian: the energy, true or learned.
        x: phase points ``(..., 2n)``.
        dE: energy in J, a number or ``(...)``.
        direction: "momentum" or "gradient".

    Raises:
        InputError: no Hamiltonian, a dE that is not finite, an unknown direction.
        ConvergenceError: a feasible request was not met.

    Source: Greydanus et al. 2019, section 5 (energy bumps); the article flows along the gradient.
    """
    if hamiltonian is None:
        raise InputError(
            "A baseline has no Hamiltonian to bump: use a world of kind 'mechanical', 'separable' or 'hnn'."
        )
    xp = namespace(x)
    requested = xp.zeros_like(x[..., 0]) + dE
    if not bool(xp.all(xp.isfinite(requested))):
        raise InputError(f"dE must be finite, and {int((~xp.isfinite(requested)).sum())} of the requests are not.")
    if direction == "momentum":
        return _impulse(hamiltonian, x, requested)
    if direction == "gradient":
        return _flow(hamiltonian, x, requested)
    raise InputError(f"direction must be 'momentum' or 'gradient', not {direction!r}.")


def _impulse(hamiltonian: Hamiltonian, x: Array, requested: Array) -> Bump:
    xp = namespace(x)
    q, p = split(x)
    d = hamiltonian.internal_momentum(p) if isinstance(hamiltonian, HasInternalMomentum) else p
    kept = p - d

    def at(s: Array) -> Array:
        return join(q, kept + s[..., None] * d)

    start = hamiltonian.energy(x)
    slope = (split(hamiltonian.gradient(x))[1] * d).sum(-1)
    tiny = float(xp.finfo(x.dtype).tiny) / float(xp.finfo(x.dtype).eps)
    moving = slope > tiny
    floor = hamiltonian.energy(at(xp.zeros_like(start))) - start
    feasible = moving & (requested >= floor)
    goal = xp.where(feasible, requested, 0 * requested)

    s = _root(hamiltonian, _constant(x), _constant(d), _constant(goal), _constant(start), _constant(slope), at)
    # One more Newton step, the only one that autograd sees: it carries the implicit function's derivative.
    reached = at(s)
    rise = _constant((split(hamiltonian.gradient(reached))[1] * d).sum(-1))
    correction = (hamiltonian.energy(reached) - start - goal) / xp.where(rise > tiny, rise, 1 + 0 * rise)
    s = s - xp.where(rise > tiny, correction, 0 * correction)
    s = xp.where(feasible, s, xp.where(moving, 0 * s, 1 + 0 * s))
    new = xp.where((requested == 0)[..., None], x, at(s))
    realised = hamiltonian.energy(new) - start
    clipped = ~feasible & (xp.abs(requested - realised) > 8 * _tolerance(start, requested))
    return Bump(new, requested, realised, clipped)


def _root(hamiltonian: Hamiltonian, x: Array, d: Array, goal: Array, start: Array, slope: Array, at: Any) -> Array:
    """Solve H(at(s)) = start + goal for s >= 0 by bracketed Newton steps, all elements of the batch at once."""
    xp = namespace(x)
    tolerance = _tolerance(start, goal)
    safe = xp.where(slope > 0, slope, 1 + 0 * slope)
    s = xp.where(slope > 0, xp.clip(1 + 2 * goal / safe, 0, None), 1 + 0 * goal) ** 0.5
    low, high = xp.zeros_like(s), xp.zeros_like(s) + math.inf
    best, least = s, xp.zeros_like(s) + math.inf
    for step in range(_NEWTON_STEPS):
        point = _constant(at(s))
        error = _constant(hamiltonian.energy(point)) - start - goal
        better = xp.abs(error) < least
        best, least = xp.where(better, s, best), xp.where(better, xp.abs(error), least)
        # After a few steps a residue of some roundings is the rounding of H itself.
        if bool(xp.all((least <= (1 if step < 3 else 16) * tolerance) | (slope <= 0))):
            return best
        low, high = xp.where(error < 0, s, low), xp.where(error > 0, s, high)
        rise = (split(_constant(hamiltonian.gradient(point)))[1] * d).sum(-1)
        newton = s - error / xp.where(rise == 0, 1 + 0 * rise, rise)
        halfway = xp.where(xp.isfinite(high), (low + high) / 2, 2 * s + 1e-3)
        s = xp.where((newton > low) & (newton < high) & (rise != 0), newton, halfway)
    missed = (least > 1e3 * tolerance) & (slope > 0)
    if bool(xp.any(missed)):
        raise ConvergenceError(
            f"{int(missed.sum())} of {math.prod(missed.shape)} bumps did not converge: along the momentum this H does "
            "not reach the energy that was asked for. Ask for less, or use direction='gradient'."
        )
    return best


def _flow(hamiltonian: Hamiltonian, x: Array, requested: Array) -> Bump:
    """Midpoint steps along the gradient, each of an arc length that halves where it does not help."""
    xp = namespace(x)
    start = hamiltonian.energy(x)
    target = start + requested
    tolerance = _tolerance(start, requested)
    shortest = 64 * float(xp.finfo(x.dtype).eps)
    length = 0.05 * (1 + (x * x).sum(-1) ** 0.5)
    new, missing = x, requested
    for _ in range(_FLOW_STEPS):
        active = (xp.abs(missing) > tolerance) & (length > shortest)
        if not bool(xp.any(active)):
            break
        sign = xp.sign(missing)
        middle = new + (length / 2 * sign)[..., None] * _unit(hamiltonian.gradient(new))[0]
        unit, norm = _unit(hamiltonian.gradient(middle))
        arc = xp.minimum(length, xp.abs(missing) / norm)
        proposed = new + (arc * sign)[..., None] * unit
        left = target - hamiltonian.energy(proposed)
        helped = active & (xp.abs(left) < xp.abs(missing))
        new = xp.where(helped[..., None], proposed, new)
        missing = xp.where(helped, left, missing)
        length = xp.where(active & ~helped, length / 2, length)
    return Bump(new, requested, hamiltonian.energy(new) - start, xp.abs(missing) > 1e3 * tolerance)


def _tolerance(energy: Array, dE: Array) -> Array:
    """About the rounding of H, in J: two units in the last place of its largest term."""
    xp = namespace(energy)
    return 2 * float(xp.finfo(energy.dtype).eps) * (1 + xp.abs(energy) + xp.abs(dE))


def _unit(gradient: Array) -> tuple[Array, Array]:
    """Unit vectors and lengths, with 1 in place of a length that vanishes."""
    xp = namespace(gradient)
    squared = (gradient * gradient).sum(-1)
    vanishes = squared <= float(xp.finfo(gradient.dtype).tiny)
    norm = xp.where(vanishes, 1 + 0 * squared, squared) ** 0.5
    return gradient / norm[..., None], norm


def _constant(array: Array) -> Array:
    """The array cut off from autograd, where its library has one."""
    return array.detach() if hasattr(array, "detach") else array
