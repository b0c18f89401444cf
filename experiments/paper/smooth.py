"""Our model of the spring and the pendulum: H = p^2 / 2m + V(q), fitted to whole noisy trajectories.

The protocol supplies noisy states and their exact derivatives. The true states are unknown (errors in
variables), so each trajectory's first one is a parameter, the model is integrated from there, and its states
*and* derivatives are compared with the data all along:

    sum |x(t_k; start, theta) - x_k|^2 / noise^2 + sum |f(x(t_k; start, theta)) - dx_k|^2 / tolerance^2

first with the tolerance as large as the noise, which has fewer local minima, then with the small one. Nothing has
to be stretched or averaged afterwards. Derivatives determine H except for its origin: H moved by c, with states
moved by c, gives the same derivatives. Only the noisy states determine c, which sets the floor
(:mod:`experiments.paper.floors`), unless the physics is known to be the same in a mirror (``mirror``): then every
trajectory is in the end fitted with its reflection through the origin, and c = 0.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial

import numpy as np
import torch

from experiments.paper.data import PaperData
from hnn_gym.models import MechanicalHNN, Variables
from hnn_gym.physics.integrators import Yoshida4
from hnn_gym.physics.phase import split
from hnn_gym.physics.simulate import integrate
from hnn_gym.training.least_squares import LeastSquaresReport, LeastSquaresSettings, Tensors, least_squares, tensors

STARTS = "starts"


@dataclass(frozen=True)
class SmoothSettings:
    """How the model is fitted."""

    hidden: tuple[int, ...] = (16,)
    """Tanh units of V."""
    mirror: bool = False
    """Impose the mirror symmetry H(-q, -p) = H(q, p)."""
    noise: float = 0.1
    """Standard deviation of the states' noise."""
    tolerance: float = 5e-3
    """Accepted error of the derivatives, which are exact."""
    tries: int = 4
    """Number of initial weights tried in the first stage; the best continue."""
    first_decay: float = 1e-2
    """The same in the first stage, which takes the noisy states as they are."""
    decay: float = 1e-6
    """Added to the sum of squares times the sum of squared weights."""
    seed: int = 0
    """Seed of the initial weights."""
    first: LeastSquaresSettings = field(default_factory=lambda: LeastSquaresSettings(patience=3, gain=1e-2))
    """When to stop the earlier stages."""
    last: LeastSquaresSettings = field(default_factory=lambda: LeastSquaresSettings(patience=3, gain=1e-4))
    """When to stop the last stage: gains that matter to a sum of squares near its number of terms."""


def smooth_architecture(data: PaperData, *, angle: bool, hidden: tuple[int, ...]) -> MechanicalHNN:
    """Describe H = p^2 / 2m + V(q) with the scales of the data; m is learned, V takes (cos q, sin q) of an angle."""
    n = data.x.shape[-1] // 2
    dq, dp = split(data.dx.reshape(-1, 2 * n))
    q, _ = split(data.x.reshape(-1, 2 * n))
    return MechanicalHNN(
        Variables(
            angles=(angle,) * n,
            position_scales=_rms(q),
            velocity_scales=_rms(dq),
            acceleration_scales=_rms(dp),
            in_physical_units=True,
        ),
        hidden=hidden,
    )


def fit_smooth(
    architecture: MechanicalHNN, data: PaperData, settings: SmoothSettings, report: LeastSquaresReport | None = None
) -> dict[str, np.ndarray]:
    """Fit the parameters to trajectories ``(k, points, 2n)``."""
    observed, targets = torch.tensor(data.x), torch.tensor(data.dx)
    steps, dt, scheme = observed.shape[1] - 1, data.dt, Yoshida4()

    def residual(parameters: Tensors, tolerance: float, signs: tuple[float, ...]) -> torch.Tensor:
        model = {name: value for name, value in parameters.items() if name != STARTS}
        dynamics = architecture.build(model)
        starts = torch.cat([sign * parameters[STARTS] for sign in signs])
        path = integrate(dynamics, starts, integrator=scheme, dt=dt, steps=steps).movedim(0, 1)
        parts = [
            (path - torch.cat([sign * observed for sign in signs])).ravel() / settings.noise,
            (dynamics.field(path) - torch.cat([sign * targets for sign in signs])).ravel() / tolerance,
            *(np.sqrt(settings.decay) * model[name].ravel() for name in model if ".w" in name),
        ]
        return torch.cat(parts)

    def derivatives_only(model: Tensors) -> torch.Tensor:
        misfit = (architecture.build(model).field(observed) - targets).ravel() / settings.noise
        return torch.cat([misfit, *(settings.first_decay**0.5 * model[name].ravel() for name in model if ".w" in name)])

    rng = np.random.default_rng(settings.seed)
    tries = [
        least_squares(derivatives_only, architecture.initial_parameters(rng), settings=settings.first)
        for _ in range(settings.tries)
    ]
    start = min(tries, key=lambda found: float((derivatives_only(tensors(found)) ** 2).sum()))
    fitted = start | {STARTS: data.x[:, 0].copy()}
    coarse = partial(residual, tolerance=settings.noise, signs=(1.0,))
    fine = partial(residual, tolerance=settings.tolerance, signs=(1.0, -1.0) if settings.mirror else (1.0,))
    for misfit, when in ((coarse, settings.first), (fine, settings.last)):
        fitted = least_squares(misfit, fitted, settings=when, report=report)
    return {name: value for name, value in fitted.items() if name != STARTS}


def _rms(values: np.ndarray) -> tuple[float, ...]:
    return tuple(float(s) for s in np.sqrt(np.mean(values**2, axis=0)))
