"""Chains as points in the plane: z = [x, v] ``(..., 2, links, 2)``, positions and velocities of the masses.

With y upwards and absolute angles from hanging down, link i leads from mass i - 1 to mass i:

    x_i - x_(i-1) = l_i (sin phi_i, -cos phi_i),    v_i - v_(i-1) = l_i w_i (cos phi_i, sin phi_i).
"""

from __future__ import annotations

import numpy as np


def points(phi: np.ndarray, w: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Points of absolute angles and their rates, each ``(..., links)``."""
    across, along = np.sin(phi), np.cos(phi)
    x = np.stack([lengths * across, -lengths * along], axis=-1)
    v = np.stack([lengths * w * along, lengths * w * across], axis=-1)
    return np.cumsum(np.stack([x, v], axis=-3), axis=-2)


def measured_lengths(z: np.ndarray) -> np.ndarray:
    """The lengths of rigid links ``(links,)``, from any points."""
    x = _differences(z)[..., 0, :, :].reshape(-1, z.shape[-2], 2)
    found: np.ndarray = np.linalg.norm(x, axis=-1).mean(axis=0)
    return found


def angles(z: np.ndarray, lengths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Absolute angles and their rates, each ``(..., links)``."""
    x, v = np.moveaxis(_differences(z), -3, 0)
    phi = np.arctan2(x[..., 0], -x[..., 1])
    return phi, (v[..., 0] * np.cos(phi) + v[..., 1] * np.sin(phi)) / lengths


def projected(z: np.ndarray, lengths: np.ndarray, *, tolerance: float = 1e-5) -> np.ndarray:
    """The points ``(2, links, 2)`` moved as little as needed so that links have their lengths and keep them."""
    z = z.copy()
    size = z[0].size
    for _ in range(100):
        x, v = _differences(z)
        violation = np.concatenate([np.sum(x * x, -1) - lengths**2, 2 * np.sum(x * v, -1)])
        if np.sqrt(np.mean(violation**2)) < tolerance:
            return z
        links = len(lengths)
        slope = np.zeros((2 * links, 2 * size))
        for i in range(links):
            for j, sign in ((i, 1.0), (i - 1, -1.0)):
                if j >= 0:
                    slope[i, 2 * j : 2 * j + 2] = 2 * sign * x[i]
                    slope[links + i, 2 * j : 2 * j + 2] = 2 * sign * v[i]
                    slope[links + i, size + 2 * j : size + 2 * j + 2] = 2 * sign * x[i]
        step = np.linalg.lstsq(slope, violation, rcond=None)[0]
        step *= min(1.0, 0.5 * np.sqrt(np.mean(z**2)) / max(np.sqrt(np.mean(step**2)), 1e-300))
        z = z - step.reshape(z.shape)
    return z


def _differences(z: np.ndarray) -> np.ndarray:
    return np.diff(z, axis=-2, prepend=0.0 * z[..., :1, :])
