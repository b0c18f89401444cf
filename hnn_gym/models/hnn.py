"""H(q, p) as one network: the Hamiltonian Neural Network of the paper.

Source: Greydanus, Dzamba, Yosinski, *Hamiltonian Neural Networks*, NeurIPS 2019, section 2.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from hnn_gym.models.architecture import Architecture, Parameters, Variables
from hnn_gym.models.features import Features
from hnn_gym.models.inertia import inertia_of
from hnn_gym.models.mlp import MLP, initial_mlp
from hnn_gym.models.port import initial_port, with_port
from hnn_gym.physics.dynamics import PortHamiltonian
from hnn_gym.physics.integrators import ImplicitMidpoint, Integrator
from hnn_gym.physics.phase import Array, join, namespace, split


@dataclass(frozen=True)
class NetworkHamiltonian:
    """H(q, p) = s (N(phi(q), p / r) - N(phi(0), 0)), so that H = 0 at rest at the origin.

    Attributes:
        network: N, with one output.
        features: phi.
        momentum_scale: r ``(n,)``.
        energy_scale: s in J.
        inertia: m in p = m v, a number or ``(n,)``.
    """

    network: MLP
    features: Features
    momentum_scale: Array
    energy_scale: float
    inertia: Array | float

    @property
    def n(self) -> int:
        """Degrees of freedom."""
        return len(self.features.angles)

    def energy(self, x: Array) -> Array:
        """H at phase points ``(..., 2n)``; shape ``(...)``."""
        return self.energy_scale * self.network(self._inputs(x))[..., 0] - self._at_origin

    def gradient(self, x: Array) -> Array:
        """Grad H at phase points ``(..., 2n)``; same shape."""
        q, _ = split(x)
        g = self.energy_scale * self.network.gradient(self._inputs(x))
        k = self.features.size
        return join(self.features.pullback(q, g[..., :k]), g[..., k:] / self.momentum_scale)

    def momentum(self, q: Array, v: Array) -> Array:
        """Momenta p = m v of velocities ``(..., n)``."""
        return v * self.inertia

    def velocity(self, q: Array, p: Array) -> Array:
        """Velocities v = p / m of momenta ``(..., n)``."""
        return p / self.inertia

    def _inputs(self, x: Array) -> Array:
        q, p = split(x)
        return join(self.features(q), p / self.momentum_scale)

    @cached_property
    def _at_origin(self) -> Array:
        origin = namespace(self.momentum_scale).zeros_like(join(self.momentum_scale, self.momentum_scale))
        return self.energy_scale * self.network(self._inputs(origin))[..., 0]


@dataclass(frozen=True)
class HNN(Architecture):
    """The paper's model, without assumptions about H.

    Attributes:
        variables: the system's variables.
        hidden: tanh units of the hidden layers.
        damping: whether to learn friction.
    """

    kind = "hnn"

    variables: Variables
    hidden: tuple[int, ...] = (200, 200)
    damping: bool = False

    @property
    def integrator(self) -> Integrator:
        """Implicit midpoint: H need not be separable."""
        return ImplicitMidpoint()

    def initial_parameters(self, rng: np.random.Generator) -> dict[str, np.ndarray]:
        """Draw float64 parameters by name."""
        inputs = self.variables.features.size + self.variables.n
        network = initial_mlp("energy", (inputs, *self.hidden, 1), rng=rng)
        return network | initial_port(self.variables, damping=self.damping)

    def build(self, parameters: Parameters) -> PortHamiltonian:
        """Build the dynamics from parameters of any array library."""
        some = parameters["energy.w0"]
        scale = namespace(some).asarray(
            self.variables.momentum_scales, dtype=some.dtype, device=getattr(some, "device", None)
        )
        hamiltonian = NetworkHamiltonian(
            network=MLP.of(parameters, "energy"),
            features=self.variables.features,
            momentum_scale=scale,
            energy_scale=self.variables.energy_scale,
            inertia=inertia_of(self.variables, parameters),
        )
        return with_port(hamiltonian, self.variables, parameters)
