"""Bodies in the plane, as the tasks about them see them: q = [x_1, y_1, x_2, y_2, ...]."""

from __future__ import annotations

import numpy as np

from hnn_gym.errors import InputError
from hnn_gym.physics.phase import Array, namespace

RESOLVED = 1e-3
"""Largest error of energy in one step, as a share of the kinetic energy, that counts as resolved."""


def in_plane(q: Array) -> Array:
    """Positions or velocities ``(..., 2b)`` by body: ``(..., b, 2)``."""
    return namespace(q).reshape(q, (*q.shape[:-1], q.shape[-1] // 2, 2))


def from_centre(q: Array, masses: tuple[float, ...]) -> Array:
    """Distances of the bodies from their centre of mass ``(..., b)`` in m, of positions ``(..., 2b)``."""
    positions = in_plane(q)
    total = sum(masses)
    centre = sum(positions[..., i, :] * (mass / total) for i, mass in enumerate(masses))
    offset = positions - centre[..., None, :]
    return (offset * offset).sum(-1) ** 0.5


def closest(q: Array) -> Array:
    """Smallest distance between two bodies ``(...)`` in m, of positions ``(..., 2b)``."""
    xp, positions = namespace(q), in_plane(q)
    separation = positions[..., None, :, :] - positions[..., :, None, :]
    itself = xp.eye(positions.shape[-2], dtype=q.dtype, device=getattr(q, "device", None))
    squared = (separation * separation).sum(-1) + xp.where(itself > 0, float("inf"), itself)
    return xp.min(squared, axis=(-2, -1)) ** 0.5


def refuse_coinciding(q: np.ndarray) -> None:
    """Refuse positions ``(2b,)`` with two bodies in the same place.

    Raises:
        InputError: two bodies coincide.
    """
    positions = in_plane(q)
    for i in range(len(positions)):
        for j in range(i):
            if np.array_equal(positions[i], positions[j]):
                raise InputError(
                    f"Bodies {j} and {i} are both at {positions[i].tolist()} m, where their forces are not defined: "
                    "start them apart."
                )
