"""Bodies that act on each other in pairs: H = sum_i |p_i|^2 / (2 m_i) + sum_{i<j} m_i m_j V(rho_ij).

rho_ij^2 = |q_i - q_j|^2 + eps^2, and V is a network of (log rho, 1 / rho). Shifting, turning or exchanging
bodies leaves every rho as it is, so momentum, angular momentum and permutation symmetry hold by construction,
whatever the network says. No array depends on the number of bodies: what is learned on three runs on a hundred.

Source of the pairwise form: Battaglia et al., *Interaction Networks*, NeurIPS 2016, section 2, as an energy.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from hnn_gym.errors import InputError
from hnn_gym.models.architecture import Architecture, Parameters, Variables
from hnn_gym.models.mlp import MLP, initial_mlp
from hnn_gym.models.port import initial_port, with_port
from hnn_gym.physics.dynamics import PortHamiltonian
from hnn_gym.physics.hamiltonians import Mechanical
from hnn_gym.physics.hamiltonians.centre_of_mass import internal_momentum
from hnn_gym.physics.integrators import Integrator, Yoshida4
from hnn_gym.physics.phase import Array, namespace


@dataclass(frozen=True)
class PairPotential:
    """V(rho) = s (N(log(rho / l), l / rho) - N(0, 1)), so that V = 0 at distance l.

    Attributes:
        network: N, with one output.
        length: l in m.
        energy_scale: s in J.
    """

    network: MLP
    length: float
    energy_scale: float

    def __call__(self, rho: Array) -> Array:
        """V at distances ``(...)``; same shape."""
        return self.energy_scale * self.network(self._inputs(rho))[..., 0] - self._at_length

    def derivative(self, rho: Array) -> Array:
        """dV/drho at distances ``(...)``; same shape."""
        g = self.energy_scale * self.network.gradient(self._inputs(rho))
        return (g[..., 0] - g[..., 1] * (self.length / rho)) / rho

    def _inputs(self, rho: Array) -> Array:
        xp = namespace(rho)
        return xp.stack([xp.log(rho / self.length), self.length / rho], axis=-1)

    @cached_property
    def _at_length(self) -> Array:
        weight = self.network.weights[0]
        length = namespace(weight).ones_like(weight[0, 0]) * self.length
        return self.energy_scale * self.network(self._inputs(length))[0]


@dataclass(frozen=True)
class LearnedBodies(Mechanical):
    """H of bodies with a learned pair potential, positions flattened as q = [x_1, y_1, x_2, y_2, ...].

    Memory is O(pairs) per state of a batch.

    Attributes:
        pair_potential: V.
        incidence: E ``(pairs, bodies)``; row (i, j) holds -1 at i and 1 at j.
        strength: m_i m_j of every pair ``(pairs,)``.
        masses: m of every degree of freedom ``(n,)``.
        softening: eps in m.
    """

    pair_potential: PairPotential
    incidence: Array
    strength: Array
    masses: Array
    softening: float

    @property
    def n(self) -> int:
        """Degrees of freedom: bodies x dimensions."""
        return int(self.masses.shape[0])

    def inertia(self, like: Array) -> Array:
        """Mass of every degree of freedom; its library is that of the parameters."""
        return self.masses

    def internal_momentum(self, p: Array) -> Array:
        """Momenta ``(..., n)`` seen from the centre of mass."""
        return internal_momentum(p, self.masses, dimensions=self.n // self.incidence.shape[1])

    def potential(self, q: Array) -> Array:
        """V in J at positions ``(..., n)``; shape ``(...)``."""
        _, rho = self._pairs(q)
        return (self.strength * self.pair_potential(rho)).sum(-1)

    def potential_gradient(self, q: Array) -> Array:
        """dV/dq ``(..., n)`` in N."""
        separation, rho = self._pairs(q)
        pull = self.strength * self.pair_potential.derivative(rho) / rho
        return namespace(q).reshape(self.incidence.T @ (pull[..., None] * separation), q.shape)

    def _pairs(self, q: Array) -> tuple[Array, Array]:
        """Separations q_j - q_i ``(..., pairs, d)`` and softened distances ``(..., pairs)``."""
        bodies = self.incidence.shape[1]
        positions = namespace(q).reshape(q, (*q.shape[:-1], bodies, self.n // bodies))
        separation = self.incidence @ positions
        return separation, ((separation * separation).sum(-1) + self.softening**2) ** 0.5


@dataclass(frozen=True)
class PairwiseHNN(Architecture):
    """A learned pair potential, and a common mass where the units are physical.

    Attributes:
        variables: the system's variables; n = bodies x dimensions.
        hidden: tanh units of the hidden layers of V.
        dimensions: of space, 2 or 3.
        masses: of the bodies, in units of the learned common one; empty: all equal. Pair energies scale with the
            product of two masses, as gravity's.
        softening: eps in m; 0 for point masses.

    Raises:
        InputError: n is not bodies x dimensions with at least two bodies, a degree of freedom is an angle, a mass is
            not positive or missing, or the softening is negative.
    """

    kind = "pairwise"

    variables: Variables
    hidden: tuple[int, ...] = (16, 16)
    dimensions: int = 2
    masses: tuple[float, ...] = ()
    softening: float = 0.0

    def __post_init__(self) -> None:
        """Check that the variables are bodies in space."""
        super().__post_init__()
        n = self.variables.n
        if self.dimensions < 1 or n % self.dimensions or self.bodies < 2:
            raise InputError(
                f"PairwiseHNN needs at least two bodies of {self.dimensions} coordinates each, and there are {n} "
                "degrees of freedom: give the right dimensions, or use 'mechanical'."
            )
        if any(self.variables.angles):
            raise InputError("PairwiseHNN needs positions in space, and a degree of freedom is an angle.")
        if self.masses and (len(self.masses) != self.bodies or not all(np.isfinite(m) and m > 0 for m in self.masses)):
            raise InputError(f"PairwiseHNN needs one mass > 0 for each of {self.bodies} bodies, got {self.masses}.")
        if not (self.softening >= 0 and np.isfinite(self.softening)):
            raise InputError(f"PairwiseHNN needs softening >= 0, got {self.softening}.")

    @property
    def bodies(self) -> int:
        """Number of bodies."""
        return self.variables.n // self.dimensions

    @property
    def integrator(self) -> Integrator:
        """Order 4: encounters are short compared with orbits."""
        return Yoshida4()

    def with_bodies(self, bodies: int, *, masses: tuple[float, ...] = ()) -> PairwiseHNN:
        """The same model for another number of bodies, with the same scales; it takes the same parameters.

        Raises:
            InputError: the model has controls, which belong to particular bodies; or fewer than two bodies.
        """
        if self.variables.control_degrees:
            raise InputError("with_bodies: controls belong to particular bodies, build a PairwiseHNN with its own.")
        n, old = bodies * self.dimensions, self.variables
        variables = replace(
            old,
            angles=(False,) * n,
            position_scales=(self._mean(old.position_scales),) * n,
            velocity_scales=(self._mean(old.velocity_scales),) * n,
            acceleration_scales=(self._mean(old.acceleration_scales),) * n,
        )
        return replace(self, variables=variables, masses=masses)

    def initial_parameters(self, rng: np.random.Generator) -> dict[str, np.ndarray]:
        """Draw float64 parameters by name."""
        arrays = initial_mlp("pair", (2, *self.hidden, 1), rng=rng)
        if self.variables.in_physical_units:
            arrays["inertia.log"] = np.zeros(1)
        return arrays | initial_port(self.variables, damping=False, inertia=False)

    def build(self, parameters: Parameters) -> PortHamiltonian:
        """Build the dynamics from parameters of any array library."""
        some = parameters["pair.w0"]
        xp, kind = namespace(some), {"dtype": some.dtype, "device": getattr(some, "device", None)}
        first, second = np.triu_indices(self.bodies, 1)
        incidence = np.zeros((len(first), self.bodies))
        incidence[range(len(first)), first], incidence[range(len(first)), second] = -1.0, 1.0
        masses = np.array(self.masses or (1.0,) * self.bodies)
        common = parameters.get("inertia.log")
        per_degree = xp.asarray(np.repeat(masses, self.dimensions), **kind)
        bodies = LearnedBodies(
            pair_potential=PairPotential(
                network=MLP.of(parameters, "pair"),
                length=self._mean(self.variables.position_scales),
                energy_scale=self.variables.force_scale * self._mean(self.variables.position_scales),
            ),
            incidence=xp.asarray(incidence, **kind),
            strength=xp.asarray(masses[first] * masses[second], **kind),
            masses=per_degree if common is None else per_degree * xp.exp(common) * float(self.variables.mass_units[0]),
            softening=self.softening,
        )
        return with_port(bodies, self.variables, parameters)

    @staticmethod
    def _mean(scales: tuple[float, ...]) -> float:
        return float(np.mean(scales))
