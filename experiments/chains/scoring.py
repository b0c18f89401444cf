"""The error of a trajectory: the geometric mean over 3 s of norm(z^ - z) / (norm(z^) + norm(z)).

As published: exp of a trapezoid over 2.97 s divided by 3 s, with 1e-8 added to every error.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from experiments.array_dataset import dataset_of
from experiments.chains.data import PIECE, POINTS, pieces, true_paths
from experiments.chains.points import angles, measured_lengths, points, projected
from experiments.chains.systems import DT, FINE, chain, masses_and_lengths
from experiments.structures import ModelStructure, learned, scheme
from hnn_gym.worlds.world_model import WorldModel

TESTS, TEST_SEED = 100, 2
SUBSTEPS = {1: 2, 2: 4, 3: 4, 5: 8}
"""Of the scheme that a fit goes through, by the number of links."""


def geometric_means(found: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Errors ``(N,)`` of trajectories ``(N, T, 2, links, 2)``; 1 where the model diverges."""
    flat = [z.reshape(*z.shape[:2], -1) for z in (found, true)]
    with np.errstate(all="ignore"):
        sizes = [np.linalg.norm(z, axis=-1) for z in flat]
        error = np.linalg.norm(flat[0] - flat[1], axis=-1) / (sizes[0] + sizes[1])
    error = np.where(np.isfinite(error), error, 1.0)
    result: np.ndarray = np.exp(np.trapezoid(np.log(error + 1e-8), dx=DT, axis=1) / 3)
    return result


def summary(errors: np.ndarray) -> dict[str, float]:
    """Geometric and arithmetic mean over trajectories."""
    return {"geometric": float(np.exp(np.log(errors).mean())), "arithmetic": float(errors.mean())}


def tests(links: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Test starts ``(100, 2, links, 2)`` and the true motion from them: first points of pieces of another seed."""
    starts = pieces(links, count=TESTS, seed=1_000 + seed)[:, 0]
    return starts, true_paths(links, starts)


def persistence(links: int) -> dict[str, float]:
    """The error of standing still."""
    starts, true = tests(links, TEST_SEED)
    return summary(geometric_means(np.broadcast_to(starts[:, None], true.shape), true))


def perturbed(links: int) -> dict[str, float]:
    """The error of the true chain from starts that are wrong by 1e-4: a floor of starts that are not known better."""
    starts, true = tests(links, TEST_SEED)
    _, lengths = masses_and_lengths(links)
    moved = starts + 1e-4 * np.random.default_rng(3).normal(size=starts.shape)
    moved = np.stack([projected(z, lengths, tolerance=1e-9) for z in moved])
    return summary(geometric_means(true_paths(links, moved), true))


def cell(links: int, structure: ModelStructure, *, count: int, seed: int, test_seed: int = TEST_SEED) -> dict[str, Any]:
    """Fit one structure to pieces of points, and score it on test trajectories."""
    recorded = pieces(links, count=count, seed=seed)
    lengths = measured_lengths(recorded)
    phi, w = angles(recorded, lengths)
    observation = np.concatenate([np.cos(phi), np.sin(phi), w], axis=-1)
    dataset = dataset_of(chain(links), observation, np.zeros((*observation.shape[:1], observation.shape[1] - 1, 0)))
    # A network learns the map of a step as others' do; its error is larger than that of the scheme.
    fine = structure.model != "second-order"
    world, seconds = learned(
        dataset,
        structure,
        seed=seed,
        integrator=scheme(SUBSTEPS[links] if fine else 1),
        horizon=PIECE - 1,
        options={"absolute": True} if structure.model == "chain" else {},
    )
    if fine:
        world = replace(world, integrator=scheme(FINE))
    starts, true = tests(links, test_seed)
    errors = geometric_means(predicted(world, starts, lengths), true)
    return {**summary(errors), "cpu_s": round(seconds, 1)}


def predicted(world: WorldModel, starts: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """The motion ``(N, 100, 2, links, 2)`` that a world predicts from points."""
    with np.errstate(all="ignore"):
        path = world.rollout(world.phase_point(*angles(starts, lengths)), steps=POINTS - 1)
        return np.moveaxis(points(*world.state(path), lengths), 0, 1)
