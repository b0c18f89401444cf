"""The paper's real pendulum: one recorded swing of 95 s, whose last fifth is the test.

Our model is H = p^2 / 2m + V(cos q, sin q) with friction, dp/dt = -dV/dq - D dH/dp, and uses the recorded
velocity as the paper does: as the momentum p, with its own m. This matters. The recorded velocity is not quite
dq/dt (m is fitted near 0.95, because it was smoothed), and a model that equates the two has twice the error.

It is fitted by multiple shooting: the recording is cut into windows, the state at the start of each is a
parameter, and each window has to begin where the previous one ends. Frames were dropped, so that data lie on a
grid of 1/6 s with gaps, and are compared only where they exist.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.integrate import solve_ivp

from experiments.paper.tasks import Protocol
from hnn_gym.data.schmidt_lipson import read_schmidt_lipson
from hnn_gym.errors import InputError
from hnn_gym.models import MechanicalHNN, Variables
from hnn_gym.physics.dynamics import Dynamics
from hnn_gym.physics.integrators import RungeKutta4
from hnn_gym.physics.simulate import integrate
from hnn_gym.training.least_squares import LeastSquaresReport, LeastSquaresSettings, Tensors, least_squares

PROTOCOL = Protocol(steps=2000, batch=None, decay=1e-5)
_FRAME = 1 / 6
_STARTS = "starts"


@dataclass(frozen=True)
class Recording:
    """The recording, cut as the paper cuts it.

    Attributes:
        time: of the training points ``(k,)`` in s.
        x: angle and recorded velocity of training ``(k, 2)``.
        dx: their finite differences to the next point.
        test_time: of the test points in s.
        test_x: angle and recorded velocity of the test.
        test_dx: their finite differences.
    """

    time: np.ndarray
    x: np.ndarray
    dx: np.ndarray
    test_time: np.ndarray
    test_x: np.ndarray
    test_dx: np.ndarray


@dataclass(frozen=True)
class RealSettings:
    """How our model is fitted."""

    hidden: tuple[int, ...] = (8,)
    """Tanh units of V."""
    window: int = 40
    """Frames of a window."""
    noise: float = 0.02
    """Standard deviation of the data's errors."""
    gap: float = 1e-3
    """Accepted gap between the end of a window and the start of the next."""
    decay: float = 1e-2
    """Added to the sum of squares times the sum of squared weights."""
    seed: int = 0
    """Seed of the initial weights."""
    optimiser: LeastSquaresSettings = field(
        default_factory=lambda: LeastSquaresSettings(steps=60, patience=3, gain=1e-3)
    )
    """When to stop."""


def true_energy(x: np.ndarray) -> np.ndarray:
    """The paper's H = 2.4 (1 - cos q) + p^2 at points ``(..., 2)``, p the recorded velocity."""
    return 2.4 * (1 - np.cos(x[..., 0])) + x[..., 1] ** 2


def load_recording(path: str | Path) -> Recording:
    """Read the recording and cut it: the first 4/5 train, the last 1/5 tests.

    Raises:
        MissingPathError: there is no such file; the message says where the data come from.
        InputError: it is not the recording of one pendulum on a grid of 1/6 s.
    """
    motion = read_schmidt_lipson(path)
    frames = (motion.time - motion.time[0]) / _FRAME
    if motion.names != ("o", "v") or len(set(motion.trial)) != 1 or np.abs(frames - np.rint(frames)).max() > 1e-6:
        raise InputError(f"{path} holds no single recording of an angle and its velocity on a grid of 1/6 s.")
    x, time = motion.state, motion.time
    dx = np.diff(x, axis=0) / np.diff(time)[:, None]
    cut = int(0.8 * len(dx))
    end = cut + int(0.2 * len(dx))
    if cut < 10:
        raise InputError(f"{path} holds only {len(x)} rows: it should be real_pend_h_1, with 556.")
    return Recording(time[:cut], x[:cut], dx[:cut], time[cut:end], x[cut:end], dx[cut:end])


def fit_real(
    recording: Recording, settings: RealSettings, report: LeastSquaresReport | None = None
) -> tuple[MechanicalHNN, dict[str, np.ndarray]]:
    """Fit our model to the training part; returns its description and parameters."""
    frames = np.rint((recording.time - recording.time[0]) / _FRAME).astype(int)
    length = settings.window
    windows = frames[-1] // length + 1
    target, at = torch.tensor(recording.x), torch.tensor(frames)
    scale = [(float(s),) for s in np.sqrt(np.mean(np.concatenate([recording.x, recording.dx], axis=1) ** 2, axis=0))]
    architecture = MechanicalHNN(
        Variables(
            angles=(True,),
            position_scales=scale[0],
            velocity_scales=scale[1],
            acceleration_scales=scale[3],
            in_physical_units=True,
        ),
        hidden=settings.hidden,
        damping=True,
    )

    def decay(parameters: Tensors) -> list[torch.Tensor]:
        return [settings.decay**0.5 * parameters[name].ravel() for name in parameters if ".w" in name]

    def derivatives(parameters: Tensors) -> torch.Tensor:
        misfit = architecture.build(parameters).field(target) - torch.tensor(recording.dx)
        return torch.cat([misfit.ravel() / (5 * settings.noise), *decay(parameters)])

    def shooting(parameters: Tensors) -> torch.Tensor:
        dynamics = architecture.build({name: value for name, value in parameters.items() if name != _STARTS})
        starts = parameters[_STARTS]
        path = integrate(dynamics, starts, integrator=RungeKutta4(), dt=_FRAME, steps=length).movedim(0, 1)
        seen = path[:, :length].reshape(-1, 2)[at]
        gaps = path[:-1, length] - starts[1:]
        return torch.cat([(seen - target).ravel() / settings.noise, gaps.ravel() / settings.gap, *decay(parameters)])

    start = architecture.initial_parameters(np.random.default_rng(settings.seed))
    start = least_squares(derivatives, start, settings=settings.optimiser, report=report)
    nearest = [int(np.abs(frames - length * window).argmin()) for window in range(windows)]
    fitted = least_squares(
        shooting, start | {_STARTS: recording.x[nearest]}, settings=settings.optimiser, report=report
    )
    return architecture, {name: value for name, value in fitted.items() if name != _STARTS}


def real_score(dynamics: Dynamics, recording: Recording) -> dict[str, Any]:
    """The paper's score: mean squares along :func:`predict_test` against the recorded test points."""
    path = predict_test(dynamics, recording)
    return {
        "energy_mse": float(np.mean((true_energy(path) - true_energy(recording.test_x)) ** 2)),
        "coordinate_mse": float(np.mean((path - recording.test_x) ** 2)),
    }


def predict_test(dynamics: Dynamics, recording: Recording) -> np.ndarray:
    """The test as the paper predicts it: SciPy's default integration from its first point; points ``(k, 2)``."""
    time = recording.test_time - recording.test_time[0]
    path: np.ndarray = solve_ivp(lambda _, x: dynamics.field(x), (0, time[-1]), recording.test_x[0], t_eval=time).y.T
    return path
