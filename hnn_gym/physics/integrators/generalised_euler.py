"""Symplectic Euler for any H: first the positions, implicitly, then the momenta at the new positions.

    q' = q + dt dq/dt(q', p),    p' = p + dt dp/dt(q', p, u).

With H = T(p) + V(q) this is symplectic Euler that drifts first. Where velocities are M(q)^-1 p, the positions are those
of explicit Euler but for a slope of M: of all symplectic schemes it is the nearest to explicit Euler. The positions are
iterated. Its adjoint iterates the momenta,

    p' = p + dt dp/dt(q, p', u),    q' = q + dt dq/dt(q, p').

Source: Hairer, Lubich, Wanner, *Geometric Numerical Integration*, 2006, VI.3.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from hnn_gym.errors import ConvergenceError, InputError
from hnn_gym.physics.dynamics import Dynamics, Structure
from hnn_gym.physics.integrators.iterated import Iterated
from hnn_gym.physics.phase import Array, epsilon, join, namespace, split
from hnn_gym.trace import checked, iterate


@dataclass(frozen=True)
class GeneralisedEuler(Iterated):
    """The rule.

    Attributes:
        momenta_first: the adjoint rule.
    """

    order = 1
    symplectic = True
    reversible = False
    requires = Structure.GENERAL

    momenta_first: bool = False

    def step(self, dynamics: Dynamics, x: Array, dt: float, u: Array | None = None) -> Array:
        """Advance phase points ``(..., 2n)`` by ``dt`` seconds under forces ``u`` ``(..., m)``.

        In traced code, elements that do not converge become NaN.

        Raises:
            ConvergenceError: some element of the batch did not converge.
        """
        q, p = split(x)
        if self.momenta_first:
            new = self._solved(p, lambda other: dt * split(dynamics.field(join(q, other), u))[1], dt)
            return join(q + dt * dynamics.velocity(q, new), new)
        new = self._solved(q, lambda other: dt * dynamics.velocity(other, p), dt)
        return join(new, p + dt * split(dynamics.field(join(new, p), u))[1])

    def _solved(self, start: Array, change: Callable[[Array], Array], dt: float) -> Array:
        """The solution ``(..., n)`` of y = start + change(y)."""
        xp, limit = namespace(start), self.tolerance * epsilon(start)

        def closer(new: Array) -> tuple[Array, Array]:
            last, new = new, start + change(new)
            return new, xp.max(xp.abs(new - last), axis=-1) <= limit * (1 + xp.max(xp.abs(new), axis=-1))

        def error(failed: Array) -> ConvergenceError:
            return ConvergenceError(
                f"GeneralisedEuler: {int(failed.sum())} of {math.prod(failed.shape)} states did not converge in "
                f"{self.max_iterations} iterations at dt = {dt}: use RungeKutta4(), which does not iterate, or finer "
                "steps, Substeps(GeneralisedEuler(), count)."
            )

        new, converged = iterate(closer, start + change(start), most=self.max_iterations)
        return checked(new, converged, error)

    def check(self, dynamics: Dynamics) -> None:
        """Refuse dynamics whose velocities are not dq/dt.

        Raises:
            InputError: dq/dt is another function of p than the velocity, or the scheme ignores the dry friction.
        """
        super().check(dynamics)
        if not dynamics.second_order:
            raise InputError(
                "GeneralisedEuler needs dq/dt = M(q)^-1 p, and the kinetic energy here is not quadratic in p: use "
                "ImplicitMidpoint()."
            )

    @property
    def adjoint(self) -> GeneralisedEuler:
        """The rule that iterates the other half: a step of it with -dt undoes a step with dt."""
        return replace(self, momenta_first=not self.momenta_first)
