"""Dry friction as an impulse, which stops a body if it can, so that a sticking body stays where it is.

Coulomb friction of size mu is not a function of the velocity: at rest it takes any value up to mu that holds the body.
It therefore acts on the result of a kick, the free momentum p*, with its largest impulse dt mu:

    p' = sign(p*) max(abs(p*) - dt mu, 0).

This is the step of an implicit method (backward Euler for the inclusion dp/dt in F - mu sign(v)), and the proximal map
of dt mu abs(v). With a mass matrix M that couples n degrees of freedom, the new velocities v' are those of least

    (v' - v)^T M (v' - v) / 2 + dt mu^T abs(v').

They are found by elimination of one degree of freedom after the other. While it is held at rest, those of the others
are found in the same way. The impulse that holds it then says whether it stays at rest, and otherwise in which
direction it moves, because this function is convex. With that direction known, a problem for the others alone remains.
That takes 2^n - 1 of the maps above. For more than four degrees of freedom sweeps find which of them stick, and in
which direction the others move; the velocities are then the solution of a linear system.

Sources: Moreau, *Unilateral contact and dry friction in finite freedom dynamics*, 1988; Stewart, *Rigid-body dynamics
with friction and impact*, SIAM Review 42 (2000) 3.
"""

from __future__ import annotations

from hnn_gym.physics.phase import Array, namespace
from hnn_gym.physics.small_matrices import solve_positive

_ELIMINATED = 4
"""Up to so many degrees of freedom are eliminated one after the other."""
_SWEEPS = 12
"""Sweeps where there are more, each of which reduces the error by the square of a coupling below 1."""


def stopped(p: Array, impulse: Array) -> Array:
    """Momenta ``(..., n)`` after dry friction with impulses ``(n,)`` or ``(..., n)`` >= 0: reduced by them, or 0."""
    return p - _taken(p, impulse)


def _taken(p: Array, impulse: Array) -> Array:
    """The part of momenta that dry friction takes."""
    xp = namespace(p)
    return xp.maximum(xp.minimum(p, impulse), -impulse)


def stopped_together(v: Array, M: Array, impulse: Array) -> Array:
    """Velocities ``(..., n)`` of least (v' - v)^T M (v' - v) / 2 + impulse^T abs(v').

    Args:
        v: velocities without dry friction ``(..., n)``.
        M: mass matrix ``(..., n, n)``.
        impulse: largest impulse of dry friction on each degree of freedom ``(n,)`` or ``(..., n)``.
    """
    xp, n = namespace(v), v.shape[-1]
    if n <= _ELIMINATED:
        p = (M * v[..., None, :]).sum(-1)
        entries = [[M[..., i, j] for j in range(n)] for i in range(n)]
        return xp.stack(_eliminated([p[..., i] for i in range(n)], entries, [impulse[..., i] for i in range(n)]), -1)
    # Who sticks and where the others go does not change with small changes of v: derivatives pass by the sweeps.
    swept = _swept(without_derivatives(v), without_derivatives(M), without_derivatives(impulse))
    moving = xp.where(swept != 0, 1.0 + 0 * swept, 0 * swept)
    sign = xp.where(swept > 0, moving, -moving)
    both = moving[..., :, None] * moving[..., None, :]
    units = xp.eye(n, dtype=v.dtype, device=getattr(v, "device", None))
    momentum = moving * ((M * v[..., None, :]).sum(-1) - sign * impulse)
    solved = moving * solve_positive(M * both + units * (1 - moving)[..., None, :], momentum)
    return xp.where(xp.all(solved * sign >= 0, axis=-1, keepdims=True), solved, swept)


def _eliminated(p: list[Array], M: list[list[Array]], impulse: list[Array]) -> list[Array]:
    """Velocities of least v^T M v / 2 - p^T v + impulse^T abs(v), as lists of entries; M is symmetric."""
    *others, last = range(len(p))
    own, beside = M[last][last], [M[last][j] for j in others]
    if not others:
        return [stopped(p[last], impulse[last]) / own]
    held = _eliminated(p[:-1], [row[:-1] for row in M[:-1]], impulse[:-1])
    pull = p[last] - sum(m * v for m, v in zip(beside, held, strict=True))
    taken = _taken(pull, impulse[last])
    share, free = [m / own for m in beside], p[last] - taken
    smaller = [[M[i][j] - share[i] * beside[j] for j in others] for i in others]
    moved = _eliminated([p[i] - share[i] * free for i in others], smaller, impulse[:-1])
    rate = (free - sum(m * v for m, v in zip(beside, moved, strict=True))) / own
    where, stays = namespace(pull).where, pull == taken
    return [*(where(stays, v, w) for v, w in zip(held, moved, strict=True)), where(stays, 0 * rate, rate)]


def _swept(v: Array, M: Array, impulse: Array) -> Array:
    """Velocities ``(..., n)`` after sweeps over the degrees of freedom, each with the others held."""
    n = v.shape[-1]
    free = [v[..., i] for i in range(n)]
    new = list(free)
    for _ in range(_SWEEPS):
        for i in range(n):
            pull = sum(M[..., i, j] * (free[j] - new[j]) for j in range(n) if j != i)
            target = M[..., i, i] * free[i] + pull
            new[i] = stopped(target, impulse[..., i]) / M[..., i, i]
    return namespace(v).stack(new, axis=-1)


def without_derivatives(array: Array) -> Array:
    """The array without its derivatives, where the library records them."""
    return array.detach() if hasattr(array, "detach") else array
