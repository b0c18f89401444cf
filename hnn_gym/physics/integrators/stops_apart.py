"""Soft stops by themselves, after a step of all other forces: for schemes that iterate, which forces that jump upset.

A step is x -> x* by the scheme, without stops, then p* -> p* + dt f. The force f of the stops is that at x*, with the
damper at the velocity that it leaves: a step of backward Euler, which cannot overshoot, however hard the stop is. Away
from the stops the scheme is unchanged.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from hnn_gym.physics.dynamics import Dynamics, PortHamiltonian, Structure
from hnn_gym.physics.integrators.base import Integrator
from hnn_gym.physics.integrators.implicit_midpoint import ImplicitMidpoint
from hnn_gym.physics.phase import Array, join, split


@dataclass(frozen=True)
class StopsApart(Integrator):
    """A scheme between the stops, and backward Euler at them.

    Attributes:
        inner: the scheme.
    """

    reversible = False

    inner: Integrator = field(default_factory=ImplicitMidpoint)

    @property
    def order(self) -> int:  # type: ignore[override]
        """The order of the scheme between the stops."""
        return self.inner.order

    @property
    def symplectic(self) -> bool:  # type: ignore[override]
        """Whether the scheme is symplectic."""
        return self.inner.symplectic

    @property
    def requires(self) -> Structure:  # type: ignore[override]
        """What the scheme requires."""
        return self.inner.requires

    @property
    def sticks(self) -> bool:  # type: ignore[override]
        """Whether dry friction acts in the kicks of the scheme."""
        return self.inner.sticks

    @property
    def iterates(self) -> bool:  # type: ignore[override]
        """Whether a step is the limit of an iteration."""
        return self.inner.iterates

    def step(self, dynamics: Dynamics, x: Array, dt: float, u: Array | None = None) -> Array:
        """Advance phase points ``(..., 2n)`` by ``dt`` seconds under forces ``u`` ``(..., m)``."""
        if not isinstance(dynamics, PortHamiltonian) or dynamics.stops is None:
            return self.inner.step(dynamics, x, dt, u)
        q, p = split(self.inner.step(replace(dynamics, stops=None), x, dt, u))
        return join(q, p + dynamics.stop_impulse(q, dynamics.velocity(q, p), u, dt))

    @property
    def adjoint(self) -> Integrator:
        """The scheme's own, since stops cannot be undone.

        Raises:
            InputError: there is no such explicit scheme.
        """
        return self.inner.adjoint

    def check(self, dynamics: Dynamics) -> None:
        """Refuse dynamics that the scheme would integrate wrongly."""
        self.inner.check(replace(dynamics, stops=None) if isinstance(dynamics, PortHamiltonian) else dynamics)
