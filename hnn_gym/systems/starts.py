"""Where episodes begin: the paper's distributions, as batches of points ``(k, 2n)``.

A "direction" is the paper's: a point drawn uniformly from the square [-1, 1]^2 and normalised, so diagonals
are a little more likely. Source: the code of Greydanus, Dzamba, Yosinski, *Hamiltonian Neural Networks*, 2019.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from hnn_gym.physics.hamiltonians import NBody

Starts = Callable[[np.random.Generator, int], np.ndarray]
"""(rng, k) -> start points ``(k, 2n)``."""


def ring(rng: np.random.Generator, k: int, *, smallest: float, largest: float) -> np.ndarray:
    """Draw (q, p) at a radius uniform in [smallest, largest]."""
    return _direction(rng, k) * rng.uniform(smallest, largest, (k, 1))


def near_circular_pair(
    rng: np.random.Generator, k: int, *, smallest: float, largest: float, noise: float
) -> np.ndarray:
    """Draw [q, v] of unit masses at r and -r, r in [smallest, largest]^2, circular speed times 1 + noise N(0, 1)."""
    position = rng.uniform(smallest, largest, (k, 2))
    radius = np.linalg.norm(position, axis=-1, keepdims=True)
    velocity = np.stack([-position[:, 1], position[:, 0]], axis=-1) / (2 * radius**1.5)
    velocity *= 1 + noise * rng.normal(size=(k, 1))
    return np.concatenate([position, -position, velocity, -velocity], axis=-1)


def near_circular_triple(
    rng: np.random.Generator, k: int, *, smallest: float, largest: float, noise: float
) -> np.ndarray:
    """Draw [q, v] of three unit masses at 120 degrees, the circular velocity times 1 + noise U(-1, 1) per entry."""
    radius = rng.uniform(smallest, largest, (k, 1))
    direction = _direction(rng, k)
    tangent = np.stack([-direction[:, 1], direction[:, 0]], axis=-1)
    turns = [_rotation(2 * np.pi / 3 * body) for body in range(3)]
    positions = np.concatenate([radius * direction @ turn.T for turn in turns], axis=-1)
    speed = np.sqrt(1 / (np.sqrt(3) * radius))
    velocities = np.concatenate([speed * tangent @ turn.T for turn in turns], axis=-1)
    velocities *= 1 + noise * rng.uniform(-1, 1, velocities.shape)
    return np.concatenate([positions, velocities], axis=-1)


def sunflower(rng: np.random.Generator, k: int, *, system: NBody, jitter: float, noise: float) -> np.ndarray:
    """Draw [q, v] of bodies in the plane at the seeds of a sunflower, on nearly circular paths.

    Seed i lies at the distance sqrt(i + 1/2) m and i golden angles, all turned by one random angle, so that no two
    are close however many there are. The speed of a body is that of a circle in the pull it feels.

    Args:
        rng: source of randomness.
        k: how many points.
        system: the true H.
        jitter: largest change of every position entry in m.
        noise: every velocity entry is multiplied by 1 + noise U(-1, 1).
    """
    seed = np.arange(system.bodies)
    distance = np.sqrt(seed + 0.5)
    masses = np.array(system.masses)[:, None]
    angle = seed * np.pi * (3 - np.sqrt(5)) + rng.uniform(0, 2 * np.pi, (k, 1))
    position = np.stack([distance * np.cos(angle), distance * np.sin(angle)], axis=-1)
    position += rng.uniform(-jitter, jitter, position.shape)
    position -= (masses * position).sum(1, keepdims=True) / masses.sum()
    pull = -system.potential_gradient(position.reshape(k, -1)).reshape(position.shape) / masses
    inward = np.maximum(-(pull * position).sum(-1, keepdims=True), 0.0)
    radius = np.linalg.norm(position, axis=-1, keepdims=True)
    tangent = np.stack([-position[..., 1], position[..., 0]], axis=-1) / radius
    velocity = tangent * np.sqrt(inward) * (1 + noise * rng.uniform(-1, 1, position.shape))
    velocity -= (masses * velocity).sum(1, keepdims=True) / masses.sum()
    return np.concatenate([position.reshape(k, -1), velocity.reshape(k, -1)], axis=-1)


def _direction(rng: np.random.Generator, k: int) -> np.ndarray:
    y = rng.uniform(-1, 1, (k, 2))
    return y / np.linalg.norm(y, axis=-1, keepdims=True)


def _rotation(angle: float) -> np.ndarray:
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, -s], [s, c]])
