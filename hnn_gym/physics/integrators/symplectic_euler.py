"""Symplectic Euler: p' = p + dt F(q, p, u), then q' = q + dt v(p').

Gymnasium's Pendulum-v1 is this map. With H = T(p) + V(q) it is symplectic, of order 1, and conserves a
modified energy H + dt/2 H_q H_p + O(dt^2), so that H itself only ripples.
Source: Hairer, Lubich, Wanner, *Geometric Numerical Integration*, 2006, I.1.4 and VI.3.
"""

from __future__ import annotations

from dataclasses import dataclass

from hnn_gym.physics.dynamics import Dynamics, Structure
from hnn_gym.physics.integrators.base import Integrator, Move
from hnn_gym.physics.phase import Array, join, split


@dataclass(frozen=True)
class SymplecticEuler(Integrator):
    """Kick, then drift; or, with ``drift_first``, the adjoint scheme: drift, then kick.

    With friction the force is taken at the old p, and the step is dissipative, as it should be.
    """

    order = 1
    symplectic = True
    reversible = False
    requires = Structure.SPLIT
    sticks = True

    drift_first: bool = False

    def step(self, dynamics: Dynamics, x: Array, dt: float, u: Array | None = None) -> Array:
        """Advance phase points ``(..., 2n)`` by ``dt`` seconds under forces ``u`` ``(..., m)``."""
        q, p = split(x)
        if self.drift_first:
            q = q + dt * dynamics.dqdt(p)
        p = dynamics.kick(q, p, dt, u)
        if not self.drift_first:
            q = q + dt * dynamics.dqdt(p)
        return join(q, p)

    @property
    def drifts_last(self) -> bool:  # type: ignore[override]
        """Whether the drift comes after the kick."""
        return not self.drift_first

    @property
    def moves(self) -> tuple[Move, ...]:
        """The kick and the drift in their order."""
        return (("drift", 1.0), ("kick", 1.0)) if self.drift_first else (("kick", 1.0), ("drift", 1.0))

    @property
    def adjoint(self) -> SymplecticEuler:
        """The same two moves in the other order (exact for forces that do not depend on p)."""
        return SymplecticEuler(drift_first=not self.drift_first)
