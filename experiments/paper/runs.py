"""One run = one task, one model, one seed: draw data, train, score under both protocols."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import numpy as np

from experiments.paper.bodies import BodySettings, body_architecture, fit_bodies
from experiments.paper.data import PaperData, make_data
from experiments.paper.faithful import derivative_mse, faithful_architecture, train_faithful
from experiments.paper.many_bodies import measure_symmetries
from experiments.paper.scoring import corrected_score, follow, paper_score
from experiments.paper.smooth import SmoothSettings, fit_smooth, smooth_architecture
from experiments.paper.tasks import SIMULATED, PaperTask
from hnn_gym.models import Architecture, PairwiseHNN, Parameters
from hnn_gym.physics.dynamics import Dynamics, PortHamiltonian

MODELS = {
    "spring": ("baseline", "hnn", "best", "best+mirror"),
    "pendulum": ("baseline", "hnn", "best", "best+mirror"),
    "two-body": ("baseline", "hnn", "best"),
    "three-body": ("baseline", "hnn", "best"),
}
"""The models of every simulated task."""

SYMMETRY_STEP = {"two-body": 0.05, "three-body": 0.01}
"""Time step in s over which the momenta of learned bodies are followed."""
_PAPER_STARTS, _CORRECTED_STARTS = 15, 30
SCORING_SEED = 20_190_604
"""Seed of the starts of scoring: the same for every model and every training seed."""


@dataclass(frozen=True)
class RunSettings:
    """How runs are sized. The defaults are the protocol; smaller ones are for tests."""

    steps: int | None = None
    """Gradient steps of the paper's models; None: the protocol's."""
    trajectories: int | None = None
    """Trajectories of a data set; None: the protocol's."""
    paper_starts: int = _PAPER_STARTS
    """Starts scored under the paper's protocol."""
    corrected_starts: int = _CORRECTED_STARTS
    """Starts scored under the corrected protocol, inside and outside the training distribution each."""
    symmetry_steps: int = 10_000
    """Steps over which the momenta of learned bodies are followed."""
    smooth: SmoothSettings = field(default_factory=SmoothSettings)
    """Our model of spring and pendulum."""
    bodies: BodySettings = field(default_factory=BodySettings)
    """Our model of two and three bodies."""


@dataclass(frozen=True)
class Trained:
    """A trained model.

    Attributes:
        architecture: its description.
        parameters: its arrays.
        seconds: of training, wall clock.
        cpu_seconds: CPU time of training, which other work on the machine inflates less.
    """

    architecture: Architecture
    parameters: dict[str, np.ndarray]
    seconds: float
    cpu_seconds: float

    @property
    def dynamics(self) -> Dynamics:
        """The dynamics in float64, for scoring."""
        return self.architecture.build({name: a.astype(np.float64) for name, a in self.parameters.items()})


def sized(task: PaperTask, settings: RunSettings) -> PaperTask:
    """The task with the settings' sizes."""
    protocol = task.protocol if settings.steps is None else replace(task.protocol, steps=settings.steps)
    return replace(task, protocol=protocol, trajectories=settings.trajectories or task.trajectories)


def smooth_settings(task: PaperTask, model: str, seed: int, settings: RunSettings) -> SmoothSettings:
    """Settings of our model of spring and pendulum, with or without the mirror symmetry."""
    return replace(settings.smooth, mirror=model == "best+mirror", noise=task.noise, seed=seed)


def train(task: PaperTask, model: str, seed: int, data: PaperData, settings: RunSettings) -> Trained:
    """Train one model on one draw of the data."""
    x, dx = _flat(data.x), _flat(data.dx)
    began, cpu = time.perf_counter(), time.process_time()
    architecture: Architecture
    parameters: Parameters
    if model in ("hnn", "baseline"):
        architecture = faithful_architecture("hnn" if model == "hnn" else "baseline", task.system.n)
        parameters = train_faithful(architecture, x, dx, protocol=task.protocol, seed=seed)
    elif task.noise:
        smooth = smooth_settings(task, model, seed, settings)
        architecture = smooth_architecture(data, angle=task.name == "pendulum", hidden=smooth.hidden)
        parameters = fit_smooth(architecture, data, smooth)
    else:
        bodies = replace(settings.bodies, seed=seed)
        architecture = body_architecture(x, dx, hidden=bodies.hidden)
        parameters = fit_bodies(architecture, x, dx, bodies)
    return Trained(architecture, dict(parameters), time.perf_counter() - began, time.process_time() - cpu)


def score(task: PaperTask, trained: Trained, settings: RunSettings) -> dict[str, Any]:
    """Score one model under both protocols."""
    inside, outside = truths(task.name, settings.corrected_starts)
    paper = task.scoring_starts(np.random.default_rng(SCORING_SEED), settings.paper_starts)
    return {
        "paper": paper_score(task, trained.dynamics, paper).to_json(),
        "inside": corrected_score(task, trained.dynamics, *inside).to_json(),
        "outside": corrected_score(task, trained.dynamics, *outside).to_json(),
    }


@cache
def truths(name: str, starts: int) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Starts and true trajectories of the corrected protocol, inside and outside the training distribution."""
    task = SIMULATED[name]
    times = np.linspace(0, task.horizon, task.scored_points)
    pairs = []
    for k, draw in enumerate((task.starts, task.outside)):
        x0 = draw(np.random.default_rng([SCORING_SEED, k]), starts)
        pairs.append((x0, follow(PortHamiltonian(task.system), x0, times)))
    return pairs[0], pairs[1]


def run(
    name: str, model: str, seed: int, settings: RunSettings, keep: Callable[[Trained], None] | None = None
) -> dict[str, Any]:
    """Draw, train and score: one entry of the results.

    Args:
        name: of the task.
        model: one of ``MODELS[name]``.
        seed: of the data, the initial weights and the batches.
        settings: sizes.
        keep: called with the trained model.
    """
    task = sized(SIMULATED[name], settings)
    began = time.perf_counter()
    data = _data(task, seed)
    drawn = time.perf_counter() - began
    trained = train(task, model, seed, data, settings)
    if keep is not None:
        keep(trained)
    losses = {
        f"{part}_loss": derivative_mse(trained.architecture, trained.parameters, _flat(x), _flat(dx))
        for part, x, dx in (("train", data.x, data.dx), ("test", data.test_x, data.test_dx))
    }
    costs = {"train_seconds": trained.seconds, "train_cpu_seconds": trained.cpu_seconds, "data_seconds": drawn}
    result = losses | costs | score(task, trained, settings)
    if model == "best" and isinstance(trained.architecture, PairwiseHNN):
        x0 = task.starts(np.random.default_rng(SCORING_SEED), settings.paper_starts)
        steps = settings.symmetry_steps
        result["symmetries"] = measure_symmetries(trained.dynamics, x0, dt=SYMMETRY_STEP[name], steps=steps)
    return result


_last: dict[str, tuple[tuple[PaperTask, int], PaperData]] = {}


def _data(task: PaperTask, seed: int) -> PaperData:
    """Draw the data, or take the last draw if it is the same."""
    if "data" not in _last or _last["data"][0] != (task, seed):
        _last["data"] = ((task, seed), make_data(task, seed=seed))
    return _last["data"][1]


def _flat(values: np.ndarray) -> np.ndarray:
    return values.reshape(-1, values.shape[-1])
