"""Dynamics: dx/dt = (J - R) grad H(x) + G u, with phase point x = [q, p] and generalised force u.

J is the symplectic matrix, R = diag(0, D) >= 0 the damping and G = [0, B] the control port. A
``Hamiltonian`` answers ``energy`` and ``gradient``; a ``Dynamics`` adds friction and control and is what an
integrator steps. Learned baselines are ``Dynamics`` without a Hamiltonian.
"""

from __future__ import annotations

import reprlib
from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol, runtime_checkable

from hnn_gym.errors import InputError, check_fields
from hnn_gym.physics.dry_friction import stopped, stopped_together
from hnn_gym.physics.phase import Array, join, namespace, split
from hnn_gym.physics.soft_stops import SoftStops


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
    """H(q, p) = T(p) + V(q), as explicit symplectic schemes need it."""

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


class VectorField(Protocol):
    """What schemes without requirements step, and the least that dynamics have."""

    def field(self, x: Array, u: Array | None = None) -> Array:
        """dx/dt without dry friction at phase points ``(..., 2n)`` under generalised forces ``(..., m)``."""


class Dynamics(Protocol):
    """The dynamics that an integrator steps; ``dqdt`` and ``dpdt`` exist if ``structure`` is SPLIT or more."""

    @property
    def n(self) -> int:
        """Number of degrees of freedom."""

    @property
    def structure(self) -> Structure:
        """What the integrator may rely on."""

    @property
    def hamiltonian(self) -> Hamiltonian | None:
        """The energy, or None for a model that has none."""

    @property
    def dry(self) -> Array | None:
        """Coulomb friction on every degree of freedom ``(n,)``, which only a kick can apply; None: there is none."""

    @property
    def stops(self) -> SoftStops | None:
        """Stops that give way, whose forces jump where they are met; None: there are none."""

    def field(self, x: Array, u: Array | None = None) -> Array:
        """dx/dt without dry friction at phase points ``(..., 2n)`` under generalised forces ``(..., m)``."""

    def dqdt(self, p: Array) -> Array:
        """dq/dt at momenta ``(..., n)``."""

    def dpdt(self, q: Array, p: Array, u: Array | None = None) -> Array:
        """dp/dt without dry friction at positions and momenta ``(..., n)`` under generalised forces ``(..., m)``."""

    def kick(self, q: Array, p: Array, dt: float, u: Array | None = None) -> Array:
        """Momenta ``(..., n)`` after the forces at (q, p), dry friction included, have acted for ``dt`` seconds."""

    def momentum(self, q: Array, v: Array) -> Array:
        """Canonical momenta of velocities ``(..., n)``."""

    def velocity(self, q: Array, p: Array) -> Array:
        """Velocities of canonical momenta ``(..., n)``."""

    def kick_velocity(self, q: Array, v: Array, dt: float, u: Array | None = None) -> Array:
        """Velocities ``(..., n)`` after the forces at (q, v), dry friction included, have acted for ``dt`` seconds."""

    @property
    def second_order(self) -> bool:
        """Whether dq/dt = v for v = velocity(q, p), so that ``acceleration`` exists."""

    def acceleration(self, q: Array, v: Array, u: Array | None = None) -> Array:
        """dv/dt at positions and velocities ``(..., n)`` under generalised forces ``(..., m)``."""

    def momentum_rate(self, q: Array, v: Array, u: Array | None = None) -> Array:
        """dp/dt at positions and velocities ``(..., n)`` under generalised forces ``(..., m)``, if second order."""


@runtime_checkable
class NaturalHamiltonian(Hamiltonian, Protocol):
    """H = (p - A)^T M(q)^-1 (p - A) / 2 + V(q): the velocities that belong to the momenta are dq/dt.

    One that has ``force(q, v)``, which is -dH/dq at positions and velocities ``(..., n)``, spares implicit schemes the
    way from velocities to momenta and back.
    """

    def acceleration(self, q: Array, v: Array, force: Array | float) -> Array:
        """dv/dt at positions and velocities ``(..., n)`` under a generalised force ``(..., n)`` beside that of H."""


class Force(Protocol):
    """A generalised force that neither comes from H nor from the controls."""

    def __call__(self, q: Array, v: Array, u: Array | None) -> Array:
        """The force ``(..., n)`` at positions and velocities ``(..., n)`` under controls ``(..., m)``."""


class ControlMap(Protocol):
    """B(q) u: generalised forces of controls that depend on the positions."""

    def __call__(self, q: Array, u: Array) -> Array:
        """The force ``(..., n)`` of controls ``(..., m)`` at positions ``(..., n)``."""


