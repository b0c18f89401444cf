"""The errors of the published code: sums of squares over a whole trajectory, from its first stored state on."""

from __future__ import annotations

import numpy as np

from experiments.array_dataset import dataset_of
from experiments.structures import ModelStructure, learned
from experiments.symoden.data import ACTIONS, LONG, POINTS, SymodenTask, trajectories
from hnn_gym.worlds.world_model import WorldModel


def errors(world: WorldModel, paths: np.ndarray, action: float) -> np.ndarray:
    """E = sum_t sum_d (x^ - x)^2 ``(N,)`` of trajectories ``(N, T, d)``; infinite where the model diverges."""
    steps = paths.shape[1] - 1
    with np.errstate(all="ignore"):
        found = world.decode(world.rollout(world.encode(paths[:, 0]), np.full((steps, len(paths), 1), action)))
        sums = np.sum((np.moveaxis(found, 0, 1) - paths) ** 2, axis=(1, 2))
    return np.where(np.isfinite(sums), sums, np.inf)


def scored(world: WorldModel, task: SymodenTask, *, seed: int) -> dict[str, float]:
    """Mean errors of the protocol with a seed, and the prediction error from fresh starts."""
    of_action = {
        action: trajectories(task, action, seed=seed, starts=2 * task.train, points=POINTS) for action in ACTIONS
    }
    both = np.array([errors(world, paths, action) for action, paths in of_action.items()])
    first = trajectories(task, 0.0, seed=seed, starts=task.predicted, points=LONG)
    fresh = trajectories(task, 0.0, seed=1_000 + seed, starts=task.predicted, points=LONG)
    return {
        "train": float(both[:, : task.train].mean()),
        "test": float(both[:, task.train :].mean()),
        "prediction": float(errors(world, first, 0.0).mean()),
        "fresh": float(errors(world, fresh, 0.0).mean()),
    }


def cell(task: SymodenTask, structure: ModelStructure, *, seed: int, starts: int | None = None) -> dict[str, float]:
    """Fit one structure to the training trajectories of a seed and score it."""
    count = starts or task.train
    paths = [trajectories(task, action, seed=seed, starts=count, points=POINTS) for action in ACTIONS]
    constant = [np.full((count, POINTS - 1, 1), action) for action in ACTIONS]
    dataset = dataset_of(task.system, np.concatenate(paths), np.concatenate(constant))
    world, seconds = learned(dataset, structure, seed=seed)
    return {**scored(world, task, seed=seed), "cpu_s": round(seconds, 1)}
