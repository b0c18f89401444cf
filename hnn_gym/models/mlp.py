"""Multilayer perceptron with tanh units: y = W_L tanh(... tanh(W_0 z + b_0)).

Values and vector-Jacobian products are written in closed form, so that the gradient of a learned energy
needs no autograd: training backpropagates once, stepping not at all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from hnn_gym.errors import InputError
from hnn_gym.physics.phase import Array, namespace

LinearMap = Callable[[Array], Array]


@dataclass(frozen=True)
class MLP:
    """A network as a pure function of its arrays.

    Attributes:
        weights: W_l ``(out, in)``, first layer first; the last has no bias.
        biases: b_l ``(out,)`` of all but the last layer.
    """

    weights: tuple[Array, ...]
    biases: tuple[Array, ...]

    @classmethod
    def of(cls, parameters: Mapping[str, Array], name: str) -> MLP:
        """Build from the entries ``name.w0, name.b0, ...`` of a dict of arrays."""
        depth = sum(1 for key in parameters if key.startswith(f"{name}.w"))
        return cls(
            weights=tuple(parameters[f"{name}.w{i}"] for i in range(depth)),
            biases=tuple(parameters[f"{name}.b{i}"] for i in range(depth - 1)),
        )

    def __call__(self, z: Array) -> Array:
        """Outputs ``(..., out)`` of inputs ``(..., in)``."""
        return self.hidden(z) @ self.weights[-1].T

    def hidden(self, z: Array) -> Array:
        """Values of the last hidden layer ``(..., width)`` at inputs ``(..., in)``."""
        xp = namespace(z)
        for w, b in zip(self.weights[:-1], self.biases, strict=True):
            z = xp.tanh(z @ w.T + b)
        return z

    def vjp(self, z: Array, cotangent: Array) -> Array:
        """Cotangents ``(..., out)`` pulled back through the Jacobian at ``z``: ``(..., in)``."""
        return self._pulled_back(z, cotangent @ self.weights[-1])

    def gradient(self, z: Array) -> Array:
        """Gradient ``(..., in)`` of a network with one output."""
        last = self.weights[-1][0, :]
        return self._pulled_back(z, last) if self.biases else last + 0 * z

    def linear_at(self, z: Array) -> tuple[Array, LinearMap, LinearMap]:
        """Outputs at ``z``, and the Jacobian there as two maps: tangents to outputs, and cotangents to inputs.

        One evaluation of the hidden layers serves all three.
        """
        xp = namespace(z)
        h, hidden = z, []
        for w, b in zip(self.weights[:-1], self.biases, strict=True):
            h = xp.tanh(h @ w.T + b)
            hidden.append(h)

        def push(tangent: Array) -> Array:
            for w, h in zip(self.weights[:-1], hidden, strict=True):
                tangent = (tangent @ w.T) * (1 - h * h)
            return tangent @ self.weights[-1].T

        def pull(cotangent: Array) -> Array:
            g = cotangent @ self.weights[-1]
            for w, h in zip(reversed(self.weights[:-1]), reversed(hidden), strict=True):
                g = (g * (1 - h * h)) @ w
            return g

        return h @ self.weights[-1].T, push, pull

    def _pulled_back(self, z: Array, g: Array) -> Array:
        """Cotangents of the last hidden layer, or one ``(width,)`` for all, pulled back to the inputs."""
        xp = namespace(z)
        h, hidden = z, []
        for w, b in zip(self.weights[:-1], self.biases, strict=True):
            h = xp.tanh(h @ w.T + b)
            hidden.append(h)
        for w, h in zip(reversed(self.weights[:-1]), reversed(hidden), strict=True):
            g = (g * (1 - h * h)) @ w
        return g


def initial_mlp(name: str, sizes: Sequence[int], *, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Draw float64 arrays for :meth:`MLP.of`: orthogonal weights, as in the paper, and zero biases.

    Args:
        name: prefix of the entries.
        sizes: units of every layer, input and output included.
        rng: source of randomness.

    Raises:
        InputError: a layer has no units.
    """
    if min(sizes) < 1:
        raise InputError(f"Every layer of a network needs at least one unit, and hidden is {tuple(sizes[1:-1])}.")
    arrays: dict[str, np.ndarray] = {}
    for i, (fan_in, fan_out) in enumerate(pairwise(sizes)):
        q, r = np.linalg.qr(rng.normal(size=(max(fan_in, fan_out), min(fan_in, fan_out))))
        q = q * np.sign(np.diag(r))
        arrays[f"{name}.w{i}"] = np.ascontiguousarray(q if fan_out >= fan_in else q.T)
        if i < len(sizes) - 2:
            arrays[f"{name}.b{i}"] = np.zeros(fan_out)
    return arrays
