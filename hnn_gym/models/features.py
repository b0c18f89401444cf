"""Positions as network inputs: an angle becomes (cos q, sin q), a position q / scale."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from hnn_gym.physics.phase import Array, namespace


@dataclass(frozen=True)
class Features:
    """The map phi(q) and its pull-back.

    Attributes:
        angles: which degrees of freedom are angles.
        scales: typical size of every position (ignored for angles).
    """

    angles: tuple[bool, ...]
    scales: tuple[float, ...]

    @property
    def size(self) -> int:
        """Entries of phi(q)."""
        return len(self.angles) + sum(self.angles)

    @cached_property
    def only_angles(self) -> bool:
        """Whether every degree of freedom is an angle."""
        return all(self.angles)

    def __call__(self, q: Array) -> Array:
        """Phi ``(..., size)`` at positions ``(..., n)``.

        Degree by degree; where all are angles, all cosines and then all sines, which is quicker.
        """
        xp = namespace(q)
        if self.only_angles:
            return xp.concat([xp.cos(q), xp.sin(q)], axis=-1)
        parts = []
        for i, (angle, scale) in enumerate(zip(self.angles, self.scales, strict=True)):
            qi = q[..., i : i + 1]
            parts += [xp.cos(qi), xp.sin(qi)] if angle else [qi / scale]
        return xp.concat(parts, axis=-1)

    def pullback(self, q: Array, cotangent: Array) -> Array:
        """Turn a gradient with respect to phi ``(..., size)`` into one with respect to q ``(..., n)``."""
        xp, n = namespace(q), len(self.angles)
        if self.only_angles:
            return cotangent[..., n:] * xp.cos(q) - cotangent[..., :n] * xp.sin(q)
        parts, k = [], 0
        for i, (angle, scale) in enumerate(zip(self.angles, self.scales, strict=True)):
            qi, ck = q[..., i : i + 1], cotangent[..., k : k + 1]
            if angle:
                parts.append(cotangent[..., k + 1 : k + 2] * xp.cos(qi) - ck * xp.sin(qi))
            else:
                parts.append(ck / scale)
            k += 2 if angle else 1
        return xp.concat(parts, axis=-1)
