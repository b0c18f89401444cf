"""The paper's pixel model: an autoencoder of fully connected layers, and dynamics in its latent plane.

z = E(x), x = D(z) of two frames x, z = (z_q, z_p); dz/dt = J grad H(z), or f(z) for the baseline; time in frames.
E and D are h_1 = r(W_1 x + b_1), h_{k+1} = h_k + r(W_{k+1} h_k + b_{k+1}) for k = 1, 2, and W_4 h_3 + b_4 with
r(h) = max(h, 0) and 200 units. Source: Greydanus et al. 2019, section 5, and their code.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np

from experiments.paper.faithful import faithful_architecture, initial_parameters
from experiments.paper.scoring import follow
from hnn_gym.models.mlp import initial_mlp
from hnn_gym.physics.dynamics import Dynamics
from hnn_gym.physics.phase import Array

Kind = Literal["hnn", "baseline"]
_HIDDEN = (200, 200, 200)
_LATENT = 2


@dataclass(frozen=True)
class ResidualNetwork:
    """Layers of rectified units with residual connections between layers of the same width.

    Attributes:
        weights: W_k ``(out, in)``.
        biases: b_k ``(out,)``.
    """

    weights: tuple[Array, ...]
    biases: tuple[Array, ...]

    @classmethod
    def of(cls, parameters: Mapping[str, Array], name: str) -> ResidualNetwork:
        """Build from the entries ``name.w0, name.b0, ...`` of a dict of arrays."""
        depth = len(_HIDDEN) + 1
        return cls(*(tuple(parameters[f"{name}.{kind}{i}"] for i in range(depth)) for kind in "wb"))

    def __call__(self, x: Array) -> Array:
        """Outputs ``(..., out)`` of inputs ``(..., in)``."""
        first, *middle, last = zip(self.weights, self.biases, strict=True)
        h = (x @ first[0].T + first[1]).clip(0)
        for w, b in middle:
            h = h + (h @ w.T + b).clip(0)
        return h @ last[0].T + last[1]


@dataclass(frozen=True)
class PaperPixelModel:
    """A pixel model with its arrays in place."""

    encode: ResidualNetwork
    decode: ResidualNetwork
    dynamics: Dynamics

    def motion(self, z: np.ndarray, times: np.ndarray) -> np.ndarray:
        """Codes ``(k, points, 2)`` at times in frames, from codes ``(k, 2)`` at the first of them."""
        return follow(self.dynamics, z, times)


def build(kind: Kind, parameters: Mapping[str, Array]) -> PaperPixelModel:
    """Build the world of NumPy or torch arrays."""
    dynamics = faithful_architecture(kind, _LATENT // 2).build(parameters)
    return PaperPixelModel(
        ResidualNetwork.of(parameters, "encoder"), ResidualNetwork.of(parameters, "decoder"), dynamics
    )


def initial_arrays(kind: Kind, *, inputs: int, seed: int) -> dict[str, np.ndarray]:
    """Draw float32 arrays: orthogonal weights, and biases as torch draws them, uniform in +-1 / sqrt(inputs)."""
    rng = np.random.default_rng([seed, 2])
    arrays = dict(initial_parameters(faithful_architecture(kind, _LATENT // 2), seed))
    for name, sizes in (("encoder", (inputs, *_HIDDEN, _LATENT)), ("decoder", (_LATENT, *_HIDDEN, inputs))):
        arrays |= initial_mlp(name, sizes, rng=rng)
        for i, (fan_in, fan_out) in enumerate(pairwise(sizes)):
            bound = 1 / np.sqrt(fan_in)
            arrays[f"{name}.b{i}"] = rng.uniform(-bound, bound, fan_out)
    return {name: array.astype(np.float32) for name, array in arrays.items()}