@dataclass(frozen=True)
class PortHamiltonian:
    """dx/dt = (J - R) grad H + G u + [0, F], with R = diag(0, damping) and G = [0, control].

    Attributes:
        hamiltonian: the energy H.
        control: B ``(n, m)``, generalised force on each degree of freedom per unit of u, or a function of the
            positions; None: no port.
        damping: D ``(n,)`` >= 0, friction force per unit of velocity dH/dp; None: no viscous friction.
        dry: mu ``(n,)`` >= 0, the largest Coulomb friction of each degree of freedom. It opposes the motion with mu,
            and holds a body at rest while the other forces stay below mu. None: no dry friction.
        forces: further forces F, such as learned friction or a residual.
        stops: stops of some degrees of freedom that give way. They need an H that is quadratic in p. None: there are
            none.

    With none of these, dx/dt = J grad H are Hamilton's equations, and H is conserved.

    Raises:
        InputError: a part is not what it is called, such as an H without energy or gradient.

    Source: van der Schaft and Jeltsema, *Port-Hamiltonian Systems Theory*, 2014, eq. 2.21.
    """

    hamiltonian: Hamiltonian
    control: Array | ControlMap | None = None
    damping: Array | None = None
    dry: Array | None = None
    forces: tuple[Force, ...] = ()
    stops: SoftStops | None = None

    def __post_init__(self) -> None:
        """Check that the parts are what they are called."""
        check_fields(self)
        for name in ("control", "damping", "dry"):
            part = getattr(self, name)
            fits = part is None or hasattr(part, "shape") or (name == "control" and callable(part))
            if not fits or isinstance(part, type):
                raise InputError(f"{name} of PortHamiltonian must be an array or None, got {reprlib.repr(part)}.")

    @property
    def n(self) -> int:
        """Number of degrees of freedom."""
        return self.hamiltonian.n

    @property
    def structure(self) -> Structure:
        """SEPARABLE for H = T(p) + V(q) without forces that depend on p, SPLIT with them, otherwise GENERAL."""
        if not isinstance(self.hamiltonian, SeparableHamiltonian):
            return Structure.GENERAL
        return Structure.SPLIT if self.dissipative else Structure.SEPARABLE

    @property
    def dissipative(self) -> bool:
        """Whether other forces than those of H and the controls do work."""
        return self.damping is not None or self.dry is not None or bool(self.forces) or self.stops is not None

    def field(self, x: Array, u: Array | None = None) -> Array:
        """dx/dt without dry friction at phase points ``(..., 2n)`` under generalised forces ``(..., m)``."""
        dHdq, dHdp = split(self.hamiltonian.gradient(x))
        q = split(x)[0]
        return join(dHdp, self._forces(-dHdq, q, dHdp, u) + self._of_stops(q, dHdp, u))

    def dqdt(self, p: Array) -> Array:
        """dq/dt = dT/dp at momenta ``(..., n)``.

        Raises:
            InputError: H is not separable.
        """
        return self._separable.kinetic_gradient(p)

    def dpdt(self, q: Array, p: Array, u: Array | None = None) -> Array:
        """dp/dt = -dV/dq - D dT/dp + B u + F.

        Raises:
            InputError: H is not separable.
        """
        hamiltonian = self._separable
        velocity = hamiltonian.kinetic_gradient(p) if self.dissipative else None
        force = self._forces(-hamiltonian.potential_gradient(q), q, velocity, u)
        return force if velocity is None else force + self._of_stops(q, velocity, u)

    def kick(self, q: Array, p: Array, dt: float, u: Array | None = None) -> Array:
        """Momenta after ``dt`` seconds of the forces at (q, p): p + dt dp/dt, then reduced by dry friction or stopped.

        Raises:
            InputError: H is not separable, or dry friction would act backwards in time.
        """
        p = p + dt * self.dpdt(q, p, u)
        return p if self.dry is None else stopped(p, _impulse(self.dry, dt))

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
        """dv/dt = M^-1 (-dV/dq - D v + B u + F - inertial forces), without dry friction.

        Raises:
            InputError: the kinetic energy is not quadratic in p.
        """
        free = self._natural.acceleration(q, v, self._forces(0 * v, q, v, u))
        if self.stops is None:
            return free
        columns = self._columns(q)
        pushes = self.stops.forces(q, v, free, columns)
        return free + sum(pushes[..., i : i + 1] * column for i, column in enumerate(columns))

    def momentum_rate(self, q: Array, v: Array, u: Array | None = None) -> Array:
        """dp/dt = -dH/dq - D v + B u + F at positions and velocities, without dry friction.

        Raises:
            InputError: the kinetic energy is not quadratic in p.
        """
        natural = self._natural
        if hasattr(natural, "force"):
            conservative = natural.force(q, v)
        else:
            conservative = -split(natural.gradient(join(q, natural.momentum(q, v))))[0]
        return self._forces(conservative, q, v, u) + self._of_stops(q, v, u)

    def stop_impulse(self, q: Array, v: Array, u: Array | None, dt: Array | float) -> Array:
        """The impulse ``(..., n)`` that the stops give in ``dt`` seconds, 0 without any.

        Raises:
            InputError: the kinetic energy is not quadratic in p.
        """
        return dt * self._of_stops(q, v, u, ahead=dt)

    def _of_stops(self, q: Array, v: Array, u: Array | None, *, ahead: Array | float = 0.0) -> Array | float:
        """The forces of the stops ``(..., n)``; 0 where there are none."""
        if self.stops is None:
            return 0.0
        free = self._natural.acceleration(q, v, self._forces(0 * v, q, v, u))
        return self.stops.forces(q, v, free, self._columns(q), ahead=ahead) @ self.stops.units(q)

    def _columns(self, q: Array) -> list[Array]:
        """The columns of M^-1 ``(..., n)`` that belong to degrees of freedom with stops."""
        assert self.stops is not None
        at_rest = self.velocity(q, 0 * q)
        return [self.velocity(q, 0 * q + unit) - at_rest for unit in self.stops.units(q)]

    def kick_velocity(self, q: Array, v: Array, dt: float, u: Array | None = None) -> Array:
        """Velocities after ``dt`` seconds of the forces at (q, v), dry friction included: :meth:`kick` for [q, v].

        With dry friction this is the velocity of least (v' - v*)^T M (v' - v*) / 2 + dt mu^T abs(v'), where v* is the
        velocity without it: the principle of maximal dissipation, as in physics engines.

        Raises:
            InputError: the kinetic energy is not quadratic in p, or dry friction would act backwards in time.
        """
        free = v + dt * self.acceleration(q, v, u)
        if self.dry is None:
            return free
        return stopped_together(free, self._mass_matrix(q), _impulse(self.dry, dt))

    def _mass_matrix(self, q: Array) -> Array:
        """M ``(..., n, n)`` at positions ``(..., n)``: written down by some Hamiltonians, else column by column."""
        if hasattr(self.hamiltonian, "mass_matrix"):
            found: Array = self.hamiltonian.mass_matrix(q)
            return found
        at_rest = self.momentum(q, 0 * q)
        units = namespace(q).eye(self.n, dtype=q.dtype, device=getattr(q, "device", None))
        rows = [self.momentum(q, 0 * q + unit) - at_rest for unit in units]
        return namespace(q).stack(rows, axis=-2)

    def control_force(self, q: Array, u: Array) -> Array:
        """The generalised force B u ``(..., n)`` of controls ``(..., m)`` at positions ``(..., n)``.

        Raises:
            InputError: there is no control port.
        """
        if self.control is None:
            raise InputError("These dynamics have no control port: step them with u=None.")
        return self.control(q, u) if callable(self.control) else u @ self.control.T

    def power(self, q: Array, v: Array, u: Array | None = None) -> Array:
        """Power in W ``(...)`` of all forces beside those of H and of the controls; friction makes it negative."""
        power = 0 * v.sum(-1)
        if self.damping is not None:
            power = power - (self.damping * v * v).sum(-1)
        if self.dry is not None:
            power = power - (self.dry * namespace(v).abs(v)).sum(-1)
        for force in self.forces:
            power = power + (v * force(q, v, u)).sum(-1)
        return power if self.stops is None else power + (v * self._of_stops(q, v, u)).sum(-1)

    @property
    def _separable(self) -> SeparableHamiltonian:
        if isinstance(self.hamiltonian, SeparableHamiltonian):
            return self.hamiltonian
        raise InputError(f"{type(self.hamiltonian).__name__} is not separable: use field(x, u).")

    @property
    def _natural(self) -> NaturalHamiltonian:
        if self.second_order:
            return self.hamiltonian  # type: ignore[return-value]
        raise InputError(
            f"{type(self.hamiltonian).__name__} has no acceleration, because its kinetic energy is not quadratic in p: "
            "use field(x, u)."
        )

    def _forces(self, conservative: Array, q: Array, velocity: Array | None, u: Array | None) -> Array:
        force = conservative
        if self.damping is not None:
            force = force - self.damping * velocity
        if u is not None:
            force = force + self.control_force(q, u)
        for other in self.forces:
            assert velocity is not None
            force = force + other(q, velocity, u)
        return force


def _impulse(dry: Array, dt: float | Array) -> Array:
    if isinstance(dt, float | int) and dt < 0:
        raise InputError("Dry friction cannot act backwards in time: step forwards, or leave it out.")
    return dt * dry
