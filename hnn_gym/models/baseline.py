"""Networks without physics, for comparison: dx/dt = f(x, u), and d2q/dt2 = f(q, v, u) with x = [q, v].

They see the same inputs - angles as (cos, sin), everything scaled - and are trained by the same code.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hnn_gym.errors import InputError
from hnn_gym.models.architecture import Architecture, Parameters, Variables
from hnn_gym.models.features import Features
from hnn_gym.models.mlp import MLP, initial_mlp
from hnn_gym.physics.dynamics import Structure
from hnn_gym.physics.integrators import Euler, Integrator, SymplecticEuler
from hnn_gym.physics.phase import Array, join, namespace, split


@dataclass(frozen=True)
class LearnedField:
    """f = s N(phi(q), v / r, u / w): of all of dx/dt, or of dv/dt alone.

    Attributes:
        network: N, with 2n outputs (first order) or n (second order).
        features: phi.
        input_scale: [r, w] ``(n + m,)``.
        output_scale: s ``(2n,)`` or ``(n,)``.
        order: 1 or 2.
        control: B ``(n, m)`` where u is no input of the network and B u is added to dv/dt.
    """

    network: MLP
    features: Features
    input_scale: Array
    output_scale: Array
    order: int
    control: Array | None = None
    hamiltonian: None = None
    dry: None = None
    stops: None = None

    @property
    def n(self) -> int:
        """Degrees of freedom."""
        return len(self.features.angles)

    @property
    def structure(self) -> Structure:
        """SPLIT for second order: dq/dt = v."""
        return Structure.SPLIT if self.order == 2 else Structure.GENERAL

    def field(self, x: Array, u: Array | None = None) -> Array:
        """dx/dt at states ``(..., 2n)`` under controls ``(..., m)``."""
        q, v = split(x)
        learned = self._learned(q, v, u)
        return learned if self.order == 1 else join(v, learned)

    def dqdt(self, p: Array) -> Array:
        """The velocities themselves ``(..., n)``."""
        return p

    def dpdt(self, q: Array, p: Array, u: Array | None = None) -> Array:
        """Accelerations ``(..., n)`` of a second-order baseline.

        Raises:
            InputError: the baseline is of first order.
        """
        if self.order == 1:
            raise InputError("A first-order baseline has no separate acceleration: use field(x, u).")
        return self._learned(q, p, u)

    def kick(self, q: Array, p: Array, dt: float, u: Array | None = None) -> Array:
        """Velocities after the acceleration at (q, v) has acted for ``dt`` seconds."""
        return p + dt * self.dpdt(q, p, u)

    kick_velocity = kick

    @property
    def second_order(self) -> bool:
        """Whether it is of second order."""
        return self.order == 2

    def acceleration(self, q: Array, v: Array, u: Array | None = None) -> Array:
        """Accelerations ``(..., n)``: the same as :meth:`dpdt`, since p = v."""
        return self.dpdt(q, v, u)

    momentum_rate = acceleration

    def momentum(self, q: Array, v: Array) -> Array:
        """The velocities themselves: a baseline knows no momentum."""
        return v

    def velocity(self, q: Array, p: Array) -> Array:
        """The velocities themselves."""
        return p

    def _learned(self, q: Array, v: Array, u: Array | None) -> Array:
        xp = namespace(q)
        controls = self.input_scale.shape[0] - self.n
        parts = [v]
        if controls and u is not None:
            parts.append(xp.broadcast_to(u, (*v.shape[:-1], controls)))
        elif controls:
            parts.append(xp.zeros_like(self.input_scale[self.n :]) + 0 * v[..., :1])
        learned = self.output_scale * self.network(join(self.features(q), xp.concat(parts, axis=-1) / self.input_scale))
        if self.control is None or u is None:
            return learned
        added = u @ self.control.T + 0 * v
        return learned + (added if self.order == 2 else join(0 * v, added))


def _build(variables: Variables, parameters: Parameters, *, order: int, known_port: bool = False) -> LearnedField:
    some = parameters["field.w0"]
    kind = {"dtype": some.dtype, "device": getattr(some, "device", None)}
    outputs = tuple(np.array(variables.acceleration_scales) * variables.moving)
    if order == 1:
        outputs = tuple(np.array(variables.velocity_scales) * variables.moving) + outputs
    force_scales = () if known_port else variables.force_scales
    return LearnedField(
        network=MLP.of(parameters, "field"),
        features=variables.features,
        input_scale=namespace(some).asarray([*variables.velocity_scales, *force_scales], **kind),
        output_scale=namespace(some).asarray(list(outputs), **kind),
        order=order,
        control=namespace(some).asarray(variables.control_columns, **kind) if known_port else None,
    )


def _initial(
    variables: Variables, hidden: tuple[int, ...], rng: np.random.Generator, *, order: int, known_port: bool = False
) -> dict[str, np.ndarray]:
    inputs = variables.features.size + variables.n + (0 if known_port else len(variables.control_degrees))
    outputs = variables.n if order == 2 else 2 * variables.n
    return initial_mlp("field", (inputs, *hidden, outputs), rng=rng)


@dataclass(frozen=True)
class Baseline(Architecture):
    """First-order baseline: one network for all of dx/dt.

    Attributes:
        variables: the system's variables.
        hidden: tanh units of the hidden layers.
        known_port: add the controls to dv/dt as they are, instead of handing them to the network: for controls that
            are accelerations by definition, and that the data do not exercise.
    """

    kind = "baseline"

    variables: Variables
    hidden: tuple[int, ...] = (128,)
    known_port: bool = False

    @property
    def integrator(self) -> Integrator:
        """Forward Euler, which makes the network the residual of a step: the best it can do."""
        return Euler()

    def initial_parameters(self, rng: np.random.Generator) -> dict[str, np.ndarray]:
        """Draw float64 parameters by name."""
        return _initial(self.variables, self.hidden, rng, order=1, known_port=self.known_port)

    def build(self, parameters: Parameters) -> LearnedField:
        """Build the dynamics from parameters of any array library."""
        return _build(self.variables, parameters, order=1, known_port=self.known_port)


@dataclass(frozen=True)
class SecondOrderBaseline(Architecture):
    """Second-order baseline: dq/dt = v is given, and a network is the acceleration.

    Attributes:
        variables: the system's variables.
        hidden: tanh units of the hidden layers.
    """

    kind = "second-order"

    variables: Variables
    hidden: tuple[int, ...] = (64,)

    @property
    def integrator(self) -> Integrator:
        """Kick, then drift: the map that Gymnasium's environments use."""
        return SymplecticEuler()

    def initial_parameters(self, rng: np.random.Generator) -> dict[str, np.ndarray]:
        """Draw float64 parameters by name."""
        return _initial(self.variables, self.hidden, rng, order=2)

    def build(self, parameters: Parameters) -> LearnedField:
        """Build the dynamics from parameters of any array library."""
        return _build(self.variables, parameters, order=2)
