"""dx/ds = grad H / |grad H|^2, for which dH/ds = 1, followed until H has risen by dE.

It is parametrised by its arc length, dx/dl = grad H / |grad H|, which has no poles where the gradient vanishes, and
followed by classical Runge-Kutta steps: each has the length that is missing to first order, or less if step doubling
shows an error. The last digits of H are corrected along the gradient. Every element of a batch has its own steps.
"""

from __future__ import annotations

from hnn_gym.physics.bumps.crossing import first_crossing
from hnn_gym.physics.bumps.history import constant, has_history
from hnn_gym.physics.bumps.refuse import all_finite
from hnn_gym.physics.dynamics import Hamiltonian
from hnn_gym.physics.phase import Array, namespace

_ACCURACY = 1e-7
"""Largest error of a step, relative to the size of x."""
_MAX_STEPS = 400


def along_gradient(hamiltonian: Hamiltonian, x: Array, dE: Array) -> tuple[Array, Array, Array]:
    """Return x' ``(..., 2n)``, the energy realised ``(...)`` and whether it was clipped; see :func:`~.bump`.

    Args:
        hamiltonian: H.
        x: phase points ``(..., 2n)``, finite.
        dE: requests ``(...)``, finite.
    """
    xp = namespace(x)
    live_start = hamiltonian.energy(x)
    all_finite("H", live_start)
    start, asked = constant(live_start), constant(dE)
    y, near, arcs = _follow(hamiltonian, constant(x), start, asked)

    there = constant(hamiltonian.energy(y)) - start
    missing = asked - there
    unit, norm = _unit(constant(hamiltonian.gradient(y)))
    sign = xp.where(missing < 0, -xp.ones_like(missing), xp.ones_like(missing))
    ray = sign[..., None] * unit

    def along(t: Array) -> tuple[Array, Array]:
        z = y + t[..., None] * ray
        rise = constant(hamiltonian.energy(z)) - start - there
        return sign * rise, sign * (constant(hamiltonian.gradient(z)) * ray).sum(-1)

    found = first_crossing(
        along,
        abs(missing),
        guess=xp.minimum(abs(missing) / norm, near / 2),
        limit=near,
        slope=norm,
        tolerance=8 * float(xp.finfo(x.dtype).eps) * (abs(start) + abs(asked)),
    )
    shift = found.t[..., None] * ray
    new, realised = y + shift, there + sign * found.value
    if has_history(live_start, dE):
        # The value stays; H(x') = H(x) + dE determines the length of the flow, and so its derivative.
        # If the bump is clipped, the stationary point does not move.
        z = x
        for arc in arcs:
            z = _doubled(hamiltonian, z, xp.where(found.reached, arc, xp.zeros_like(arc)))
        new = xp.where(found.reached[..., None], z + shift, new)
        left = xp.where(found.reached, dE - (hamiltonian.energy(new) - live_start), 0 * dE)
        new = new + ((left - constant(left)) / norm)[..., None] * unit
        realised = hamiltonian.energy(new) - live_start
    return new, realised, ~found.reached


def _follow(hamiltonian: Hamiltonian, x: Array, start: Array, dE: Array) -> tuple[Array, Array, list[Array]]:
    """The end of the flow up to a short straight line, its length, and the arcs; it stops at a stationary point."""
    xp = namespace(x)
    eps = float(xp.finfo(x.dtype).eps)
    accuracy, least = max(_ACCURACY, 16 * eps), eps**0.4
    y, missing, longest, arcs = x, dE, xp.max(abs(x), axis=-1), []
    longest = xp.where(longest > 0, longest, xp.ones_like(longest))
    for _ in range(_MAX_STEPS):
        unit, norm = _unit(constant(hamiltonian.gradient(y)))
        size = xp.max(abs(y), axis=-1)
        wanted = abs(missing) / norm
        size = xp.where(size > 0, size, wanted)
        length = xp.minimum(wanted, longest)
        running = (length > least * size) & xp.any(unit != 0, axis=-1)
        if not bool(xp.any(running)):
            break
        arc = xp.where(running, xp.where(missing < 0, -length, length), xp.zeros_like(length))
        once, twice = constant(_step(hamiltonian, y, arc)), constant(_doubled(hamiltonian, y, arc))
        left = dE - (constant(hamiltonian.energy(twice)) - start)
        error = xp.max(abs(twice - once), axis=-1) / (accuracy * xp.where(running, size, xp.ones_like(size)))
        helps = abs(left) < abs(missing)
        good = running & helps & (error <= 1)
        y, missing = xp.where(good[..., None], twice, y), xp.where(good, left, missing)
        arcs.append(xp.where(good, arc, xp.zeros_like(arc)))
        # The order is 4, so that the error of a step is of fifth order; beyond a stationary point no step is accepted.
        factor = 0.9 / xp.clip(error, 5e-4, 1e3) ** 0.2
        factor = xp.where(good | (error > 1), factor, 0.25 * xp.ones_like(factor))
        longest = xp.where(running, length * factor, longest)
    return y, 16 * least * size, arcs


def _doubled(hamiltonian: Hamiltonian, y: Array, arc: Array) -> Array:
    return _step(hamiltonian, _step(hamiltonian, y, arc / 2), arc / 2)


def _step(hamiltonian: Hamiltonian, y: Array, arc: Array) -> Array:
    """One step of the classical Runge-Kutta rule."""
    arc = arc[..., None]
    k1, _ = _unit(hamiltonian.gradient(y))
    k2, _ = _unit(hamiltonian.gradient(y + arc / 2 * k1))
    k3, _ = _unit(hamiltonian.gradient(y + arc / 2 * k2))
    k4, _ = _unit(hamiltonian.gradient(y + arc * k3))
    return y + arc / 6 * (k1 + 2 * k2 + 2 * k3 + k4)


def _unit(g: Array) -> tuple[Array, Array]:
    """Unit vectors ``(..., 2n)`` and lengths ``(...)``; 0 and 1 where the gradient vanishes."""
    xp = namespace(g)
    square = (g * g).sum(-1)
    vanishes = square < float(xp.finfo(g.dtype).smallest_normal) ** 0.65
    norm = xp.sqrt(xp.where(vanishes, xp.ones_like(square), square))
    return xp.where(vanishes[..., None], xp.zeros_like(g), g / norm[..., None]), norm
