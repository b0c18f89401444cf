"""A vector potential A(q), p = M v + A(q): forces that depend on the velocity and do no work, such as magnetic ones.

The force on degree of freedom i is sum_j (dA_j/dq_i - dA_i/dq_j) v_j. Source: Landau, Lifshitz, *Mechanics*, 1976,
sections 40 and 46 (gyroscopic forces).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from hnn_gym.models.features import Features
from hnn_gym.models.mlp import MLP, LinearMap
from hnn_gym.physics.phase import Array


@dataclass(frozen=True)
class VectorPotential:
    """A_i(q) = r_i (N_i(phi(q)) - N_i(phi(0))), so that p = 0 is rest at the origin.

    Attributes:
        network: N, with n outputs.
        features: phi.
        scale: r ``(n,)``.
    """

    network: MLP
    features: Features
    scale: Array

    def __call__(self, q: Array) -> Array:
        """A at positions ``(..., n)``; same shape."""
        return self.scale * (self.network(self.features(q)) - self._at_origin)

    def linear_at(self, q: Array) -> tuple[Array, LinearMap, LinearMap]:
        """A, and its Jacobian as two maps: v to (dA/dq) v, and v to (dA/dq)^T v."""
        value, push, pull = self.network.linear_at(self.features(q))
        return (
            self.scale * (value - self._at_origin),
            lambda v: self.scale * push(self.features.rate(q, v)),
            lambda v: self.features.pullback(q, pull(self.scale * v)),
        )

    @cached_property
    def _at_origin(self) -> Array:
        return self.network(self.features(0 * self.scale))
