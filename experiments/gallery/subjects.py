"""The subject of a task's figures: one start, followed by the truth and by models of one training seed.

Nothing is chosen by its appearance. The models are those of :mod:`experiments.paper` with the given seed, and the
start is the first of the corrected protocol's, inside the training distribution; for the real pendulum, whose truth
is recorded, the first point of the test, as in the paper.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from experiments.paper.data import make_data
from experiments.paper.real_pendulum import Recording, predict_test, true_energy
from experiments.paper.real_runs import RealRunSettings, run_real
from experiments.paper.runs import RunSettings, sized, train, truths
from experiments.paper.scoring import follow
from experiments.paper.tasks import SIMULATED
from hnn_gym.physics.dynamics import Dynamics

MODELS = {"baseline": "baseline", "HNN": "hnn", "ours": "best"}
"""Models by the name they have in figures: their name in the experiment."""


@dataclass(frozen=True)
class Subject:
    """One start of a task, followed by several worlds.

    Attributes:
        task: its name.
        time: ``(points,)`` in s.
        paths: phase points ``(points, 2n)`` by world, the truth first.
        energy: the true H of phase points ``(..., 2n)``.
        dynamics: of the models.
        recorded: states and derivatives the models were trained on, each ``(k, 2n)``.
    """

    task: str
    time: np.ndarray
    paths: Mapping[str, np.ndarray]
    energy: Callable[[np.ndarray], np.ndarray]
    dynamics: Mapping[str, Dynamics]
    recorded: tuple[np.ndarray, np.ndarray]

    @property
    def truth(self) -> str:
        """Its name: "truth", or "recorded"."""
        return next(iter(self.paths))

    def figures(self) -> dict[str, dict[str, float]]:
        """Errors of each model: mean squares over time, and the largest error of the energy."""
        true = self.paths[self.truth]
        return {name: self._errors(self.paths[name], true) for name in self.dynamics}

    def _errors(self, path: np.ndarray, true: np.ndarray) -> dict[str, float]:
        error = self.energy(path) - self.energy(true)
        return {
            "coordinate_mse": float(np.mean((path - true) ** 2)),
            "energy_mse": float(np.mean(error**2)),
            "largest_energy_error": float(np.abs(error).max()),
            "energy_of_truth_at_start": float(self.energy(true[0])),
        }


def simulated(name: str, *, seed: int, sizes: RunSettings) -> Subject:
    """Train the models of a simulated task on one draw of its data, and follow one start.

    Args:
        name: of the task.
        seed: of data and weights.
        sizes: of data, training and scoring.
    """
    task = sized(SIMULATED[name], sizes)
    data = make_data(task, seed=seed)
    dynamics = {}
    for shown, model in MODELS.items():
        dynamics[shown] = train(task, model, seed, data, sizes).dynamics
    (x0, true), _ = truths(name, sizes.corrected_starts)
    time = np.linspace(0, task.horizon, task.scored_points)
    paths = {shown: follow(model, x0[:1], time)[0] for shown, model in dynamics.items()}
    recorded = data.x.reshape(-1, x0.shape[-1]), data.dx.reshape(-1, x0.shape[-1])
    return Subject(name, time, {"truth": true[0], **paths}, task.system.energy, dynamics, recorded)


def real(recording: Recording, *, seed: int, sizes: RealRunSettings) -> Subject:
    """Train the models of the real pendulum, and predict its test.

    Args:
        recording: training and test.
        seed: of the weights.
        sizes: of training.
    """
    dynamics = {}
    for shown, model in MODELS.items():
        dynamics[shown] = run_real(model, seed, recording, sizes)[1].dynamics
    paths = {shown: predict_test(model, recording) for shown, model in dynamics.items()}
    time = recording.test_time - recording.test_time[0]
    recorded = recording.x, recording.dx
    return Subject("real-pendulum", time, {"recorded": recording.test_x, **paths}, true_energy, dynamics, recorded)
