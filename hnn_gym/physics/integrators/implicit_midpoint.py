"""Implicit midpoint: x' = x + dt f((x + x') / 2, u), for any dynamics, separable or not.

Symplectic, reversible, of order 2. Solved by fixed-point iteration to the last bits of the number type,
and checked for every element of the batch. Source: Hairer, Lubich, Wanner 2006, I.1.2, VIII.6.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from hnn_gym.errors import ConvergenceError
from hnn_gym.physics.dynamics import Dynamics, Structure
from hnn_gym.physics.integrators.iterated import Iterated
from hnn_gym.physics.phase import Array, epsilon, namespace
from hnn_gym.trace import checked, iterate


@dataclass(frozen=True)
class ImplicitMidpoint(Iterated):
    """The symplectic scheme that asks for no structure. Each iteration evaluates the field once."""

    order = 2
    symplectic = True
    reversible = True
    requires = Structure.GENERAL

    def step(self, dynamics: Dynamics, x: Array, dt: float, u: Array | None = None) -> Array:
        """Advance phase points ``(..., 2n)`` by ``dt`` seconds under forces ``u`` ``(..., m)``.

        In traced code, elements that do not converge become NaN.

        Raises:
            ConvergenceError: some element of the batch did not converge.
        """
        xp, limit = namespace(x), self.tolerance * epsilon(x)

        def closer(new: Array) -> tuple[Array, Array]:
            last, new = new, x + dt * dynamics.field((x + new) / 2, u)
            # One size for the whole state: rounding of an angle after a hundred turns reaches its small momentum.
            size = 1 + xp.max(xp.abs(new), axis=-1)
            return new, xp.max(xp.abs(new - last), axis=-1) <= limit * size

        def error(failed: Array) -> ConvergenceError:
            return ConvergenceError(
                f"ImplicitMidpoint: {int(failed.sum())} of {math.prod(failed.shape)} states did not converge in "
                f"{self.max_iterations} iterations at dt = {dt}: use RungeKutta4(), which does not iterate, or finer "
                "steps, Substeps(ImplicitMidpoint(), count)."
            )

        new, converged = iterate(closer, x + dt * dynamics.field(x, u), most=self.max_iterations)
        return checked(new, converged, error)

    @property
    def adjoint(self) -> ImplicitMidpoint:
        """Itself: the scheme is symmetric."""
        return self
