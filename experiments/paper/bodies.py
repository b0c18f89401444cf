"""Our model of two and three bodies: H = sum |p|^2 / 2m + sum_{i<j} V(r_ij), fitted to exact derivatives.

The protocol's states and derivatives are without noise here, so that it is enough to match derivatives, in
float64. A state has the weight 1 / (f^2 + |dp/dt|^2): near-collisions inform V at short range without
dominating the fit.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import torch

from hnn_gym.models import PairwiseHNN, Variables
from hnn_gym.physics.phase import split
from hnn_gym.training.least_squares import LeastSquaresReport, LeastSquaresSettings, Tensors, least_squares, tensors


@dataclass(frozen=True)
class BodySettings:
    """How the pair potential is fitted."""

    hidden: tuple[int, ...] = (24,)
    """Tanh units of V."""
    states: int = 1000
    """Number of training states that are used, drawn at random."""
    force: float = 1.0
    """Forces below this, in N, are fitted to the same absolute error, larger ones to the same relative error."""
    softening: float = 0.0
    """Known short-range cut-off of the interaction in m."""
    decay: float = 1e-15
    """Added to the mean square times the sum of squared weights."""
    tries: int = 3
    """Number of initial weights tried; the best continue."""
    first_steps: int = 20
    """Steps of each try."""
    seed: int = 0
    """Seed of the initial weights and of the drawn states."""
    optimiser: LeastSquaresSettings = field(default_factory=lambda: LeastSquaresSettings(steps=80, chunk=64))
    """When to stop."""


def body_architecture(
    x: np.ndarray, dx: np.ndarray, *, hidden: tuple[int, ...], softening: float = 0.0, dimensions: int = 2
) -> PairwiseHNN:
    """Describe equal bodies whose common mass is learned, with scales of the data ``(k, 2n)``: typical, not largest."""
    n = x.shape[-1] // 2
    positions = split(x)[0].reshape(len(x), -1, dimensions)
    first, second = np.triu_indices(positions.shape[1], 1)
    distance = np.median(np.linalg.norm(positions[:, second] - positions[:, first], axis=-1))
    velocity, acceleration = (float(np.median(np.abs(part))) for part in split(dx))
    return PairwiseHNN(
        Variables(
            angles=(False,) * n,
            position_scales=(float(distance),) * n,
            velocity_scales=(velocity,) * n,
            acceleration_scales=(acceleration,) * n,
            in_physical_units=True,
        ),
        hidden=hidden,
        dimensions=dimensions,
        softening=softening,
    )


def fit_bodies(
    architecture: PairwiseHNN,
    x: np.ndarray,
    dx: np.ndarray,
    settings: BodySettings,
    report: LeastSquaresReport | None = None,
) -> dict[str, np.ndarray]:
    """Fit the parameters to states and exact derivatives ``(k, 2n)``."""
    rng = np.random.default_rng(settings.seed)
    rows = rng.choice(len(x), min(settings.states, len(x)), replace=False)
    inputs, targets = torch.tensor(x[rows]), torch.tensor(dx[rows])
    force = split(targets)[1]
    weight = 1 / (settings.force**2 + (force**2).sum(-1, keepdim=True)) ** 0.5
    size = targets.numel() ** 0.5

    def residual(parameters: Tensors) -> torch.Tensor:
        misfit = weight * (architecture.build(parameters).field(inputs) - targets)
        decay = [settings.decay**0.5 * parameters[name].ravel() for name in parameters if ".w" in name]
        return torch.cat([misfit.ravel() / size, *decay])

    tries = []
    for _ in range(settings.tries):
        start = architecture.initial_parameters(rng)
        start["inertia.log"] = rng.normal(size=1)  # its usual start of 0 is the truth here
        first = replace(settings.optimiser, steps=settings.first_steps)
        tries.append(least_squares(residual, start, settings=first, report=report))
    best = min(tries, key=lambda found: float((residual(tensors(found)) ** 2).sum()))
    return least_squares(residual, best, settings=settings.optimiser, report=report)
