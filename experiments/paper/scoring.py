"""Scores: mean squares of H(predicted) - H(true) and of x(predicted) - x(true) along trajectories.

H is always the true one. Trajectories come from one adaptive DOP853 over all starts together, where the paper
uses RK45 for one start at a time (``tests/experiments/test_paper.py`` compares the two).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np

from experiments.paper.tasks import PaperTask
from hnn_gym.physics.dynamics import Dynamics, PortHamiltonian
from hnn_gym.physics.reference import reference_trajectory

_STRETCH = 1.09
"""The paper's spring: 1 + 0.9 x noise."""

follow = partial(reference_trajectory, rtol=1e-11, atol=1e-11)
"""Integrate starts ``(k, 2n)`` together to times ``(points,)``: ``(k, points, 2n)``."""


@dataclass(frozen=True)
class Score:
    """Mean squares by start ``(k,)``, over time and, for coordinates, over entries."""

    energy: tuple[float, ...]
    coordinates: tuple[float, ...]

    def to_json(self) -> dict[str, Any]:
        """The scores and their means and medians."""
        return {
            "energy_mse": float(np.mean(self.energy)),
            "energy_mse_median_start": float(np.median(self.energy)),
            "coordinate_mse": float(np.mean(self.coordinates)),
            "coordinate_mse_median_start": float(np.median(self.coordinates)),
            "by_start": asdict(self),
        }


def paper_score(task: PaperTask, dynamics: Dynamics, x0: np.ndarray) -> Score:
    """Score under the paper's protocol with its quirks, from starts ``(k, 2n)``.

    - Spring: the model's time runs 9 % faster, and as the paper's code stretches the array in place, trial j
      (from 1) runs the truth to T 1.09^j and the model to T 1.09^(j + 1).
    - Pendulum: q^2 + p^2 is compared instead of H.
    """
    times = np.linspace(0, task.horizon, task.scored_points)
    truth = PortHamiltonian(task.system)
    if task.quirk == "time stretch":
        scales = [_STRETCH ** (trial + 1) for trial in range(len(x0))]
        true = np.concatenate([follow(truth, x0[i : i + 1], s * times) for i, s in enumerate(scales)])
        model = np.concatenate([follow(dynamics, x0[i : i + 1], _STRETCH * s * times) for i, s in enumerate(scales)])
    else:
        true, model = follow(truth, x0, times), follow(dynamics, x0, times)
    if task.quirk == "q^2 + p^2":
        energy = np.mean(((model**2).sum(-1) - (true**2).sum(-1)) ** 2, axis=-1)
        return Score(tuple(energy), _coordinates(model, true))
    return Score(_energy(task, model, true), _coordinates(model, true))


def corrected_score(task: PaperTask, dynamics: Dynamics, x0: np.ndarray, true: np.ndarray | None = None) -> Score:
    """Score under the corrected protocol from starts ``(k, 2n)``: the task's own H, T as it is, no stretch.

    Args:
        task: the task.
        dynamics: of the model.
        x0: starts.
        true: the true trajectories ``(k, points, 2n)``, if they are known already.
    """
    times = np.linspace(0, task.horizon, task.scored_points)
    true = follow(PortHamiltonian(task.system), x0, times) if true is None else true
    model = follow(dynamics, x0, times)
    return Score(_energy(task, model, true), _coordinates(model, true))


def perturbed_truth_score(task: PaperTask, x0: np.ndarray, *, size: float, rng: np.random.Generator) -> Score:
    """Score of the true system started ``size`` away in a random direction: the floor of a chaotic system."""
    direction = rng.normal(size=x0.shape)
    direction /= np.linalg.norm(direction, axis=-1, keepdims=True)
    times = np.linspace(0, task.horizon, task.scored_points)
    truth = PortHamiltonian(task.system)
    true, moved = follow(truth, x0, times), follow(truth, x0 + size * direction, times)
    return Score(_energy(task, moved, true), _coordinates(moved, true))


def _energy(task: PaperTask, model: np.ndarray, true: np.ndarray) -> tuple[float, ...]:
    return tuple(np.mean((task.system.energy(model) - task.system.energy(true)) ** 2, axis=-1))


def _coordinates(model: np.ndarray, true: np.ndarray) -> tuple[float, ...]:
    return tuple(np.mean((model - true) ** 2, axis=(-2, -1)))
