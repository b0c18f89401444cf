"""Leapfrog (Stormer-Verlet): kick dt/2, drift dt, kick dt/2."""

from __future__ import annotations

from dataclasses import dataclass

from hnn_gym.physics.dynamics import Structure
from hnn_gym.physics.integrators.composition import Composition


@dataclass(frozen=True)
class Leapfrog(Composition):
    """Order 2, symplectic, reversible; with friction of order 1, for which substeps are a remedy.

    Source: Hairer, Lubich, Wanner, *Acta Numerica* 12 (2003) 399-450.
    """

    order = 2
    requires = Structure.SPLIT
    sticks = True
    weights = (1.0,)
