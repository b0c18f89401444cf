"""Gravity: H = sum_i |p_i|^2 / (2 m_i) - G sum_{i<j} m_i m_j / sqrt(|q_i - q_j|^2 + eps^2)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from hnn_gym.errors import InputError, check_fields
from hnn_gym.physics.hamiltonians.centre_of_mass import internal_momentum
from hnn_gym.physics.hamiltonians.mechanical import Mechanical
from hnn_gym.physics.phase import Array, namespace

_PAIRS = 2**20
"""Pairs of bodies, over all states of a batch, whose separations are held at a time."""


class _Constants(NamedTuple):
    """The system's constants in one array library, dtype and device."""

    per_degree: Array
    strength: Array
    identity: Array


@dataclass(frozen=True)
class NBody(Mechanical):
    """Bodies that attract each other, positions flattened as q = [x_1, y_1, x_2, y_2, ...] in m.

    Total momentum and angular momentum are conserved with H. Two unit masses give Task 4 of Greydanus et
    al. 2019, three give Task 5. Time is O(bodies^2) per state. Memory: 16 bytes for every pair of bodies
    once, and some 50 MB for a batch with more than 2^20 pairs, which is processed in rows.

    Attributes:
        masses: one mass per body, in kg.
        dimensions: 2 or 3.
        gravity: G in N m^2 / kg^2.
        softening: Plummer length eps in m; 0 is a point mass.

    Raises:
        InputError: fewer than two bodies, a mass that is not positive, other dimensions, a gravity that is not
            finite, a softening that is negative or not finite.
    """

    masses: tuple[float, ...] = (1.0, 1.0)
    dimensions: int = 2
    gravity: float = 1.0
    softening: float = 0.0

    def __post_init__(self) -> None:
        """Check the constants."""
        check_fields(self)
        if len(self.masses) < 2:
            raise InputError(f"NBody needs at least 2 bodies, got {len(self.masses)}: give one mass per body.")
        if not all(np.isfinite(m) and m > 0 for m in self.masses):
            raise InputError(f"NBody needs masses > 0, got {self.masses}.")
        if self.dimensions not in (2, 3):
            raise InputError(f"NBody needs dimensions = 2 or 3, got {self.dimensions}.")
        if not np.isfinite(self.gravity):
            raise InputError(f"NBody needs a finite gravity, got {self.gravity}.")
        if not 0 <= self.softening < math.inf:
            raise InputError(f"NBody needs a finite softening >= 0, got {self.softening}.")

    @property
    def bodies(self) -> int:
        """Number of bodies."""
        return len(self.masses)

    @property
    def n(self) -> int:
        """Degrees of freedom: bodies x dimensions."""
        return self.bodies * self.dimensions

    def inertia(self, like: Array) -> Array:
        """Mass of every degree of freedom ``(n,)`` in kg."""
        return self._constants_like(like).per_degree

    def internal_momentum(self, p: Array) -> Array:
        """Momenta ``(..., n)`` seen from the centre of mass."""
        return internal_momentum(p, self.inertia(p), dimensions=self.dimensions)

    def potential(self, q: Array) -> Array:
        """V in J at positions ``(..., n)``; shape ``(...)``."""
        total = 0.0
        for rows, _, squared, constants in self._pairs(q):
            pair = constants.strength[rows] / squared**0.5
            total = total - (pair * (1 - constants.identity[rows])).sum((-2, -1)) / 2
        return total

    def potential_gradient(self, q: Array) -> Array:
        """dV/dq ``(..., n)`` in N."""
        xp, parts = namespace(q), []
        for rows, separations, squared, constants in self._pairs(q):
            pull = constants.strength[rows] / (squared * squared**0.5)
            parts.append(xp.stack([-(pull * separation).sum(-1) for separation in separations], axis=-1))
        gradient = parts[0] if len(parts) == 1 else xp.concat(parts, axis=-2)
        return xp.reshape(gradient, q.shape)

    def _pairs(self, q: Array) -> Iterator[tuple[slice, list[Array], Array, _Constants]]:
        """Some rows i of all pairs (i, j) at a time.

        Yields:
            The rows; for each dimension the separations q_j - q_i ``(..., rows, b)``; the softened squared distances
            ``(..., rows, b)``, 1 added where i = j; the constants.
        """
        constants = self._constants_like(q)
        positions = namespace(q).reshape(q, (*q.shape[:-1], self.bodies, self.dimensions))
        states = math.prod(q.shape[:-1])
        size = max(1, _PAIRS // max(1, self.bodies * states))
        for first in range(0, self.bodies, size):
            rows = slice(first, first + size)
            separations = [
                positions[..., None, :, k] - positions[..., rows, k][..., None] for k in range(self.dimensions)
            ]
            squared = sum((s * s for s in separations), self.softening**2) + constants.identity[rows]
            yield rows, separations, squared, constants

    @cached_property
    def _cache(self) -> dict[tuple[object, ...], _Constants]:
        return {}

    def _constants_like(self, like: Array) -> _Constants:
        key = (type(like), like.dtype, getattr(like, "device", None))
        if key not in self._cache:
            xp, kind = namespace(like), {"dtype": like.dtype, "device": getattr(like, "device", None)}
            if not xp.isdtype(like.dtype, "real floating"):
                raise InputError(f"NBody needs floating point numbers, got {like.dtype}: convert them first.")
            masses = xp.asarray(list(self.masses), **kind)
            self._cache[key] = _Constants(
                per_degree=xp.asarray([m for m in self.masses for _ in range(self.dimensions)], **kind),
                strength=self.gravity * masses[:, None] * masses[None, :],
                identity=xp.eye(self.bodies, **kind),
            )
        return self._cache[key]
