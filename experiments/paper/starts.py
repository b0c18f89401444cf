"""Starts of trajectories beside those of episodes (:mod:`hnn_gym.systems.starts`), as batches ``(k, 2n)``."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Starts = Callable[[np.random.Generator, int], np.ndarray]
"""(rng, k) -> start points ``(k, 2n)``."""


def square_frame(smallest: float, largest: float) -> Starts:
    """Return (q, p) with abs(q) and abs(p) each uniform in [smallest, largest]: the paper's scoring starts."""

    def draw(rng: np.random.Generator, k: int) -> np.ndarray:
        return rng.uniform(smallest, largest, (k, 2)) * rng.choice([-1.0, 1.0], (k, 2))

    return draw


def disc(bodies: int, radius: float, speed: float, *, smallest: float | None = None) -> Starts:
    """Return unit masses uniformly in a disc, velocities of the given size per entry, without total momentum.

    With ``smallest``, every draw has its own radius between that and ``radius``, uniform in its logarithm.
    """

    def draw(rng: np.random.Generator, k: int) -> np.ndarray:
        angle = rng.uniform(0, 2 * np.pi, (k, bodies))
        largest = radius if smallest is None else np.exp(rng.uniform(np.log(smallest), np.log(radius), (k, 1)))
        distance = largest * np.sqrt(rng.uniform(0, 1, (k, bodies)))
        position = np.stack([distance * np.cos(angle), distance * np.sin(angle)], axis=-1)
        velocity = speed * rng.normal(size=(k, bodies, 2))
        velocity -= velocity.mean(axis=1, keepdims=True)
        return np.concatenate([position.reshape(k, -1), velocity.reshape(k, -1)], axis=-1)

    return draw
