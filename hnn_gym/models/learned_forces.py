"""Forces that are learned as networks: controls B(q) u, friction that only takes energy, and a residual."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hnn_gym.models.architecture import Parameters, Variables
from hnn_gym.models.features import Features
from hnn_gym.models.inertia import inertia_of
from hnn_gym.models.mlp import MLP, initial_mlp
from hnn_gym.physics.phase import Array, join, namespace


@dataclass(frozen=True)
class LearnedControl:
    """B(q) u with B(q) = B_0 + N(phi(q)).

    Attributes:
        network: N, with n m outputs.
        features: phi.
        constant: B_0 ``(n, m)``.
        moving: 0 for constants of the episode, else 1 ``(n,)``.
    """

    network: MLP
    features: Features
    constant: Array
    moving: Array

    @staticmethod
    def initial(variables: Variables, hidden: tuple[int, ...], rng: np.random.Generator) -> dict[str, np.ndarray]:
        """Draw the parameters."""
        outputs = variables.n * len(variables.control_degrees)
        return _small("control", (variables.features.size, *hidden, outputs), rng)

    @classmethod
    def of(cls, variables: Variables, parameters: Parameters, constant: Array) -> LearnedControl:
        """The map of the parameters beside a constant one."""
        return cls(MLP.of(parameters, "control"), variables.features, constant, *_like(constant, variables.moving))

    def __call__(self, q: Array, u: Array) -> Array:
        """The force ``(..., n)`` of controls ``(..., m)`` at positions ``(..., n)``."""
        flat = self.network(self.features(q))
        learned = namespace(q).reshape(flat, (*q.shape[:-1], *self.constant.shape))
        return self.moving * ((self.constant + learned) * u[..., None, :]).sum(-1)


@dataclass(frozen=True)
class LearnedFriction:
    """-D(q, v) v with D_i = d_i exp(N_i(phi(q), v / r)): its power is never positive.

    Attributes:
        network: N, with n outputs.
        features: phi.
        velocity_scale: r ``(n,)``.
        size: d ``(n,)``.
    """

    network: MLP
    features: Features
    velocity_scale: Array
    size: Array

    @staticmethod
    def initial(variables: Variables, hidden: tuple[int, ...], rng: np.random.Generator) -> dict[str, np.ndarray]:
        """Draw the parameters."""
        return _small("friction", (variables.features.size + variables.n, *hidden, variables.n), rng)

    @classmethod
    def of(cls, variables: Variables, parameters: Parameters) -> LearnedFriction:
        """The friction of the parameters; its size is a tenth of the accelerations where the network is 0."""
        network = MLP.of(parameters, "friction")
        scale = np.array(variables.velocity_scales)
        size = 0.1 * variables.mass_units * np.array(variables.acceleration_scales) / scale * variables.moving
        return cls(network, variables.features, *_like(network.weights[0], scale, size))

    def __call__(self, q: Array, v: Array, u: Array | None) -> Array:
        """The force ``(..., n)`` at positions and velocities ``(..., n)``."""
        learned = self.network(join(self.features(q), v / self.velocity_scale))
        return -self.size * namespace(q).exp(learned) * v


@dataclass(frozen=True)
class ResidualForce:
    """s N(phi(q), v / r, u / w): a force without assumptions, which training keeps small.

    Attributes:
        network: N, with n outputs.
        features: phi.
        input_scale: [r, w] ``(n + m,)``.
        size: s ``(n,)``.
    """

    network: MLP
    features: Features
    input_scale: Array
    size: Array

    @staticmethod
    def initial(variables: Variables, hidden: tuple[int, ...], rng: np.random.Generator) -> dict[str, np.ndarray]:
        """Draw the parameters."""
        inputs = variables.features.size + variables.n + len(variables.control_degrees)
        return _small("residual", (inputs, *hidden, variables.n), rng)

    @classmethod
    def of(cls, variables: Variables, parameters: Parameters) -> ResidualForce:
        """The force of the parameters."""
        network = MLP.of(parameters, "residual")
        scale = np.array([*variables.velocity_scales, *variables.force_scales])
        size = np.array(variables.acceleration_scales) * variables.moving
        scaled, sized = _like(network.weights[0], scale, size)
        return cls(network, variables.features, scaled, sized * inertia_of(variables, parameters))

    def __call__(self, q: Array, v: Array, u: Array | None) -> Array:
        """The force ``(..., n)`` at positions and velocities ``(..., n)`` under controls ``(..., m)``."""
        xp, controls = namespace(q), self.input_scale.shape[0] - v.shape[-1]
        parts = [v]
        if controls and u is not None:
            parts.append(xp.broadcast_to(u, (*v.shape[:-1], controls)))
        elif controls:
            parts.append(xp.zeros_like(self.input_scale[v.shape[-1] :]) + 0 * v[..., :1])
        return self.size * self.network(join(self.features(q), xp.concat(parts, axis=-1) / self.input_scale))


def _small(name: str, sizes: tuple[int, ...], rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Weights of a network whose outputs are small at first."""
    arrays = initial_mlp(name, sizes, rng=rng)
    last = f"{name}.w{len(sizes) - 2}"
    return arrays | {last: 0.1 * arrays[last]}


def _like(some: Array, *arrays: np.ndarray) -> list[Array]:
    kind = {"dtype": some.dtype, "device": getattr(some, "device", None)}
    return [namespace(some).asarray(array, **kind) for array in arrays]
