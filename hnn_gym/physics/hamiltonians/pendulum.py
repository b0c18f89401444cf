"""Rigid pendulum: H = p^2 / (2 I) + k (1 - cos q), with k the largest torque of gravity.

k > 0: q = 0 hangs. k < 0: q = 0 stands upright. Either way H = 0 at rest at q = 0.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from hnn_gym.errors import InputError, check_fields
from hnn_gym.physics.hamiltonians.mechanical import Mechanical
from hnn_gym.physics.phase import Array, namespace


@dataclass(frozen=True)
class Pendulum(Mechanical):
    """H = p^2 / (2 I) + k (1 - cos q), q the angle in rad.

    The defaults give H = 3 (1 - cos q) + p^2, the pendulum of Greydanus et al. 2019, Task 2.

    Attributes:
        mass: moment of inertia I in kg m^2.
        gravity_torque: k = m g l_c in N m, negative where q is measured from upright.

    Raises:
        InputError: an inertia that is not positive and finite, a torque that is not finite.
    """

    mass: float = 0.5
    gravity_torque: float = 3.0
    n: int = 1

    def __post_init__(self) -> None:
        """Check the constants."""
        check_fields(self)
        if not 0 < self.mass < math.inf:
            raise InputError(f"Pendulum needs a finite moment of inertia mass > 0, got {self.mass}.")
        if not math.isfinite(self.gravity_torque):
            raise InputError(f"Pendulum needs a finite gravity_torque, got {self.gravity_torque}.")

    @classmethod
    def of_gymnasium(cls, *, g: float = 10.0, m: float = 1.0, l: float = 1.0) -> Pendulum:  # noqa: E741
        """The rod of Gymnasium's Pendulum-v1: I = m l^2 / 3, k = -m g l / 2, q = 0 upright.

        Args:
            g: gravity in m/s^2.
            m: mass in kg.
            l: length in m.
        """
        return cls(mass=m * l**2 / 3, gravity_torque=-m * g * l / 2)

    def inertia(self, like: Array) -> float:
        """The inertia, the same for every array library."""
        return self.mass

    def potential(self, q: Array) -> Array:
        """V = k (1 - cos q) in J at angles ``(..., 1)``; shape ``(...)``."""
        return self.gravity_torque * (1 - namespace(q).cos(q)).sum(-1)

    def potential_gradient(self, q: Array) -> Array:
        """dV/dq = k sin q ``(..., 1)`` in N m."""
        return self.gravity_torque * namespace(q).sin(q)
