"""Leapfrog steps of w_1 dt, w_2 dt, ..., w_s dt in a row: symmetric weights raise the order.

A leapfrog step is kick dt/2, drift dt, kick dt/2. Kicks that meet are one kick, so a step of s stages
costs s + 1 forces. Source: Yoshida, *Phys. Lett. A* 150 (1990) 262-268.
"""

from __future__ import annotations

from typing import ClassVar

from hnn_gym.physics.dynamics import Dynamics, Structure
from hnn_gym.physics.integrators.base import Integrator, Move
from hnn_gym.physics.phase import Array, join, split


def palindrome(*outer: float) -> tuple[float, ...]:
    """Weights (w_1, ..., w_m, w_0, w_m, ..., w_1) with w_0 chosen so that all add up to 1."""
    return (*outer, 1 - 2 * sum(outer), *reversed(outer))


class Composition(Integrator):
    """An explicit symmetric scheme; a subclass gives its ``weights`` and its ``order``."""

    symplectic = True
    reversible = True
    requires = Structure.SEPARABLE
    weights: ClassVar[tuple[float, ...]]

    def step(self, dynamics: Dynamics, x: Array, dt: float, u: Array | None = None) -> Array:
        """Advance phase points ``(..., 2n)`` by ``dt`` seconds under forces ``u`` ``(..., m)``."""
        q, p = split(x)
        previous = 0.0
        for weight in self.weights:
            p = dynamics.kick(q, p, (previous + weight) / 2 * dt, u)
            q = q + weight * dt * dynamics.dqdt(p)
            previous = weight
        p = dynamics.kick(q, p, previous / 2 * dt, u)
        return join(q, p)

    @property
    def moves(self) -> tuple[Move, ...]:
        """Kicks and drifts in turn, the same from either end."""
        moves: list[Move] = []
        previous = 0.0
        for weight in self.weights:
            moves += [("kick", (previous + weight) / 2), ("drift", weight)]
            previous = weight
        return (*moves, ("kick", previous / 2))

    @property
    def adjoint(self) -> Composition:
        """Itself: the scheme is symmetric."""
        return self
