"""T(p) = sum_i p_i^2 / (2 m_i): the kinetic energy shared by every system whose inertia is constant."""

from __future__ import annotations

from abc import abstractmethod

from hnn_gym.physics.dynamics import SeparableHamiltonian
from hnn_gym.physics.phase import Array


class Mechanical(SeparableHamiltonian):
    """H = sum_i p_i^2 / (2 m_i) + V(q), with p_i = m_i dq_i/dt. A system adds the inertia and V."""

    @abstractmethod
    def inertia(self, like: Array) -> Array:
        """Inertia m of every degree of freedom, a number or ``(n,)``, in the array library of ``like``.

        In kg for a position, in kg m^2 for an angle.
        """

    def kinetic(self, p: Array) -> Array:
        """T in J at momenta ``(..., n)``; shape ``(...)``."""
        return (p * p / self.inertia(p)).sum(-1) / 2

    def kinetic_gradient(self, p: Array) -> Array:
        """dT/dp = p / m, the velocities ``(..., n)``."""
        return p / self.inertia(p)

    @property
    def quadratic_kinetic(self) -> bool:
        """True, unless a subclass has another T."""
        own = type(self).kinetic, type(self).kinetic_gradient
        return own == (Mechanical.kinetic, Mechanical.kinetic_gradient)

    def momentum(self, q: Array, v: Array) -> Array:
        """Momenta p = m v of velocities ``(..., n)``."""
        return v * self.inertia(v)

    def velocity(self, q: Array, p: Array) -> Array:
        """Velocities v = p / m of momenta ``(..., n)``."""
        return p / self.inertia(p)

    def force(self, q: Array, v: Array) -> Array:
        """-dV/dq at positions and velocities ``(..., n)``."""
        return -self.potential_gradient(q)

    def acceleration(self, q: Array, v: Array, force: Array | float) -> Array:
        """dv/dt = (force - dV/dq) / m at positions and velocities ``(..., n)``."""
        return (force - self.potential_gradient(q)) / self.inertia(v)
