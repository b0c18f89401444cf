"""V(q) as a network of the positions."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from hnn_gym.models.features import Features
from hnn_gym.models.mlp import MLP
from hnn_gym.physics.phase import Array, namespace


@dataclass(frozen=True)
class NetworkPotential:
    """V(q) = s (N(phi(q)) - N(phi(0))), so that V = 0 at the origin.

    Attributes:
        network: N, with one output.
        features: phi.
        energy_scale: s in J.
    """

    network: MLP
    features: Features
    energy_scale: float

    def __call__(self, q: Array) -> Array:
        """V at positions ``(..., n)``; shape ``(...)``."""
        return self.energy_scale * self.network(self.features(q))[..., 0] - self._at_origin

    def gradient(self, q: Array) -> Array:
        """dV/dq ``(..., n)``."""
        return self.features.pullback(q, self.energy_scale * self.network.gradient(self.features(q)))

    @cached_property
    def _at_origin(self) -> Array:
        weight = self.network.weights[0]
        origin = namespace(weight).zeros_like(weight[0, : len(self.features.angles)])
        return self.energy_scale * self.network(self.features(origin))[..., 0]
