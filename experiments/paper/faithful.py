"""The paper's models under the paper's protocol: L = mean |dx/dt - f(x)|^2, float32, Adam at 1e-3.

The HNN is three layers of 200 tanh units on raw (q, p), orthogonal weights, hidden biases as torch draws them,
no bias on the last layer; the baseline is the same network with 2n outputs. The only difference is that the
gradient of H is written in closed form, which halves the passes and changes numbers only by rounding.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch

from experiments.paper.tasks import Protocol
from hnn_gym.errors import ConvergenceError
from hnn_gym.models import HNN, Architecture, Baseline, Variables
from hnn_gym.models.architecture import RATIOS

_HIDDEN = (200, 200)
_LEARNING_RATE = 1e-3


def unit_variables(n: int) -> Variables:
    """Positions in n dimensions and unit scales, which make our architectures the paper's."""
    ones = (1.0,) * n
    return Variables(angles=(False,) * n, position_scales=ones, velocity_scales=ones, acceleration_scales=ones)


def faithful_architecture(kind: Literal["hnn", "baseline"], n: int) -> Architecture:
    """Build the paper's HNN or its baseline for n degrees of freedom."""
    return (HNN if kind == "hnn" else Baseline)(unit_variables(n), hidden=_HIDDEN)


def initial_parameters(architecture: Architecture, seed: int) -> dict[str, np.ndarray]:
    """Orthogonal weights and torch's hidden biases, uniform in +-1 / sqrt(inputs), as float32.

    The states hold momenta already, so that there are no masses to learn.
    """
    rng = np.random.default_rng(seed)
    arrays = architecture.initial_parameters(rng)
    arrays.pop(RATIOS, None)
    for name, array in arrays.items():
        prefix, _, layer = name.rpartition(".b")
        if prefix:
            bound = 1 / np.sqrt(arrays[f"{prefix}.w{layer}"].shape[1])
            arrays[name] = rng.uniform(-bound, bound, array.shape)
    return {name: array.astype(np.float32) for name, array in arrays.items()}


def train_faithful(
    architecture: Architecture, x: np.ndarray, dx: np.ndarray, *, protocol: Protocol, seed: int
) -> dict[str, np.ndarray]:
    """Train on states and derivatives ``(k, 2n)``; returns float32 parameters.

    Raises:
        ConvergenceError: the loss became NaN or infinite.
    """
    rng = np.random.default_rng([seed, 1])
    tensors = {name: torch.tensor(a, requires_grad=True) for name, a in initial_parameters(architecture, seed).items()}
    optimizer = torch.optim.Adam(tensors.values(), lr=_LEARNING_RATE, weight_decay=protocol.decay)
    inputs, targets = torch.tensor(x, dtype=torch.float32), torch.tensor(dx, dtype=torch.float32)
    for _ in range(protocol.steps):
        if protocol.batch is None or protocol.batch >= len(inputs):
            batch, wanted = inputs, targets
        else:
            rows = torch.tensor(rng.choice(len(inputs), protocol.batch, replace=False, shuffle=False))
            batch, wanted = inputs[rows], targets[rows]
        optimizer.zero_grad()
        loss = ((architecture.build(tensors).field(batch) - wanted) ** 2).mean()
        loss.backward()
        optimizer.step()
    if not bool(torch.isfinite(loss)):
        raise ConvergenceError(f"The loss of {architecture.kind} became {float(loss)} within {protocol.steps} steps.")
    return {name: tensor.detach().numpy().copy() for name, tensor in tensors.items()}


def derivative_mse(
    architecture: Architecture, parameters: dict[str, np.ndarray], x: np.ndarray, dx: np.ndarray
) -> float:
    """Mean square of dx/dt - f(x) over states ``(k, 2n)``: the paper's train and test loss."""
    dtype = next(iter(parameters.values())).dtype
    return float(np.mean((architecture.build(parameters).field(x.astype(dtype)) - dx) ** 2))
