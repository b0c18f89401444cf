"""Floors for every model: the Cramer-Rao floor of noisy data, and the perturbed truth of chaotic systems.

Exact derivatives of a trajectory determine H(q, p) = p^2 / 2m + V(q) except for the origin of q: V(q - c), with
states moved by c, has the same derivatives. Only the N noisy positions inform c, so every unbiased estimate has

    var(c) >= noise^2 / N,     and an expected energy MSE >= var(c) * (d/dc of the path's energy)^2, averaged.

A model that knows H(q, p) = H(-q, -p) knows c = 0, and has no such floor.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from experiments.paper.runs import SCORING_SEED, RunSettings, truths
from experiments.paper.scoring import follow, perturbed_truth_score
from experiments.paper.tasks import SIMULATED, PaperTask
from hnn_gym.physics.phase import join, split, symplectic_gradient

_PERTURBATION = 1e-4
_MEDIAN_OF_CHI_SQUARE = 0.4549
"""The energy MSE is c^2 times a constant, and c is normal: its median is this share of its mean."""


class _Shifted:
    """The true system with its origin moved by ``c`` in q."""

    def __init__(self, task: PaperTask, c: float) -> None:
        self._task, self._c = task, c

    def field(self, x: np.ndarray, u: None = None) -> np.ndarray:
        """dx/dt of H(q - c, p)."""
        q, p = split(x)
        return symplectic_gradient(self._task.system.gradient(join(q - self._c, p)))


def cramer_rao(name: str, settings: RunSettings) -> dict[str, Any]:
    """Expected and median energy MSE (corrected protocol, in-distribution starts) of an ideal fit without symmetry."""
    task = SIMULATED[name]
    (x0, true), _ = truths(name, settings.corrected_starts)
    times, c = np.linspace(0, task.horizon, task.scored_points), 1e-4
    moved = follow(_Shifted(task, c), x0, times)
    energy = np.mean((task.system.energy(moved) - task.system.energy(true)) ** 2)
    points = task.training_trajectories * task.points
    mean = float(energy / c**2 * task.noise**2 / points)
    return {
        "points": points,
        "standard_error_of_origin": float(task.noise / points**0.5),
        "energy_mse_mean": mean,
        "energy_mse_median": _MEDIAN_OF_CHI_SQUARE * mean,
    }


def perturbed_truth(name: str, settings: RunSettings) -> dict[str, Any]:
    """Scores of the truth started 1e-4 away, inside and outside the training distribution."""
    task, rng = SIMULATED[name], np.random.default_rng(SCORING_SEED)
    scores = {}
    for part, (x0, _) in zip(("inside", "outside"), truths(name, settings.corrected_starts), strict=True):
        scores[part] = perturbed_truth_score(task, x0, size=_PERTURBATION, rng=rng).to_json()
    return {"size": _PERTURBATION} | scores
