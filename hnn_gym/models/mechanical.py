"""H = p^T M^-1 p / 2 + V(q) with a network for V, and M constant and diagonal or a network of q.

Sources: Zhong, Dey, Chakraborty, *Symplectic ODE-Net*, ICLR 2020, section 3.3 (M and V learned, control
port); Lutter, Ritter, Peters, *Deep Lagrangian Networks*, ICLR 2019, eq. 6 (Cholesky factor of the inertia).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from hnn_gym.models.architecture import Architecture, Parameters, Variables
from hnn_gym.models.features import Features
from hnn_gym.models.mlp import MLP, initial_mlp
from hnn_gym.models.port import inertia_of, initial_port, with_port
from hnn_gym.physics.dynamics import PortHamiltonian
from hnn_gym.physics.hamiltonians import Mechanical
from hnn_gym.physics.integrators import ImplicitMidpoint, Integrator, SymplecticEuler
from hnn_gym.physics.phase import Array, join, namespace, split


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


@dataclass(frozen=True)
class LearnedMechanical(Mechanical):
    """H = sum_i p_i^2 / (2 m_i) + V(q), both learned.

    Attributes:
        potential_network: V.
        learned_inertia: m, a number or ``(n,)``.
    """

    potential_network: NetworkPotential
    learned_inertia: Array | float

    @property
    def n(self) -> int:
        """Degrees of freedom."""
        return len(self.potential_network.features.angles)

    def inertia(self, like: Array) -> Array | float:
        """The learned inertia; its library is that of the parameters."""
        return self.learned_inertia

    def potential(self, q: Array) -> Array:
        """V at positions ``(..., n)``; shape ``(...)``."""
        return self.potential_network(q)

    def potential_gradient(self, q: Array) -> Array:
        """dV/dq ``(..., n)``."""
        return self.potential_network.gradient(q)


@dataclass(frozen=True)
class LearnedMassMatrix:
    """H = abs(L(q)^T p)^2 / 2 + V(q): the inverse mass matrix M^-1 = L L^T is positive by construction.

    Attributes:
        potential: V.
        factor: network of the n (n + 1) / 2 entries of L, the diagonal ones as logarithms.
        features: phi.
        entries: E ``(n (n + 1) / 2, n^2)``, where each entry goes in the flattened L.
        diagonal: ``(n (n + 1) / 2,)``, 1 for entries on the diagonal and 0 for the others.
    """

    potential: NetworkPotential
    factor: MLP
    features: Features
    entries: Array
    diagonal: Array

    @property
    def n(self) -> int:
        """Degrees of freedom."""
        return len(self.features.angles)

    def energy(self, x: Array) -> Array:
        """H at phase points ``(..., 2n)``; shape ``(...)``."""
        q, p = split(x)
        projected = self._project(self._lower(self._entries(q)), p)
        return (projected * projected).sum(-1) / 2 + self.potential(q)

    def gradient(self, x: Array) -> Array:
        """Grad H at phase points ``(..., 2n)``; same shape."""
        q, p = split(x)
        values = self._entries(q)
        lower = self._lower(values)
        projected = self._project(lower, p)
        outer = p[..., :, None] * projected[..., None, :]
        cotangent = namespace(x).reshape(outer, (*q.shape[:-1], self.n**2)) @ self.entries.T
        cotangent = cotangent * (self.diagonal * values + 1 - self.diagonal)
        dq = self.features.pullback(q, self.factor.vjp(self.features(q), cotangent)) + self.potential.gradient(q)
        return join(dq, (lower @ projected[..., None])[..., 0])

    def momentum(self, q: Array, v: Array) -> Array:
        """Momenta p = (L L^T)^-1 v of velocities ``(..., n)``."""
        lower = self._lower(self._entries(q))
        xp = namespace(q)
        return xp.linalg.solve(lower @ xp.matrix_transpose(lower), v[..., None])[..., 0]

    def velocity(self, q: Array, p: Array) -> Array:
        """Velocities v = L L^T p of momenta ``(..., n)``."""
        lower = self._lower(self._entries(q))
        return (lower @ self._project(lower, p)[..., None])[..., 0]

    def _entries(self, q: Array) -> Array:
        raw = self.factor(self.features(q))
        xp = namespace(q)
        return xp.where(self.diagonal > 0, xp.exp(self.diagonal * raw), raw)

    def _lower(self, values: Array) -> Array:
        return namespace(values).reshape(values @ self.entries, (*values.shape[:-1], self.n, self.n))

    def _project(self, lower: Array, p: Array) -> Array:
        """L^T p."""
        return (lower * p[..., :, None]).sum(-2)


@dataclass(frozen=True)
class MechanicalHNN(Architecture):
    """Kinetic energy quadratic in p, any potential: the model for machines and pendulums.

    Attributes:
        variables: the system's variables.
        hidden: tanh units of the hidden layers of V (and of L).
        damping: whether to learn friction.
        mass_matrix: learn M(q) as a network instead of a constant diagonal M.
    """

    kind = "mechanical"

    variables: Variables
    hidden: tuple[int, ...] = (32,)
    damping: bool = False
    mass_matrix: bool = False

    @property
    def integrator(self) -> Integrator:
        """Symplectic Euler where H is separable, implicit midpoint for M(q)."""
        return ImplicitMidpoint() if self.mass_matrix else SymplecticEuler()

    def initial_parameters(self, rng: np.random.Generator) -> dict[str, np.ndarray]:
        """Draw float64 parameters by name."""
        size, n = self.variables.features.size, self.variables.n
        arrays = initial_mlp("potential", (size, *self.hidden, 1), rng=rng)
        if self.mass_matrix:
            factor = initial_mlp("factor", (size, *self.hidden, n * (n + 1) // 2), rng=rng)
            last = f"factor.w{len(self.hidden)}"
            arrays |= factor | {last: factor[last] * 0.01}
        return arrays | initial_port(self.variables, damping=self.damping, inertia=not self.mass_matrix)

    def build(self, parameters: Parameters) -> PortHamiltonian:
        """Build the dynamics from parameters of any array library."""
        potential = NetworkPotential(
            network=MLP.of(parameters, "potential"),
            features=self.variables.features,
            energy_scale=self.variables.energy_scale,
        )
        if not self.mass_matrix:
            hamiltonian = LearnedMechanical(potential, inertia_of(parameters))
            return with_port(hamiltonian, self.variables, parameters)
        some, n = parameters["factor.w0"], self.variables.n
        rows, columns = np.tril_indices(n)
        entries = np.zeros((len(rows), n * n))
        entries[range(len(rows)), rows * n + columns] = 1.0
        kind = {"dtype": some.dtype, "device": getattr(some, "device", None)}
        curved = LearnedMassMatrix(
            potential=potential,
            factor=MLP.of(parameters, "factor"),
            features=self.variables.features,
            entries=namespace(some).asarray(entries, **kind),
            diagonal=namespace(some).asarray((rows == columns).astype(float), **kind),
        )
        return with_port(curved, self.variables, parameters)
