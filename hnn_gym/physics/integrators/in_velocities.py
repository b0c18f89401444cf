"""A scheme for (q, v) instead of (q, p): x = [q, p] -> [q, v] -> step with dv/dt = a(q, v, u) -> p' = M(q') v'.

Games and physics engines step velocities: explicit Euler is q' = q + dt v, v' = v + dt a, and MuJoCo's and most games'
semi-implicit Euler is v' = v + dt a(q, v, u), q' = q + dt v', which is symplectic Euler on [q, v]. Where M is constant
the two forms are the same map; where M depends on q they are not, and only one of them made the data.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from hnn_gym.errors import InputError
from hnn_gym.physics.dynamics import Dynamics, Structure
from hnn_gym.physics.integrators.base import Integrator
from hnn_gym.physics.integrators.symplectic_euler import SymplecticEuler
from hnn_gym.physics.phase import Array, join, split
from hnn_gym.physics.soft_stops import SoftStops


@dataclass(frozen=True)
class VelocityForm:
    """Dynamics whose phase points are [q, v].

    Attributes:
        dynamics: the same dynamics on [q, p], with an acceleration.
    """

    dynamics: Dynamics
    hamiltonian: None = None
    structure: Structure = Structure.SPLIT
    second_order: bool = True

    @property
    def n(self) -> int:
        """Degrees of freedom."""
        return self.dynamics.n

    def field(self, x: Array, u: Array | None = None) -> Array:
        """[v, a] at points [q, v] ``(..., 2n)`` under generalised forces ``(..., m)``."""
        q, v = split(x)
        return join(v, self.dynamics.acceleration(q, v, u))

    def dqdt(self, p: Array) -> Array:
        """The velocities themselves ``(..., n)``."""
        return p

    def dpdt(self, q: Array, p: Array, u: Array | None = None) -> Array:
        """Accelerations at positions and velocities ``(..., n)``."""
        return self.dynamics.acceleration(q, p, u)

    @property
    def dry(self) -> Array | None:
        """Dry friction of the dynamics."""
        return self.dynamics.dry

    @property
    def stops(self) -> SoftStops | None:
        """Stops of the dynamics."""
        return self.dynamics.stops

    def kick(self, q: Array, p: Array, dt: float, u: Array | None = None) -> Array:
        """Velocities after the forces have acted for ``dt`` seconds."""
        return self.dynamics.kick_velocity(q, p, dt, u)

    kick_velocity = kick

    def acceleration(self, q: Array, v: Array, u: Array | None = None) -> Array:
        """Accelerations at positions and velocities ``(..., n)``."""
        return self.dynamics.acceleration(q, v, u)

    momentum_rate = acceleration

    def momentum(self, q: Array, v: Array) -> Array:
        """The velocities themselves."""
        return v

    def velocity(self, q: Array, p: Array) -> Array:
        """The velocities themselves."""
        return p


@dataclass(frozen=True)
class InVelocities(Integrator):
    """A scheme that acts on [q, v].

    Attributes:
        inner: the scheme: explicit or symplectic Euler, leapfrog, RK4, or substeps of one of them.

    Raises:
        InputError: the scheme needs forces that do not depend on the velocities.
    """

    symplectic = False
    reversible = False
    requires = Structure.GENERAL

    inner: Integrator = field(default_factory=SymplecticEuler)

    def __post_init__(self) -> None:
        """Check that the scheme allows for forces that depend on velocities."""
        super().__post_init__()
        if self.inner.requires > Structure.SPLIT:
            raise InputError(
                f"{type(self.inner).__name__} needs forces that do not depend on velocities, and inertial forces do: "
                "use Euler(), SymplecticEuler(), Leapfrog() or RungeKutta4() in velocities."
            )

    @property
    def order(self) -> int:  # type: ignore[override]
        """The order of the inner scheme."""
        return self.inner.order

    @property
    def drifts_last(self) -> bool:  # type: ignore[override]
        """Whether a step of the inner scheme ends at the new velocity."""
        return self.inner.drifts_last

    @property
    def sticks(self) -> bool:  # type: ignore[override]
        """Whether dry friction acts in the kicks of the inner scheme."""
        return self.inner.sticks

    @property
    def iterates(self) -> bool:  # type: ignore[override]
        """Whether a step of the inner scheme is the limit of an iteration."""
        return self.inner.iterates

    def step(self, dynamics: Dynamics, x: Array, dt: float, u: Array | None = None) -> Array:
        """Advance phase points ``(..., 2n)`` by ``dt`` seconds under forces ``u`` ``(..., m)``."""
        q, p = split(x)
        q, v = split(self.inner.step(VelocityForm(dynamics), join(q, dynamics.velocity(q, p)), dt, u))
        return join(q, dynamics.momentum(q, v))

    @property
    def adjoint(self) -> Integrator:
        """No scheme of this kind is explicit.

        Raises:
            InputError: always.
        """
        raise InputError(
            f"{type(self.inner).__name__} in velocities cannot be run backwards exactly: use a symplectic scheme such "
            "as Leapfrog() or ImplicitMidpoint()."
        )

    def check(self, dynamics: Dynamics) -> None:
        """Refuse dynamics without an acceleration.

        Raises:
            InputError: dq/dt is not the velocity that belongs to p, or the scheme ignores the dry friction.
        """
        super().check(dynamics)
        if not dynamics.second_order:
            holder = dynamics.hamiltonian if dynamics.hamiltonian is not None else dynamics
            raise InputError(
                f"InVelocities needs an acceleration dv/dt, and {type(holder).__name__} has none: use "
                f"{type(self.inner).__name__}() itself, or a 'mechanical' or 'second-order' model."
            )
