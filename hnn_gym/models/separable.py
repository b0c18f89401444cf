"""H = T(p) + V(q) with a network for each, and explicit symplectic steps.

T(p) = sum_i p_i^2 / (2 m_i) + N_T(p): the network corrects the quadratic form.
Source: Chen, Zhang, Arjovsky, Bottou, *Symplectic Recurrent Neural Networks*, ICLR 2020, section 2.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from hnn_gym.models.architecture import Architecture, Parameters, Variables
from hnn_gym.models.inertia import inertia_of
from hnn_gym.models.mlp import MLP, initial_mlp
from hnn_gym.models.port import initial_port, with_port
from hnn_gym.models.potential import NetworkPotential
from hnn_gym.physics.dynamics import PortHamiltonian, SeparableHamiltonian
from hnn_gym.physics.integrators import Integrator, SymplecticEuler
from hnn_gym.physics.phase import Array, namespace


@dataclass(frozen=True)
class LearnedSeparable(SeparableHamiltonian):
    """H = sum_i p_i^2 / (2 m_i) + s (N_T(p / r) - N_T(0)) + V(q).

    Attributes:
        potential_network: V.
        kinetic_network: N_T, with one output.
        momentum_scale: r ``(n,)``.
        inertia: m, a number or ``(n,)``; also p = m v.
    """

    potential_network: NetworkPotential
    kinetic_network: MLP
    momentum_scale: Array
    inertia: Array | float

    @property
    def n(self) -> int:
        """Degrees of freedom."""
        return len(self.potential_network.features.angles)

    def kinetic(self, p: Array) -> Array:
        """T at momenta ``(..., n)``; shape ``(...)``."""
        learned = self.kinetic_network(p / self.momentum_scale)[..., 0] - self._at_rest
        return (p * p / self.inertia).sum(-1) / 2 + self.potential_network.energy_scale * learned

    def kinetic_gradient(self, p: Array) -> Array:
        """dT/dp ``(..., n)``."""
        learned = self.kinetic_network.gradient(p / self.momentum_scale) / self.momentum_scale
        return p / self.inertia + self.potential_network.energy_scale * learned

    def potential(self, q: Array) -> Array:
        """V at positions ``(..., n)``; shape ``(...)``."""
        return self.potential_network(q)

    def potential_gradient(self, q: Array) -> Array:
        """dV/dq ``(..., n)``."""
        return self.potential_network.gradient(q)

    def momentum(self, q: Array, v: Array) -> Array:
        """Momenta p = m v of velocities ``(..., n)``."""
        return v * self.inertia

    def velocity(self, q: Array, p: Array) -> Array:
        """Velocities v = p / m of momenta ``(..., n)``."""
        return p / self.inertia

    @cached_property
    def _at_rest(self) -> Array:
        return self.kinetic_network(namespace(self.momentum_scale).zeros_like(self.momentum_scale))[..., 0]


@dataclass(frozen=True)
class SeparableHNN(Architecture):
    """T and V both free.

    Attributes:
        variables: the system's variables.
        hidden: tanh units of the hidden layers of each network.
        damping: whether to learn friction.
    """

    kind = "separable"

    variables: Variables
    hidden: tuple[int, ...] = (32,)
    damping: bool = False

    @property
    def integrator(self) -> Integrator:
        """Symplectic Euler, as Gymnasium's environments."""
        return SymplecticEuler()

    def initial_parameters(self, rng: np.random.Generator) -> dict[str, np.ndarray]:
        """Draw float64 parameters by name."""
        arrays = initial_mlp("potential", (self.variables.features.size, *self.hidden, 1), rng=rng)
        kinetic = initial_mlp("kinetic", (self.variables.n, *self.hidden, 1), rng=rng)
        last = f"kinetic.w{len(self.hidden)}"
        arrays |= kinetic | {last: kinetic[last] * 0.01}
        return arrays | initial_port(self.variables, damping=self.damping)

    def build(self, parameters: Parameters) -> PortHamiltonian:
        """Build the dynamics from parameters of any array library."""
        some = parameters["kinetic.w0"]
        hamiltonian = LearnedSeparable(
            potential_network=NetworkPotential(
                network=MLP.of(parameters, "potential"),
                features=self.variables.features,
                energy_scale=self.variables.energy_scale,
            ),
            kinetic_network=MLP.of(parameters, "kinetic"),
            momentum_scale=namespace(some).asarray(
                self.variables.momentum_scales, dtype=some.dtype, device=getattr(some, "device", None)
            ),
            inertia=inertia_of(self.variables, parameters),
        )
        return with_port(hamiltonian, self.variables, parameters)
