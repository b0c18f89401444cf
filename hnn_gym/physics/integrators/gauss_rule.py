"""Gauss's implicit rules of s stages: symplectic, symmetric, of order 2 s, for any dynamics.

    k_i = f(x + dt sum_j a_ij k_j, u),    x' = x + dt sum_i b_i k_i.

The slopes k are iterated. Where the velocities are M(q)^-1 p, they are k_i = (v_i, f_i), and an iteration takes its
parts one after the other,

    q_i = q + dt sum_j a_ij v_j,    f_i = dp/dt(q_i, v_i, u),    v_i = M(q_i)^-1 (p + dt sum_j a_ij f_j),

so that the new velocities know the new forces. This converges in little more than half as many iterations as all slopes
at once do, with M evaluated once in each.

Source: Hairer, Lubich, Wanner, *Geometric Numerical Integration*, 2006, II.1.3 and VIII.6.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar, Self

from hnn_gym.errors import ConvergenceError
from hnn_gym.physics.dynamics import Dynamics, Structure
from hnn_gym.physics.integrators.iterated import Iterated
from hnn_gym.physics.phase import Array, epsilon, join, namespace, split
from hnn_gym.trace import checked, iterate


class GaussRule(Iterated):
    """A rule, by its table.

    Attributes:
        table: a ``(s, s)``.
        weights: b ``(s,)``.
    """

    symplectic = True
    reversible = True
    requires = Structure.GENERAL

    table: ClassVar[tuple[tuple[float, ...], ...]]
    weights: ClassVar[tuple[float, ...]]

    def step(self, dynamics: Dynamics, x: Array, dt: float, u: Array | None = None) -> Array:
        """Advance phase points ``(..., 2n)`` by ``dt`` seconds under forces ``u`` ``(..., m)``.

        In traced code, elements that do not converge become NaN.

        Raises:
            ConvergenceError: some element of the batch did not converge.
        """
        xp, stages = namespace(x), len(self.weights)
        # One size for the whole state: rounding of an angle after a hundred turns reaches its small momentum.
        limit = self.tolerance * epsilon(x) * (1 + xp.max(xp.abs(x), axis=-1))
        natural = dynamics.second_order

        def all_at_once(slopes: Array) -> tuple[Array, Array]:
            k = _parts(slopes, stages)
            new = xp.concat([dynamics.field(x + dt * _sum(row, k), u) for row in self.table], axis=-1)
            return new, xp.max(xp.abs(dt * (new - slopes)), axis=-1) <= limit

        def one_after_the_other(slopes: Array) -> tuple[Array, Array]:
            v, (q, p) = _parts(slopes, 2 * stages)[:stages], split(x)
            at = [q + dt * _sum(row, v) for row in self.table]
            forces = [dynamics.momentum_rate(qi, vi, u) + 0 * vi for qi, vi in zip(at, v, strict=True)]
            new = [dynamics.velocity(qi, p + dt * _sum(row, forces)) for qi, row in zip(at, self.table, strict=True)]
            moved = xp.concat([a - b for a, b in zip(new, v, strict=True)], axis=-1)
            return xp.concat([*new, *forces], axis=-1), xp.max(xp.abs(dt * moved), axis=-1) <= limit

        def error(failed: Array) -> ConvergenceError:
            name = type(self).__name__
            return ConvergenceError(
                f"{name}: {int(failed.sum())} of {math.prod(failed.shape)} states did not converge in "
                f"{self.max_iterations} iterations at dt = {dt}: use RungeKutta4(), which does not iterate, or finer "
                f"steps, Substeps({name}(), count)."
            )

        if natural:
            v = dynamics.velocity(*split(x))
            start, closer = xp.concat([v] * stages + [0 * v] * stages, axis=-1), one_after_the_other
        else:
            start, closer = xp.concat([dynamics.field(x, u)] * stages, axis=-1), all_at_once
        slopes, converged = iterate(closer, start, most=self.max_iterations)
        if natural:
            k = _parts(slopes, 2 * stages)
            change = join(_sum(self.weights, k[:stages]), _sum(self.weights, k[stages:]))
        else:
            change = _sum(self.weights, _parts(slopes, stages))
        return checked(x + dt * change, converged, error)

    @property
    def adjoint(self) -> Self:
        """Itself: the rule is symmetric."""
        return self


def _parts(values: Array, count: int) -> list[Array]:
    """Values ``(..., count k)`` in parts ``(..., k)``."""
    size = values.shape[-1] // count
    return [values[..., i * size : (i + 1) * size] for i in range(count)]


def _sum(weights: Sequence[float], parts: Sequence[Array]) -> Array:
    first, *others = [weight * part for weight, part in zip(weights, parts, strict=True)]
    return sum(others, start=first)
