"""A learned planar chain: h = L L* and V in closed form, without a network.

See :mod:`hnn_gym.physics.hamiltonians.planar_chain` for the equations. L is lower triangular and complex with a
positive diagonal, so that M is positive at all positions, whatever the parameters are. The diagonal is kept as
logarithms. A recording whose inertia the rotors explain alone drives one of them down without end, so that none counts
as less than a millionth of the largest.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from hnn_gym.errors import InputError
from hnn_gym.models.architecture import Architecture, Parameters, Variables
from hnn_gym.models.port import coefficient, initial_port, initial_stops, with_port
from hnn_gym.physics.dynamics import Force, PortHamiltonian
from hnn_gym.physics.hamiltonians import ChainKinematics, PlanarChain
from hnn_gym.physics.integrators import Integrator, InVelocities, RungeKutta4
from hnn_gym.physics.link_drag import LinkDrag, reach
from hnn_gym.physics.phase import Array, namespace

_LEAST = 1e-6
"""An entry of L's diagonal counts as at least this share of the largest."""


@dataclass(frozen=True)
class PlanarChainHNN(Architecture):
    """A planar chain of rigid links, such as pendulums, a robot arm in a plane, a cart with poles or a fish.

    The assumption is that the links move in one plane, link i on the end of link i - 1, under gravity and the controls;
    masses, lengths, centres of mass and the direction of gravity are learned. Degrees of freedom that are not angles
    move the whole chain in constant directions: one is that of a cart, two are those of a chain that floats in the
    plane, see :class:`hnn_gym.physics.hamiltonians.ChainKinematics`. A fit begins at the solution of Lagrange's
    equations, which are linear in the unknowns, and needs some ten steps of Levenberg-Marquardt.

    Attributes:
        variables: the system's variables.
        absolute: the observed angles are absolute; otherwise each is measured from the link before, as joint angles.
        damping: whether to learn viscous friction in the joints.
        dry: whether to learn Coulomb friction in the joints; a scheme of kicks has to step it.
        symmetric: positions are 0 where the chain hangs or stands straight, and every link is symmetric about its axis,
            so that H(-q, -p) = H(q, p): then h is real and b = 0. Short recordings hardly determine these numbers.
        rotors: whether to learn the inertias that the joints between links have by themselves, such as those of motors.
        drag: whether to learn the drag of a fluid on every link, along it, across it and against turning, linear and
            quadratic, and the places where the fluid acts: see :class:`hnn_gym.physics.link_drag.LinkDrag`. It needs
            ``symmetric``, because these directions are those of the links.
        gravity: whether to learn V; a chain that moves in a horizontal plane has none.

    Raises:
        InputError: there is no angle, a degree of freedom is a constant of the episode, there are more than two shifts,
            or options that exclude each other.
    """

    kind = "chain"
    networks = False

    variables: Variables
    absolute: bool = False
    damping: bool = False
    dry: bool = False
    symmetric: bool = False
    rotors: bool = False
    drag: bool = False
    gravity: bool = True

    def __post_init__(self) -> None:
        """Check that there are links, and nothing else."""
        super().__post_init__()
        if not any(self.variables.angles):
            raise InputError("The chain model is about links that turn, and no degree of freedom is an angle.")
        if any(self.variables.fixed):
            raise InputError(
                "The chain model knows links and carts only, and a degree of freedom is a constant of the episode: use "
                "the 'mechanical' model with a full mass matrix."
            )
        if self.rotors and (self.absolute or self.links < 2):
            raise InputError(
                "rotors=True is about joints between links, with angles measured from the link before: leave it out."
            )
        if self.drag and not self.symmetric:
            raise InputError("drag=True needs symmetric=True: the fluid acts along and across the axes of the links.")
        _ = self.kinematics  # which refuses more shifts than a plane has

    @property
    def kinematics(self) -> ChainKinematics:
        """What the degrees of freedom are."""
        return ChainKinematics(self.variables.angles, self.absolute)

    @property
    def links(self) -> int:
        """How many links there are."""
        return sum(self.variables.angles)

    @property
    def floats(self) -> bool:
        """Whether the chain is shifted in both directions of the plane."""
        return self.variables.n - self.links == 2

    @property
    def known_scale(self) -> bool:
        """Whether the controls give H its scale; otherwise h_00 = 1."""
        return self.variables.in_physical_units

    @property
    def integrator(self) -> Integrator:
        """The classical Runge-Kutta rule, or a scheme of kicks for dry friction, in velocities."""
        return InVelocities() if self.dry else InVelocities(RungeKutta4())

    def initial_parameters(self, rng: np.random.Generator) -> dict[str, np.ndarray]:
        """Return the parameters of links of unit inertia with some gravity; a fit has a better guess."""
        n, scale = self.variables.n, 0.1 * self.variables.energy_scale
        cosines, sines = scale * rng.normal(size=(2, n))
        arrays = self.parameters_of(np.eye(self.kinematics.rows.shape[1], dtype=complex), cosines, sines)
        arrays |= initial_port(self.variables, damping=self.damping, inertia=False, dry=self.dry)
        arrays |= initial_stops(self.variables)
        if self.rotors:
            arrays["rotors.log"] = np.full(self.links - 1, -4.0)
        if self.drag:
            arrays |= {"drag.lengths": np.ones(self.links - 1), "drag.centres": np.full(self.links, 0.5)}
            arrays |= {f"drag.{name}.log": np.full((3, self.links), -4.0) for name in ("linear", "quadratic")}
        return {name: array for name, array in arrays.items() if array.size}

    def parameters_of(self, h: np.ndarray, cosines: np.ndarray, sines: np.ndarray) -> dict[str, np.ndarray]:
        """The parameters of h ``(m, m)``, Hermitian and positive, and of a and b ``(n,)``.

        A symmetric chain keeps the real part of h, which is positive as well, and leaves b out. m = n, but for a chain
        that floats, whose two shifts share a row of h.
        """
        L = np.linalg.cholesky(h.real if self.symmetric else h)
        rows, columns = np.tril_indices(len(h), -1)
        arrays = {
            "chain.diagonal": np.log(np.diag(L).real)[0 if self.known_scale else 1 :],
            "chain.real": L.real[rows, columns],
        }
        if not self.symmetric:
            arrays["chain.imaginary"] = L.imag[rows, columns]
        if self.gravity:
            arrays["chain.cosines"] = cosines[list(self.variables.angles)]
            arrays |= {} if self.symmetric else {"chain.sines": sines}
        return {name: array for name, array in arrays.items() if array.size}

    def build(self, parameters: Parameters) -> PortHamiltonian:
        """Build the dynamics from parameters of any array library."""
        n, some = self.variables.n, next(iter(parameters.values()))
        xp, kinematics = namespace(some), self.kinematics
        spread = kinematics.rows
        m = spread.shape[1]
        nothing = _like(some, np.zeros(n))
        cosines, sines = nothing, parameters.get("chain.sines", nothing)
        if "chain.cosines" in parameters:
            cosines = parameters["chain.cosines"] @ _like(some, kinematics.links)
        diagonal = _like(some, np.ones(m))
        if "chain.diagonal" in parameters:
            first = [] if self.known_scale else [0 * diagonal[:1]]
            logs = xp.concat([*first, parameters["chain.diagonal"]], axis=0)
            diagonal = xp.exp(xp.maximum(logs, xp.max(logs) + math.log(_LEAST)))
        real = diagonal[:, None] * _like(some, np.eye(m))
        imaginary = 0 * real
        if m > 1:
            rows, columns = np.tril_indices(m, -1)
            below = np.zeros((len(rows), m * m))
            below[range(len(rows)), rows * m + columns] = 1.0
            real = real + xp.reshape(parameters["chain.real"] @ _like(some, below), (m, m))
            if not self.symmetric:
                imaginary = xp.reshape(parameters["chain.imaginary"] @ _like(some, below), (m, m))
        even, odd = real @ real.T + imaginary @ imaginary.T, imaginary @ real.T - real @ imaginary.T
        if m < n:  # two shifts with one row of h are at right angles
            apart, spread = _like(some, 1 - spread @ spread.T + np.eye(n)), _like(some, spread)
            even, odd = apart * (spread @ even @ spread.T), apart * (spread @ odd @ spread.T)
        rotors = coefficient(parameters, "rotors")
        if rotors is not None:
            rotors = rotors @ _like(some, kinematics.links[1:])
        hamiltonian = PlanarChain(kinematics, even=even, odd=odd, cosines=cosines, sines=sines, rotors=rotors)
        forces: tuple[Force, ...] = ()
        if self.drag:
            linear, quadratic = (coefficient(parameters, f"drag.{name}") for name in ("linear", "quadratic"))
            place = reach(kinematics, parameters.get("drag.lengths"), parameters["drag.centres"])
            forces = (LinkDrag(kinematics, place, linear, quadratic),)
        return with_port(hamiltonian, self.variables, parameters, forces=forces)


def _like(some: Array, array: np.ndarray) -> Array:
    return namespace(some).asarray(array, dtype=some.dtype, device=getattr(some, "device", None))
