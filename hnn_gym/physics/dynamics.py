"""Dynamics: dx/dt = (J - R) grad H(x) + G u, with phase point x = [q, p] and generalised force u.

J is the symplectic matrix, R = diag(0, D) >= 0 the damping and G = [0, B] the control port. A
``Hamiltonian`` answers ``energy`` and ``gradient``; a ``Dynamics`` adds damping and control and is what an
integrator steps. Learned baselines are ``Dynamics`` without a Hamiltonian.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol, runtime_checkable

from hnn_gym.errors import InputError
from hnn_gym.physics.phase import Array, join, split


class Structure(IntEnum):
    """How far dq/dt and dp/dt come apart; each level includes the ones before it."""

    GENERAL = 0
    """dx/dt = f(x, u), nothing known."""
    SPLIT = 1
    """dq/dt depends on p alone; dp/dt on q, p and u."""
    SEPARABLE = 2
    """dq/dt depends on p alone; dp/dt on q and u alone (H = T(p) + V(q), no damping)."""


@runtime_checkable
class Hamiltonian(Protocol):
    """An energy on phase space, with the link between velocities and canonical momenta."""

    @property
    def n(self) -> int:
        """Number of degrees of freedom; a phase point has 2n entries."""

    def energy(self, x: Array) -> Array:
        """H in J at phase points ``(..., 2n)``; shape ``(...)``."""

    def gradient(self, x: Array) -> Array:
        """Grad H at phase points ``(..., 2n)``; same shape."""

    def momentum(self, q: Array, v: Array) -> Array:
        """Canonical momenta p = M(q) v for positions and velocities ``(..., n)``."""

    def velocity(self, q: Array, p: Array) -> Array:
        """Velocities v = M(q)^-1 p, the inverse of :meth:`momentum`."""


class SeparableHamiltonian(ABC):
    """H(q, p) = T(p) + V(q): what explicit symplectic schemes ask for."""

    @property
    @abstractmethod
    def n(self) -> int:
        """Number of degrees of freedom."""

    @abstractmethod
    def kinetic(self, p: Array) -> Array:
        """T in J at momenta ``(..., n)``; shape ``(...)``."""

    @abstractmethod
    def kinetic_gradient(self, p: Array) -> Array:
        """dT/dp ``(..., n)``: the velocities dq/dt."""

    @property
    def quadratic_kinetic(self) -> bool:
        """Whether T is known to be a quadratic form of p."""
        return False

    @abstractmethod
    def potential(self, q: Array) -> Array:
        """V in J at positions ``(..., n)``; shape ``(...)``."""

    @abstractmethod
    def potential_gradient(self, q: Array) -> Array:
        """dV/dq ``(..., n)``: minus the conservative force."""

    @abstractmethod
    def momentum(self, q: Array, v: Array) -> Array:
        """Canonical momenta of velocities ``(..., n)``."""

    @abstractmethod
    def velocity(self, q: Array, p: Array) -> Array:
        """Velocities of canonical momenta ``(..., n)``."""

    def energy(self, x: Array) -> Array:
        """H in J at phase points ``(..., 2n)``; shape ``(...)``."""
        q, p = split(x)
        return self.kinetic(p) + self.potential(q)

    def gradient(self, x: Array) -> Array:
        """Grad H at phase points ``(..., 2n)``; same shape."""
        q, p = split(x)
        return join(self.potential_gradient(q), self.kinetic_gradient(p))


class Dynamics(Protocol):
    """What an integrator steps. ``dqdt`` and ``dpdt`` exist where ``structure`` is SPLIT or more."""

    @property
    def n(self) -> int:
        """Number of degrees of freedom."""

    @property
    def structure(self) -> Structure:
        """What the integrator may rely on."""

    @property
    def hamiltonian(self) -> Hamiltonian | None:
        """The energy, or None for a model that has none."""

    def field(self, x: Array, u: Array | None = None) -> Array:
        """dx/dt at phase points ``(..., 2n)`` under generalised forces ``(..., m)``."""

    def dqdt(self, p: Array) -> Array:
        """dq/dt at momenta ``(..., n)``."""

    def dpdt(self, q: Array, p: Array, u: Array | None = None) -> Array:
        """dp/dt at positions and momenta ``(..., n)`` under generalised forces ``(..., m)``."""

    def momentum(self, q: Array, v: Array) -> Array:
        """Canonical momenta of velocities ``(..., n)``."""

    def velocity(self, q: Array, p: Array) -> Array:
        """Velocities of canonical momenta ``(..., n)``."""

    @property
    def second_order(self) -> bool:
        """Whether dq/dt = v for v = velocity(q, p), so that ``acceleration`` exists."""

    def acceleration(self, q: Array, v: Array, u: Array | None = None) -> Array:
        """dv/dt at positions and velocities ``(..., n)`` under generalised forces ``(..., m)``."""


@runtime_checkable
class NaturalHamiltonian(Hamiltonian, Protocol):
    """H = (p - A)^T M(q)^-1 (p - A) / 2 + V(q): the velocities that belong to the momenta are dq/dt."""

    def acceleration(self, q: Array, v: Array, force: Array | float) -> Array:
        """dv/dt at positions and velocities ``(..., n)`` under a generalised force ``(..., n)`` beside that of H."""


@dataclass(frozen=True)
class PortHamiltonian:
    """dx/dt = (J - R) grad H + G u, with R = diag(0, damping) and G = [0, control].

    Attributes:
        hamiltonian: the energy H.
        control: B ``(n, m)``, generalised force on each degree of freedom per unit of u; None: no port.
        damping: D ``(n,)`` >= 0, friction force per unit of velocity dH/dp; None: no friction.

    With neither, these are Hamilton's equations, dx/dt = J grad H, and H is conserved.

    Source: van der Schaft and Jeltsema, *Port-Hamiltonian Systems Theory*, 2014, eq. 2.21.
    """

    hamiltonian: Hamiltonian
    control: Array | None = None
    damping: Array | None = None

    @property
    def n(self) -> int:
        """Number of degrees of freedom."""
        return self.hamiltonian.n

    @property
    def structure(self) -> Structure:
        """SEPARABLE for H = T(p) + V(q) without friction, SPLIT with it, otherwise GENERAL."""
        if not isinstance(self.hamiltonian, SeparableHamiltonian):
            return Structure.GENERAL
        return Structure.SEPARABLE if self.damping is None else Structure.SPLIT

    def field(self, x: Array, u: Array | None = None) -> Array:
        """dx/dt at phase points ``(..., 2n)`` under generalised forces ``(..., m)``."""
        dHdq, dHdp = split(self.hamiltonian.gradient(x))
        return join(dHdp, self._forces(-dHdq, dHdp, u))

    def dqdt(self, p: Array) -> Array:
        """dq/dt = dT/dp at momenta ``(..., n)``.

        Raises:
            InputError: H is not separable.
        """
        return self._separable.kinetic_gradient(p)

    def dpdt(self, q: Array, p: Array, u: Array | None = None) -> Array:
        """dp/dt = -dV/dq - D dT/dp + B u.

        Raises:
            InputError: H is not separable.
        """
        hamiltonian = self._separable
        velocity = None if self.damping is None else hamiltonian.kinetic_gradient(p)
        return self._forces(-hamiltonian.potential_gradient(q), velocity, u)

    def momentum(self, q: Array, v: Array) -> Array:
        """Canonical momenta of velocities ``(..., n)``."""
        return self.hamiltonian.momentum(q, v)

    def velocity(self, q: Array, p: Array) -> Array:
        """Velocities of canonical momenta ``(..., n)``."""
        return self.hamiltonian.velocity(q, p)

    @property
    def second_order(self) -> bool:
        """Whether dq/dt = v: kinetic energies quadratic in p."""
        return hasattr(self.hamiltonian, "acceleration")

    def acceleration(self, q: Array, v: Array, u: Array | None = None) -> Array:
        """dv/dt = M^-1 (-dV/dq - D v + B u - inertial forces).

        Raises:
            InputError: the kinetic energy is not quadratic in p.
        """
        if not self.second_order:
            raise InputError(
                f"{type(self.hamiltonian).__name__} has no acceleration, because its kinetic energy is not quadratic "
                "in p: use field(x, u)."
            )
        natural: NaturalHamiltonian = self.hamiltonian  # type: ignore[assignment]
        return natural.acceleration(q, v, self._forces(0 * v, v, u))

    @property
    def _separable(self) -> SeparableHamiltonian:
        if isinstance(self.hamiltonian, SeparableHamiltonian):
            return self.hamiltonian
        raise InputError(f"{type(self.hamiltonian).__name__} is not separable: use field(x, u).")

    def _forces(self, conservative: Array, velocity: Array | None, u: Array | None) -> Array:
        force = conservative
        if self.damping is not None:
            force = force - self.damping * velocity
        if u is not None:
            if self.control is None:
                raise InputError("These dynamics have no control port: step them with u=None.")
            force = force + u @ self.control.T
        return force
