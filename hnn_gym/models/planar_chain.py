"""A learned planar chain: h = L L* and V in closed form, without a network.

See :mod:`hnn_gym.physics.hamiltonians.planar_chain` for the equations. L is lower triangular and complex with a
positive diagonal, so that M is positive at all positions, whatever the parameters are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hnn_gym.errors import InputError
from hnn_gym.models.architecture import Architecture, Parameters, Variables
from hnn_gym.models.port import initial_port, with_port
from hnn_gym.physics.dynamics import PortHamiltonian
from hnn_gym.physics.hamiltonians import ChainKinematics, PlanarChain
from hnn_gym.physics.integrators import Integrator, InVelocities, RungeKutta4
from hnn_gym.physics.phase import Array, namespace


@dataclass(frozen=True)
class PlanarChainHNN(Architecture):
    """A planar chain of rigid links, such as a pendulum of several links, a robot arm in a plane or a cart with poles.

    The assumption is that the links move in one plane, link i on the end of link i - 1, under gravity and the controls;
    masses, lengths, centres of mass and the direction of gravity are learned. Degrees of freedom that are not angles
    move the whole chain in constant directions. A fit begins at the solution of Lagrange's equations, which are linear
    in the unknowns, and needs some ten steps of Levenberg-Marquardt.

    Attributes:
        variables: the system's variables.
        absolute: the observed angles are absolute; otherwise each is measured from the link before, as joint angles.
        damping: whether to learn viscous friction in the joints.
        dry: whether to learn Coulomb friction in the joints; a scheme of kicks has to step it.
        symmetric: positions are 0 where the chain hangs or stands straight, and every link is symmetric about its axis,
            so that H(-q, -p) = H(q, p): then h is real and b = 0. Short recordings hardly determine these numbers.

    Raises:
        InputError: there is no angle, or a degree of freedom is a constant of the episode.
    """

    kind = "chain"
    networks = False

    variables: Variables
    absolute: bool = False
    damping: bool = False
    dry: bool = False
    symmetric: bool = False

    def __post_init__(self) -> None:
        """Check that there are links, and nothing else."""
        if not any(self.variables.angles):
            raise InputError("The chain model is about links that turn, and no degree of freedom is an angle.")
        if any(self.variables.fixed):
            raise InputError(
                "The chain model knows links and carts only, and a degree of freedom is a constant of the episode: use "
                "the 'mechanical' model with a full mass matrix."
            )

    @property
    def kinematics(self) -> ChainKinematics:
        """What the degrees of freedom are."""
        return ChainKinematics(self.variables.angles, self.absolute)

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
        arrays = self.parameters_of(np.eye(n, dtype=complex), cosines, sines)
        return arrays | initial_port(self.variables, damping=self.damping, inertia=False, dry=self.dry)

    def parameters_of(self, h: np.ndarray, cosines: np.ndarray, sines: np.ndarray) -> dict[str, np.ndarray]:
        """The parameters of h ``(n, n)``, Hermitian and positive, and of a and b ``(n,)``.

        A symmetric chain keeps the real part of h, which is positive as well, and leaves b out.
        """
        L = np.linalg.cholesky(h.real if self.symmetric else h)
        rows, columns = np.tril_indices(self.variables.n, -1)
        arrays = {
            "chain.diagonal": np.log(np.diag(L).real)[0 if self.known_scale else 1 :],
            "chain.real": L.real[rows, columns],
            "chain.cosines": cosines[list(self.variables.angles)],
        }
        if not self.symmetric:
            arrays |= {"chain.imaginary": L.imag[rows, columns], "chain.sines": sines}
        return {name: array for name, array in arrays.items() if array.size}

    def build(self, parameters: Parameters) -> PortHamiltonian:
        """Build the dynamics from parameters of any array library."""
        n, some = self.variables.n, parameters["chain.cosines"]
        xp = namespace(some)
        cosines = some @ _like(some, np.eye(n)[list(self.variables.angles)])
        sines = parameters.get("chain.sines", 0 * cosines)
        diagonal = xp.ones_like(cosines)
        if "chain.diagonal" in parameters:
            first = [] if self.known_scale else [diagonal[:1]]
            diagonal = xp.concat([*first, xp.exp(parameters["chain.diagonal"])], axis=0)
        real = diagonal[:, None] * _like(some, np.eye(n))
        imaginary = 0 * real
        if n > 1:
            rows, columns = np.tril_indices(n, -1)
            spread = np.zeros((len(rows), n * n))
            spread[range(len(rows)), rows * n + columns] = 1.0
            real = real + xp.reshape(parameters["chain.real"] @ _like(some, spread), (n, n))
            if not self.symmetric:
                imaginary = xp.reshape(parameters["chain.imaginary"] @ _like(some, spread), (n, n))
        hamiltonian = PlanarChain(
            self.kinematics,
            even=real @ real.T + imaginary @ imaginary.T,
            odd=imaginary @ real.T - real @ imaginary.T,
            cosines=cosines,
            sines=sines,
        )
        return with_port(hamiltonian, self.variables, parameters)


def _like(some: Array, array: np.ndarray) -> Array:
    return namespace(some).asarray(array, dtype=some.dtype, device=getattr(some, "device", None))
