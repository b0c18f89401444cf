"""Trajectories of 3 s in pieces: one random piece of 5 points of each trajectory is kept.

Starts are drawn from the published distribution with random numbers of our own, and are rounded to float32 as every
recorded number of the published data is.
"""

from __future__ import annotations

import numpy as np

from experiments.chains.points import angles, points, projected
from experiments.chains.systems import chain, masses_and_lengths

POINTS, PIECE = 100, 5


def drawn_start(links: int, rng: np.random.Generator) -> np.ndarray:
    """One start ``(2, links, 2)``."""
    _, lengths = masses_and_lengths(links)
    phi, w = rng.normal(size=(2, links))
    z = points(phi, w, lengths)
    z[0] += 0.2 * rng.normal(size=z[0].shape)
    z[1] = 3 * (0.5 * z[1] + 0.4 * rng.normal(size=z[1].shape))
    return projected(z, lengths)


def true_paths(links: int, starts: np.ndarray, *, count: int = POINTS) -> np.ndarray:
    """The true motion ``(N, count, 2, links, 2)`` from starts ``(N, 2, links, 2)``."""
    world, (_, lengths) = chain(links).true_world(), masses_and_lengths(links)
    path = world.rollout(world.phase_point(*angles(starts, lengths)), steps=count - 1)
    return np.moveaxis(points(*world.state(path), lengths), 0, 1)


def pieces(links: int, *, count: int, seed: int) -> np.ndarray:
    """Pieces ``(count, 5, 2, links, 2)`` of the trajectories of a seed, rounded to float32."""
    rng = np.random.default_rng(seed)
    starts = np.stack([drawn_start(links, rng) for _ in range(count)])
    begin = PIECE * rng.integers(POINTS // PIECE, size=count)
    paths = true_paths(links, starts)
    kept = paths[np.arange(count)[:, None], begin[:, None] + np.arange(PIECE)]
    return kept.astype(np.float32).astype(np.float64)
