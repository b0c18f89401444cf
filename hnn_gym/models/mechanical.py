"""H = (p - A)^T M^-1 (p - A) / 2 + V(q): a network for V, M constant or a function of q, and A(q) for magnetic forces.

Sources: Zhong, Dey, Chakraborty, *Symplectic ODE-Net*, ICLR 2020, section 3.3 (M and V learned, control
port); Lutter, Ritter, Peters, *Deep Lagrangian Networks*, ICLR 2019 (Lagrange's equations of a learned M(q)).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from hnn_gym.errors import InputError
from hnn_gym.models.architecture import Architecture, Parameters, Variables
from hnn_gym.models.features import Features
from hnn_gym.models.inertia import inertia_of
from hnn_gym.models.learned_forces import LearnedControl, LearnedFriction, ResidualForce
from hnn_gym.models.mass_matrix import ConstantMass, DiagonalMass, FullMass, MassMatrix, PolynomialMass
from hnn_gym.models.mlp import MLP, initial_mlp
from hnn_gym.models.port import initial_port, initial_stops, with_port
from hnn_gym.models.potential import NetworkPotential
from hnn_gym.models.vector_potential import VectorPotential
from hnn_gym.physics.dynamics import PortHamiltonian
from hnn_gym.physics.hamiltonians import Mechanical
from hnn_gym.physics.integrators import ImplicitMidpoint, Integrator, InVelocities, SymplecticEuler
from hnn_gym.physics.phase import Array, join, namespace, split

MASS_MATRICES = ("constant", "diagonal", "full")


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
class LearnedNatural:
    """H = (p - A(q))^T M(q)^-1 (p - A(q)) / 2 + V(q), all learned.

    Attributes:
        potential: V.
        mass: M.
        vector_potential: A; None: no magnetic forces.
    """

    potential: NetworkPotential
    mass: MassMatrix
    vector_potential: VectorPotential | None = None

    @property
    def n(self) -> int:
        """Degrees of freedom."""
        return len(self.potential.features.angles)

    @property
    def quadratic_kinetic(self) -> bool:
        """T is a quadratic form of p where there are no magnetic forces."""
        return self.vector_potential is None

    def energy(self, x: Array) -> Array:
        """H at phase points ``(..., 2n)``; shape ``(...)``."""
        q, p = split(x)
        kinetic = p if self.vector_potential is None else p - self.vector_potential(q)
        return (kinetic * self.mass.at(q).solve(kinetic)).sum(-1) / 2 + self.potential(q)

    def gradient(self, x: Array) -> Array:
        """Grad H at phase points ``(..., 2n)``; same shape."""
        q, p = split(x)
        mass, dq = self.mass.at(q), self.potential.gradient(q)
        if self.vector_potential is None:
            v = mass.solve(p)
        else:
            A, _, pull = self.vector_potential.linear_at(q)
            v = mass.solve(p - A)
            dq = dq - pull(v)
        return join(dq - mass.inertial(v)[0], v)

    def momentum(self, q: Array, v: Array) -> Array:
        """Momenta p = M v + A of velocities ``(..., n)``."""
        p = self.mass.at(q).times(v)
        return p if self.vector_potential is None else p + self.vector_potential(q)

    def velocity(self, q: Array, p: Array) -> Array:
        """Velocities v = M^-1 (p - A) of momenta ``(..., n)``."""
        kinetic = p if self.vector_potential is None else p - self.vector_potential(q)
        return self.mass.at(q).solve(kinetic)

    def force(self, q: Array, v: Array) -> Array:
        """-dH/dq = d/dq (v^T M v / 2) - dV/dq + (dA/dq)^T v at positions and velocities ``(..., n)``."""
        force = self.mass.at(q).inertial(v)[0] - self.potential.gradient(q)
        return force if self.vector_potential is None else force + self.vector_potential.linear_at(q)[2](v)

    def acceleration(self, q: Array, v: Array, force: Array | float) -> Array:
        """Lagrange's equations: M dv/dt = force - dV/dq + d/dq (v^T M v / 2) - dM/dt v + magnetic force."""
        mass = self.mass.at(q)
        slope, rate = mass.inertial(v)
        force = force - self.potential.gradient(q) + slope - rate
        if self.vector_potential is not None:
            _, push, pull = self.vector_potential.linear_at(q)
            force = force + pull(v) - push(v)
        return mass.solve(force)


