"""Where trajectories begin: the paper's distributions, and others outside them, as batches ``(k, 2n)``.

A "direction" is the paper's: a point drawn uniformly from the square [-1, 1]^2 and normalised, so diagonals
are a little more likely.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Starts = Callable[[np.random.Generator, int], np.ndarray]
"""(rng, k) -> start points ``(k, 2n)``."""


def ring(smallest: float, largest: float) -> Starts:
    """Return (q, p) at a radius uniform in [smallest, largest]."""

    def draw(rng: np.random.Generator, k: int) -> np.ndarray:
        return _direction(rng, k) * rng.uniform(smallest, largest, (k, 1))

    return draw


def square_frame(smallest: float, largest: float) -> Starts:
    """Return (q, p) with abs(q) and abs(p) each uniform in [smallest, largest]: the paper's scoring starts."""

    def draw(rng: np.random.Generator, k: int) -> np.ndarray:
        return rng.uniform(smallest, largest, (k, 2)) * rng.choice([-1.0, 1.0], (k, 2))

    return draw


def near_circular_pair(smallest: float, largest: float, noise: float) -> Starts:
    """Return two unit masses at r and -r, r in [smallest, largest]^2, at the circular speed times 1 + noise N(0, 1)."""

    def draw(rng: np.random.Generator, k: int) -> np.ndarray:
        position = rng.uniform(smallest, largest, (k, 2))
        radius = np.linalg.norm(position, axis=-1, keepdims=True)
        velocity = np.stack([-position[:, 1], position[:, 0]], axis=-1) / (2 * radius**1.5)
        velocity *= 1 + noise * rng.normal(size=(k, 1))
        return np.concatenate([position, -position, velocity, -velocity], axis=-1)

    return draw


def near_circular_triple(smallest: float, largest: float, noise: float) -> Starts:
    """Return three unit masses on a circle at 120 degrees, the circular velocity times 1 + noise U(-1, 1) per entry."""

    def draw(rng: np.random.Generator, k: int) -> np.ndarray:
        radius = rng.uniform(smallest, largest, (k, 1))
        direction = _direction(rng, k)
        tangent = np.stack([-direction[:, 1], direction[:, 0]], axis=-1)
        turns = [_rotation(2 * np.pi / 3 * body) for body in range(3)]
        positions = np.concatenate([radius * direction @ turn.T for turn in turns], axis=-1)
        speed = np.sqrt(1 / (np.sqrt(3) * radius))
        velocities = np.concatenate([speed * tangent @ turn.T for turn in turns], axis=-1)
        velocities *= 1 + noise * rng.uniform(-1, 1, velocities.shape)
        return np.concatenate([positions, velocities], axis=-1)

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


def _direction(rng: np.random.Generator, k: int) -> np.ndarray:
    y = rng.uniform(-1, 1, (k, 2))
    return y / np.linalg.norm(y, axis=-1, keepdims=True)


def _rotation(angle: float) -> np.ndarray:
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, -s], [s, c]])
