"""Gravity: H = sum_i |p_i|^2 / (2 m_i) - G sum_{i<j} m_i m_j / sqrt(|q_i - q_j|^2 + eps^2)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from hnn_gym.errors import InputError
from hnn_gym.hamiltonians.centre_of_mass import internal_momentum
from hnn_gym.hamiltonians.mechanical import Mechanical
from hnn_gym.phase import Array, namespace


class _Constants(NamedTuple):
    """The system's constants in one array library, type and place."""

    per_degree: Array
    strength: Array
    identity: Array


@dataclass(frozen=True)
class NBody(Mechanical):
    """Bodies that attract each other, positions flattened as q = [x_1, y_1, x_2, y_2, ...] in m.

    Total momentum and angular momentum are conserved with H. Two unit masses give Task 4 of Greydanus et
    al. 2019, three give Task 5. Memory is O(bodies^2 x dimensions) per state of a batch.

    Attributes:
        masses: one mass per body, in kg.
        dimensions: 2 or 3.
        gravity: G in N m^2 / kg^2.
        softening: Plummer length eps in m; 0 is a point mass.

    Raises:
        InputError: fewer than two bodies, a mass that is not positive, other dimensions, a gravity that is not
            finite, a negative softening.
    """

    masses: tuple[float, ...] = (1.0, 1.0)
    dimensions: int = 2
    gravity: float = 1.0
    softening: float = 0.0

    def __post_init__(self) -> None:
        """Check the constants."""
        if len(self.masses) < 2:
            raise InputError(f"NBody needs at least 2 bodies, got {len(self.masses)}: give one mass per body.")
        if not all(np.isfinite(m) and m > 0 for m in self.masses):
            raise InputError(f"NBody needs masses > 0, got {self.masses}.")
        if self.dimensions not in (2, 3):
            raise InputError(f"NBody needs dimensions = 2 or 3, got {self.dimensions}.")
        if not np.isfinite(self.gravity):
            raise InputError(f"NBody needs a finite gravity, got {self.gravity}.")
        if not self.softening >= 0:
            raise InputError(f"NBody needs softening >= 0, got {self.softening}.")

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
        constants = self._constants_like(q)
        _, squared = self._pairs(q, constants)
        pair = constants.strength / squared**0.5
        return -(pair * (1 - constants.identity)).sum((-2, -1)) / 2

    def potential_gradient(self, q: Array) -> Array:
        """dV/dq ``(..., n)`` in N."""
        constants = self._constants_like(q)
        separation, squared = self._pairs(q, constants)
        pull = constants.strength / squared**1.5
        return namespace(q).reshape(-(pull[..., None] * separation).sum(-2), q.shape)

    def _pairs(self, q: Array, constants: _Constants) -> tuple[Array, Array]:
        """Separations q_j - q_i ``(..., b, b, d)`` and softened squared distances, 1 added on the diagonal."""
        positions = namespace(q).reshape(q, (*q.shape[:-1], self.bodies, self.dimensions))
        separation = positions[..., None, :, :] - positions[..., :, None, :]
        return separation, (separation * separation).sum(-1) + self.softening**2 + constants.identity

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
