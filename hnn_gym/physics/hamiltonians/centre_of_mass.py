"""Momenta of bodies seen from their centre of mass: p_i - m_i P / M, with P = sum p_i and M = sum m_i."""

from __future__ import annotations

from hnn_gym.physics.phase import Array, namespace


def internal_momentum(p: Array, masses: Array, *, dimensions: int) -> Array:
    """Momenta ``(..., n)`` without the common motion; they add up to zero over the bodies.

    Args:
        p: momenta ``(..., n)``, flattened as [x_1, y_1, x_2, y_2, ...].
        masses: mass of every degree of freedom ``(n,)``.
        dimensions: number of space dimensions.
    """
    xp = namespace(p)
    per_body = xp.reshape(p, (*p.shape[:-1], -1, dimensions))
    weights = xp.reshape(masses, (-1, dimensions))
    total = per_body.sum(-2)[..., None, :]
    return xp.reshape(per_body - weights / weights.sum(0) * total, p.shape)
