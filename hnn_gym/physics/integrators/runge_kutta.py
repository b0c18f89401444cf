"""Schemes that are not symplectic: forward Euler and the classical Runge-Kutta rule of order 4.

They suit models that are not Hamiltonian, and show by contrast what symplectic stepping is worth.
"""

from __future__ import annotations

from dataclasses import dataclass

from hnn_gym.errors import InputError
from hnn_gym.physics.dynamics import Dynamics, Structure
from hnn_gym.physics.integrators.base import Integrator
from hnn_gym.physics.phase import Array


class _RungeKutta(Integrator):
    symplectic = False
    reversible = False
    requires = Structure.GENERAL

    @property
    def adjoint(self) -> Integrator:
        """None that is explicit.

        Raises:
            InputError: always.
        """
        raise InputError(
            f"{type(self).__name__} cannot be run backwards exactly: use a symplectic scheme such as Leapfrog()."
        )


@dataclass(frozen=True)
class Euler(_RungeKutta):
    """x' = x + dt f(x, u): with a network for f, the residual network of one step.

    It learns the step of an environment with a speed limit only if a position moves at the limit, as in Pendulum-v1.
    """

    order = 1
    drifts_last = True

    def step(self, dynamics: Dynamics, x: Array, dt: float, u: Array | None = None) -> Array:
        """Advance phase points ``(..., 2n)`` by ``dt`` seconds under forces ``u`` ``(..., m)``."""
        return x + dt * dynamics.field(x, u)


@dataclass(frozen=True)
class RungeKutta4(_RungeKutta):
    """The classical rule. Source: Hairer, Norsett, Wanner, *Solving ODEs I*, 1993, II.1.8."""

    order = 4

    def step(self, dynamics: Dynamics, x: Array, dt: float, u: Array | None = None) -> Array:
        """Advance phase points ``(..., 2n)`` by ``dt`` seconds under forces ``u`` ``(..., m)``."""
        k1 = dynamics.field(x, u)
        k2 = dynamics.field(x + dt / 2 * k1, u)
        k3 = dynamics.field(x + dt / 2 * k2, u)
        k4 = dynamics.field(x + dt * k3, u)
        return x + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