@dataclass(frozen=True)
class MechanicalHNN(Architecture):
    """Kinetic energy quadratic in p, any potential: the model for machines and pendulums.

    Attributes:
        variables: the system's variables.
        hidden: tanh units of the hidden layers of V, M and A; () makes them polynomials: of the cosines and sines of
            joint angles and their sums and differences, as for rigid bodies, and of positions.
        damping: whether to learn viscous friction.
        mass_matrix: "constant" (and diagonal), or a "diagonal" or "full" function of q.
        magnetic: whether p = M v + A(q), with forces that do no work.
        dry: whether to learn Coulomb friction; a scheme of kicks has to step it.
        friction: tanh units of friction -D(q, v) v that is learned beside the viscous one; (): none.
        residual: tanh units of a force of q, v and u that nothing is assumed of; (): none.
        control_map: tanh units of B(q) in the force B(q) u of the controls; (): B is constant.

    Raises:
        InputError: there is no such kind of mass matrix, or no control for the control map.
    """

    kind = "mechanical"

    variables: Variables
    hidden: tuple[int, ...] = (32,)
    damping: bool = False
    mass_matrix: Literal["constant", "diagonal", "full"] = "constant"
    magnetic: bool = False
    dry: bool = False
    friction: tuple[int, ...] = ()
    residual: tuple[int, ...] = ()
    control_map: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        """Check the kind of mass matrix and that there is something to control."""
        super().__post_init__()
        if self.control_map and not self.variables.control_degrees:
            raise InputError("There is no control, and so no control map B(q) to learn.")
        if self.mass_matrix not in MASS_MATRICES:
            raise InputError(f"There is no mass matrix {self.mass_matrix!r}: choose from {', '.join(MASS_MATRICES)}.")

    @property
    def separable(self) -> bool:
        """Whether H = T(p) + V(q)."""
        return self.mass_matrix == "constant" and not self.magnetic

    @property
    def integrator(self) -> Integrator:
        """Symplectic Euler where H is separable, in velocities with dry friction, otherwise implicit midpoint."""
        if self.separable:
            return SymplecticEuler()
        return InVelocities() if self.dry else ImplicitMidpoint()

    def initial_parameters(self, rng: np.random.Generator) -> dict[str, np.ndarray]:
        """Draw float64 parameters by name."""
        size, n = self.mass_features.size, self.variables.n
        arrays = initial_mlp("potential", (self.potential_features.size, *self.hidden, 1), rng=rng)
        last = len(self.hidden)
        if self.mass_matrix == "full" and not self.hidden:
            pairs = list(zip(*np.triu_indices(n), strict=True))
            arrays |= _quieter(initial_mlp("mass", (size, len(pairs)), rng=rng), "mass.w0", 0.05)
            arrays["mass.constant"] = np.array([float(i == j) for i, j in pairs])
        elif self.mass_matrix != "constant":
            # M depends on the square of A, whose slope at A = 0 vanishes: so A begins well away from 0.
            entries = n if self.mass_matrix == "diagonal" else n * n
            arrays |= _quieter(initial_mlp("factor", (size, *self.hidden, entries), rng=rng), f"factor.w{last}", 0.2)
            arrays["factor.constant"] = 0.3 * rng.normal(size=entries)
        if self.magnetic:
            arrays |= _quieter(initial_mlp("magnetic", (size, *self.hidden, n), rng=rng), f"magnetic.w{last}", 0.2)
        for hidden, force in (
            (self.friction, LearnedFriction),
            (self.residual, ResidualForce),
            (self.control_map, LearnedControl),
        ):
            if hidden:
                arrays |= force.initial(self.variables, hidden, rng)
        # The scale of masses that vary with q stays free where no control determines it.
        inertia = None if self.mass_matrix == "constant" else "mass.w0" not in arrays
        arrays |= initial_port(self.variables, damping=self.damping, inertia=inertia, dry=self.dry)
        return arrays | initial_stops(self.variables)

    def build(self, parameters: Parameters) -> PortHamiltonian:
        """Build the dynamics from parameters of any array library."""
        potential = NetworkPotential(
            network=MLP.of(parameters, "potential"),
            features=self.potential_features,
            energy_scale=self.variables.energy_scale,
        )
        inertia = inertia_of(self.variables, parameters)
        if self.separable:
            return with_port(LearnedMechanical(potential, inertia), self.variables, parameters)
        vector_potential = None
        if self.magnetic:
            some = parameters["magnetic.w0"]
            scale = np.array(self.variables.velocity_scales) * self.variables.moving
            vector_potential = VectorPotential(
                network=MLP.of(parameters, "magnetic"),
                features=self.mass_features,
                scale=namespace(some).asarray(scale, dtype=some.dtype, device=getattr(some, "device", None)),
            )
        hamiltonian = LearnedNatural(potential, self._mass(parameters, inertia), vector_potential)
        return with_port(hamiltonian, self.variables, parameters)

    def _mass(self, parameters: Parameters, inertia: Array | float) -> MassMatrix:
        if self.mass_matrix == "constant":
            return ConstantMass(inertia)
        n, moving = self.variables.n, self.variables.moving
        if "mass.w0" in parameters:
            first, second = np.triu_indices(n)
            entries = np.zeros((len(first), n * n))
            entries[range(len(first)), first * n + second] = entries[range(len(first)), second * n + first] = 1.0
            # Constants of the episode have a mass of 1, and none in common with the others.
            coupled, own = moving[first] * moving[second], (first == second) * (1 - moving[first])
            network, constant = _masked(parameters, "mass", coupled, own)
            (entries,) = _like(constant, entries)
            return PolynomialMass(network, constant, self.mass_features, entries)
        rows = 1 if self.mass_matrix == "diagonal" else n
        network, constant = _masked(parameters, "factor", np.tile(moving, rows), 0.0)
        if self.mass_matrix == "diagonal":
            return DiagonalMass(network, constant, self.mass_features, inertia)
        return FullMass(network, constant, self.mass_features, namespace(constant).sqrt(inertia), rows)

    @property
    def mass_features(self) -> Features:
        """What M and A see: sums and differences of angles too."""
        return self.variables.combined_features("pairs" if self.hidden else "all")

    @property
    def potential_features(self) -> Features:
        """What V sees: with networks the same, unless M is constant and says that no body hangs on another.

        A polynomial V has the products of positions too, which springs between bodies need.
        """
        if not self.hidden:
            return self.variables.combined_features("products")
        return self.variables.features if self.separable else self.mass_features


def _quieter(arrays: dict[str, np.ndarray], name: str, share: float) -> dict[str, np.ndarray]:
    return arrays | {name: arrays[name] * share}


def _masked(parameters: Parameters, name: str, factor: np.ndarray, added: np.ndarray | float) -> tuple[MLP, Array]:
    """A network and the constant beside it with their outputs times a factor, and something added to the constant."""
    network, constant = MLP.of(parameters, name), parameters[f"{name}.constant"]
    if factor.all():
        return network, constant
    scale, shift = _like(constant, factor, added + 0 * factor)
    *first, last = network.weights
    return MLP((*first, last * scale[:, None]), network.biases), constant * scale + shift


def _like(some: Array, *arrays: np.ndarray) -> list[Array]:
    kind = {"dtype": some.dtype, "device": getattr(some, "device", None)}
    return [namespace(some).asarray(array, **kind) for array in arrays]
