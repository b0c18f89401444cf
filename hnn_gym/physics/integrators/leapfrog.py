"""Leapfrog (Stormer-Verlet): kick dt/2, drift dt, kick dt/2."""

from __future__ import annotations

from dataclasses import dataclass

from hnn_gym.physics.integrators.composition import Composition


@dataclass(frozen=True)
class Leapfrog(Composition):
    """Order 2, symplectic, reversible. Source: Hairer, Lubich, Wanner, *Acta Numerica* 12 (2003) 399-450."""

    order = 2
    weights = (1.0,)
