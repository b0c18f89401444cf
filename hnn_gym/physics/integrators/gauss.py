"""Gauss's implicit rule of two stages, of order 4: the fine symplectic scheme where H is not separable."""

from __future__ import annotations

import math
from dataclasses import dataclass

from hnn_gym.physics.integrators.gauss_rule import GaussRule

_OFF = math.sqrt(3) / 6


@dataclass(frozen=True)
class Gauss4(GaussRule):
    """The rule. Each iteration evaluates the field twice. Source: see :mod:`.gauss_rule`, table II.1.1."""

    order = 4
    table = ((0.25, 0.25 - _OFF), (0.25 + _OFF, 0.25))
    weights = (0.5, 0.5)
