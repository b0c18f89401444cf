"""Dry friction as an impulse, which stops a body if it can, so that a sticking body stays where it is.

Coulomb friction of size mu is not a function of the velocity: at rest it takes any value up to mu that holds the body.
It therefore acts on the result of a kick, the free momentum p*, with its largest impulse dt mu:

    p' = sign(p*) max(abs(p*) - dt mu, 0).

This is the step of an implicit method (backward Euler for the inclusion dp/dt in F - mu sign(v)), and the proximal map
of dt mu abs(v). With a mass matrix that couples degrees of freedom the same map has no closed form. Sweeps over the
degrees of freedom find which of them stick, and in which direction the others move; the velocities are then the
solution of a linear system.

Sources: Moreau, *Unilateral contact and dry friction in finite freedom dynamics*, 1988; Stewart, *Rigid-body dynamics
with friction and impact*, SIAM Review 42 (2000) 3.
"""

from __future__ import annotations

from hnn_gym.physics.phase import Array, namespace
from hnn_gym.physics.small_matrices import solve_positive

_SWEEPS = 12
"""Sweeps over the degrees of freedom, each of which reduces the error by the square of a coupling below 1."""


def stopped(p: Array, impulse: Array) -> Array:
    """Momenta ``(..., n)`` after dry friction with impulses ``(n,)`` or ``(..., n)`` >= 0: reduced by them, or 0."""
    return namespace(p).where(p > impulse, p - impulse, namespace(p).where(p < -impulse, p + impulse, 0 * p))


def stopped_together(v: Array, M: Array, impulse: Array) -> Array:
    """Velocities ``(..., n)`` of least (v' - v)^T M (v' - v) / 2 + impulse^T abs(v').

    Args:
        v: velocities without dry friction ``(..., n)``.
        M: mass matrix ``(..., n, n)``.
        impulse: largest impulse of dry friction on each degree of freedom ``(n,)`` or ``(..., n)``.
    """
    xp, n = namespace(v), v.shape[-1]
    if n == 1:
        return _swept(v, M, impulse, sweeps=1)
    # Who sticks and where the others go does not change with small changes of v: derivatives pass by the sweeps.
    swept = _swept(without_derivatives(v), without_derivatives(M), without_derivatives(impulse), sweeps=_SWEEPS)
    moving = xp.where(swept != 0, 1.0 + 0 * swept, 0 * swept)
    sign = xp.where(swept > 0, moving, -moving)
    both = moving[..., :, None] * moving[..., None, :]
    units = xp.eye(n, dtype=v.dtype, device=getattr(v, "device", None))
    momentum = moving * ((M * v[..., None, :]).sum(-1) - sign * impulse)
    solved = moving * solve_positive(M * both + units * (1 - moving)[..., None, :], momentum)
    return xp.where(xp.all(solved * sign >= 0, axis=-1, keepdims=True), solved, swept)


def _swept(v: Array, M: Array, impulse: Array, *, sweeps: int) -> Array:
    """Velocities ``(..., n)`` after sweeps over the degrees of freedom, each with the others held."""
    n = v.shape[-1]
    free = [v[..., i] for i in range(n)]
    new = list(free)
    for _ in range(sweeps):
        for i in range(n):
            pull = sum(M[..., i, j] * (free[j] - new[j]) for j in range(n) if j != i)
            target = M[..., i, i] * free[i] + pull
            new[i] = stopped(target, impulse[..., i]) / M[..., i, i]
    return namespace(v).stack(new, axis=-1)


def without_derivatives(array: Array) -> Array:
    """The array without its derivatives, where the library records them."""
    return array.detach() if hasattr(array, "detach") else array
