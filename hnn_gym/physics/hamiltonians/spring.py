"""Mass on a spring: H = p^2 / (2 m) + k q^2 / 2."""

from __future__ import annotations

import math
from dataclasses import dataclass

from hnn_gym.errors import InputError, check_fields
from hnn_gym.physics.hamiltonians.mechanical import Mechanical
from hnn_gym.physics.phase import Array


@dataclass(frozen=True)
class Spring(Mechanical):
    """H = p^2 / (2 m) + k q^2 / 2, q the displacement in m.

    The defaults give H = q^2 + p^2, the spring of Greydanus et al. 2019, Task 1.

    Attributes:
        mass: m in kg.
        stiffness: k in N/m.

    Raises:
        InputError: a mass or stiffness that is not positive and finite.
    """

    mass: float = 0.5
    stiffness: float = 2.0
    n: int = 1

    def __post_init__(self) -> None:
        """Check the constants."""
        check_fields(self)
        if not (0 < self.mass < math.inf and 0 < self.stiffness < math.inf):
            raise InputError(f"Spring needs finite mass > 0 and stiffness > 0, got {self.mass} and {self.stiffness}.")

    def inertia(self, like: Array) -> float:
        """The inertia, the same for every array library."""
        return self.mass

    def potential(self, q: Array) -> Array:
        """V = k q^2 / 2 in J at displacements ``(..., n)``; shape ``(...)``."""
        return self.stiffness / 2 * (q * q).sum(-1)

    def potential_gradient(self, q: Array) -> Array:
        """dV/dq = k q ``(..., n)`` in N."""
        return self.stiffness * q
