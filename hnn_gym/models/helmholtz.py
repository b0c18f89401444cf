"""Any vector field as two potentials (Helmholtz): dx/dt = grad F1 + J grad F2, one network with two outputs.

grad F1 is the conservative part, whose circulation vanishes; J grad F2 the solenoidal one, whose divergence does.
Systems that lose or gain energy need the first. Neither is the energy: an HNN is this with F1 = 0.
Source: Greydanus, Dzamba, Yosinski 2019, whose code learns both parts together as an option.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hnn_gym.errors import InputError
from hnn_gym.models.architecture import Architecture, Parameters, Variables
from hnn_gym.models.features import Features
from hnn_gym.models.mlp import MLP, initial_mlp
from hnn_gym.physics.dynamics import Structure
from hnn_gym.physics.integrators import ImplicitMidpoint, Integrator
from hnn_gym.physics.phase import Array, join, namespace, split, symplectic_gradient


@dataclass(frozen=True)
class LearnedHelmholtz:
    """The two parts of the field, in x = [q, v].

    Attributes:
        network: (F1, F2) / s of (phi(q), v / r).
        features: phi.
        velocity_scale: r ``(n,)``.
        scale: s, typical size of F2.
    """

    network: MLP
    features: Features
    velocity_scale: Array
    scale: float
    hamiltonian: None = None
    dry: None = None
    stops: None = None

    @property
    def n(self) -> int:
        """Degrees of freedom."""
        return len(self.features.angles)

    @property
    def structure(self) -> Structure:
        """GENERAL: nothing is known of dq/dt."""
        return Structure.GENERAL

    def field(self, x: Array, u: Array | None = None) -> Array:
        """dx/dt at states ``(..., 2n)``: the sum of both parts.

        Raises:
            InputError: ``u`` is not None; the model has no control.
        """
        conservative, solenoidal = self.parts(x)
        if u is not None:
            raise InputError("A HelmholtzField has no control: step it with u=None.")
        return conservative + solenoidal

    def parts(self, x: Array) -> tuple[Array, Array]:
        """Grad F1 and J grad F2 at states ``(..., 2n)``, each of that shape."""
        q, v = split(x)
        z = join(self.features(q), v / self.velocity_scale)
        one, k = namespace(x).ones_like(z[..., :1]), self.features.size
        gradients = []
        for cotangent in (join(one, 0 * one), join(0 * one, one)):
            g = self.scale * self.network.vjp(z, cotangent)
            gradients.append(join(self.features.pullback(q, g[..., :k]), g[..., k:] / self.velocity_scale))
        return gradients[0], symplectic_gradient(gradients[1])

    def dqdt(self, p: Array) -> Array:
        """Refuse: dq/dt is not a function of p alone.

        Raises:
            InputError: always.
        """
        raise InputError("A HelmholtzField has no separate dq/dt: use field(x).")

    def dpdt(self, q: Array, p: Array, u: Array | None = None) -> Array:
        """Refuse: the field has no separate part for it.

        Raises:
            InputError: always.
        """
        raise InputError("A HelmholtzField has no separate dv/dt: use field(x).")

    def kick(self, q: Array, p: Array, dt: float, u: Array | None = None) -> Array:
        """Refuse: the field has no separate part for it.

        Raises:
            InputError: always.
        """
        raise InputError("A HelmholtzField has no separate dv/dt: use field(x).")

    kick_velocity = kick

    @property
    def second_order(self) -> bool:
        """False: dq/dt is learned."""
        return False

    def acceleration(self, q: Array, v: Array, u: Array | None = None) -> Array:
        """Refuse: the field has no separate part for it.

        Raises:
            InputError: always.
        """
        raise InputError("A HelmholtzField has no separate acceleration: use field(x).")

    momentum_rate = acceleration

    def momentum(self, q: Array, v: Array) -> Array:
        """The velocities themselves: the model knows no momentum."""
        return v

    def velocity(self, q: Array, p: Array) -> Array:
        """The velocities themselves."""
        return p


@dataclass(frozen=True)
class HelmholtzField(Architecture):
    """Conservative and solenoidal parts of a vector field, learned together.

    Attributes:
        variables: the system's variables.
        hidden: tanh units of the hidden layers.

    Raises:
        InputError: the variables have controls.
    """

    kind = "helmholtz"

    variables: Variables
    hidden: tuple[int, ...] = (64, 64)

    def __post_init__(self) -> None:
        """Check that there is nothing to control."""
        super().__post_init__()
        if self.variables.control_degrees:
            raise InputError("HelmholtzField has no control: use 'hnn' or 'mechanical' with damping, or 'baseline'.")

    @property
    def integrator(self) -> Integrator:
        """Implicit midpoint: it asks for no structure, and a step can be undone."""
        return ImplicitMidpoint()

    def initial_parameters(self, rng: np.random.Generator) -> dict[str, np.ndarray]:
        """Draw float64 parameters by name."""
        return initial_mlp("potentials", (self.variables.features.size + self.variables.n, *self.hidden, 2), rng=rng)

    def build(self, parameters: Parameters) -> LearnedHelmholtz:
        """Build the dynamics from parameters of any array library."""
        some = parameters["potentials.w0"]
        return LearnedHelmholtz(
            network=MLP.of(parameters, "potentials"),
            features=self.variables.features,
            velocity_scale=namespace(some).asarray(
                list(self.variables.velocity_scales), dtype=some.dtype, device=getattr(some, "device", None)
            ),
            scale=self.variables.energy_scale,
        )
