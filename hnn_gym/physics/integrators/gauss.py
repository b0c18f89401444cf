"""Gauss's implicit rule of two stages, of order 4: the fine symplectic scheme where H is not separable.

    k_i = f(x + dt sum_j a_ij k_j, u),    x' = x + dt (k_1 + k_2) / 2,
    a = [[1/4, 1/4 - s], [1/4 + s, 1/4]],    s = sqrt(3) / 6.

Solved by fixed-point iteration as implicit midpoint is. Source: Hairer, Lubich, Wanner, *Geometric Numerical
Integration*, 2006, table II.1.1 and VIII.6.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from hnn_gym.errors import ConvergenceError
from hnn_gym.physics.dynamics import Dynamics, Structure
from hnn_gym.physics.integrators.iterated import Iterated
from hnn_gym.physics.phase import Array, epsilon, namespace
from hnn_gym.trace import checked, iterate

_OFF = math.sqrt(3) / 6


@dataclass(frozen=True)
class Gauss4(Iterated):
    """The rule. Each iteration evaluates the field twice."""

    order = 4
    symplectic = True
    reversible = True
    requires = Structure.GENERAL

    def step(self, dynamics: Dynamics, x: Array, dt: float, u: Array | None = None) -> Array:
        """Advance phase points ``(..., 2n)`` by ``dt`` seconds under forces ``u`` ``(..., m)``.

        In traced code, elements that do not converge become NaN.

        Raises:
            ConvergenceError: some element of the batch did not converge.
        """
        xp, size, limit = namespace(x), x.shape[-1], self.tolerance * epsilon(x)
        scale = 1 + xp.max(xp.abs(x), axis=-1)

        def closer(slopes: Array) -> tuple[Array, Array]:
            first, second = slopes[..., :size], slopes[..., size:]
            new = xp.concat(
                [
                    dynamics.field(x + dt * (first / 4 + (0.25 - _OFF) * second), u),
                    dynamics.field(x + dt * ((0.25 + _OFF) * first + second / 4), u),
                ],
                axis=-1,
            )
            return new, xp.max(xp.abs(dt * (new - slopes)), axis=-1) <= limit * scale

        def error(failed: Array) -> ConvergenceError:
            return ConvergenceError(
                f"Gauss4: {int(failed.sum())} of {math.prod(failed.shape)} states did not converge in "
                f"{self.max_iterations} iterations at dt = {dt}: use RungeKutta4(), which does not iterate, or finer "
                "steps, Substeps(Gauss4(), count)."
            )

        begin = dynamics.field(x, u)
        slopes, converged = iterate(closer, xp.concat([begin, begin], axis=-1), most=self.max_iterations)
        return checked(x + dt / 2 * (slopes[..., :size] + slopes[..., size:]), converged, error)

    @property
    def adjoint(self) -> Gauss4:
        """Itself: the scheme is symmetric."""
        return self
