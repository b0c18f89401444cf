"""Smooth functions of one position: phi_0 = 1 and K harmonics, with their derivatives.

On a circle the harmonics are cos k q and sin k q, so that a full turn leads back to the same picture. On a line they
are cos k pi s with s = (q - low) / (high - low), which impose no periodicity on the pictures at the two ends.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hnn_gym.errors import InputError


@dataclass(frozen=True)
class FourierBasis:
    """A basis on a circle or on a line.

    Attributes:
        angle: whether q is an angle, on a circle.
        count: the number K of harmonics.
        low: lower end of the line; not used on a circle.
        high: upper end of the line.

    Raises:
        InputError: no harmonics, or a line without length.
    """

    angle: bool
    count: int
    low: float = -np.pi
    high: float = np.pi

    def __post_init__(self) -> None:
        """Check the numbers."""
        if self.count < 1 or not self.low < self.high:
            raise InputError(f"Harmonics need a count of at least 1 and low < high: {self}.")

    @property
    def size(self) -> int:
        """Number of functions."""
        return 1 + (2 if self.angle else 1) * self.count

    @property
    def roughness(self) -> np.ndarray:
        """Square of the wave number of every function, as a share of the largest ``(size,)``."""
        k = np.arange(1, self.count + 1) / self.count
        return np.concatenate([[0.0], k**2, k**2] if self.angle else [[0.0], k**2])

    def __call__(self, q: np.ndarray, *, derivative: int = 0) -> np.ndarray:
        """The functions, or a derivative of order 1 or 2, at positions ``(...)``; shape ``(..., size)``."""
        k = np.arange(1, self.count + 1) * (1.0 if self.angle else np.pi / (self.high - self.low))
        phase = (q if self.angle else q - self.low)[..., None] * k
        constant = np.full((*q.shape, 1), 0.0 if derivative else 1.0)
        turned = phase + derivative * np.pi / 2  # each derivative is a quarter turn, times k
        parts = [constant, k**derivative * np.cos(turned)]
        if self.angle:
            parts.append(k**derivative * np.sin(turned))
        return np.concatenate(parts, axis=-1)

    def grid(self, points: int) -> np.ndarray:
        """Evenly spaced positions ``(points,)``."""
        return np.linspace(self.low, self.high, points, endpoint=not self.angle)

    def wrapped(self, q: np.ndarray) -> np.ndarray:
        """Angles brought to (-pi, pi], positions brought between the ends."""
        return np.pi - (np.pi - q) % (2 * np.pi) if self.angle else np.clip(q, self.low, self.high)
