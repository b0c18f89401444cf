"""Implicit midpoint: x' = x + dt f((x + x') / 2, u), for any dynamics, separable or not; Gauss's rule of one stage."""

from __future__ import annotations

from dataclasses import dataclass

from hnn_gym.physics.integrators.gauss_rule import GaussRule


@dataclass(frozen=True)
class ImplicitMidpoint(GaussRule):
    """The symplectic scheme that asks for no structure. Each iteration evaluates the field once."""

    order = 2
    table = ((0.5,),)
    weights = (1.0,)
