"""Where the rigid parts of a linkage are: each slides or turns on the part that carries it.

    o_k = o_c + R(phi_c) h_k + q_k R(phi_c) (1, 0),  phi_k = phi_c         a part that slides on its carrier c
    o_k = o_c + R(phi_c) h_k,                        phi_k = phi_c + q_k   a part that turns on it, about the hinge h_k

in the plane of the picture, x to the right and y upwards, with phi clockwise, so that a pole that stands upright at 0
leans to the right at small positive angles. The background carries the first part: o = 0 and phi = 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from hnn_gym.errors import InputError


@dataclass(frozen=True)
class Part:
    """One rigid part of a linkage, with one position.

    Attributes:
        turns: it turns about a hinge; otherwise it slides, to the right of its carrier.
        carrier: number of the part that carries it; None: the background.

    Raises:
        InputError: the number is negative or no whole number.
    """

    turns: bool
    carrier: int | None = None

    def __post_init__(self) -> None:
        """Check the number."""
        if self.carrier is not None and (isinstance(self.carrier, bool) or self.carrier != int(self.carrier)):
            raise InputError(f"carrier must be the number of a part or None, got {self.carrier!r}.")


def check_tree(parts: tuple[Part, ...]) -> None:
    """Refuse parts that are carried by none of those before them.

    Raises:
        InputError: there is no part, or a carrier does not come before what it carries.
    """
    if not parts:
        raise InputError("A linkage needs at least one part.")
    for number, part in enumerate(parts):
        if part.carrier is not None and not 0 <= part.carrier < number:
            raise InputError(
                f"Part {number} of the linkage is carried by part {part.carrier}, which does not come before it: list "
                "every carrier before what it carries, with None for what the background carries."
            )


class Placement(NamedTuple):
    """Where parts are, and how that changes.

    Attributes:
        origin: o ``(N, K, 2)``.
        angle: phi ``(N, K)``.
        by_position: derivatives of o by the positions ``(N, K, K, 2)``: of the part, by the position.
        by_hinge: the rotations R by which a part's origin follows its own hinge ``(N, K, 2, 2)``.
        follows: whether a part moves with the position of another, bool ``(K, K)``: of the part, by the position.
    """

    origin: np.ndarray
    angle: np.ndarray
    by_position: np.ndarray
    by_hinge: np.ndarray
    follows: np.ndarray


def placed(parts: tuple[Part, ...], hinges: np.ndarray, q: np.ndarray) -> Placement:
    """Place the parts ``(K,)`` with hinges ``(K, 2)`` at positions ``(N, K)``."""
    count, n = len(q), len(parts)
    origin, angle = np.zeros((count, n, 2)), np.zeros((count, n))
    by_position, by_hinge = np.zeros((count, n, n, 2)), np.zeros((count, n, 2, 2))
    follows = np.zeros((n, n), bool)
    for k, part in enumerate(parts):
        base, turned = np.zeros((count, 2)), np.zeros(count)
        if part.carrier is not None:
            base, turned = origin[:, part.carrier], angle[:, part.carrier]
            follows[k] = follows[part.carrier]
        follows[k, k] = True
        rotation = clockwise(turned)
        by_hinge[:, k] = rotation
        origin[:, k] = base + rotation @ hinges[k]
        angle[:, k] = turned + (q[:, k] if part.turns else 0.0)
        if not part.turns:
            origin[:, k] += q[:, k, None] * rotation[..., 0]
    for k in range(n):
        for j in np.flatnonzero(follows[k]):
            if parts[j].turns:
                arm = origin[:, k] - origin[:, j]
                by_position[:, k, j] = np.stack([arm[:, 1], -arm[:, 0]], axis=-1)
            else:
                by_position[:, k, j] = by_hinge[:, j, :, 0]
    return Placement(origin, angle, by_position, by_hinge, follows)


def clockwise(angle: np.ndarray) -> np.ndarray:
    """R ``(..., 2, 2)``: turns vectors (x, y) clockwise by angles ``(...)``."""
    cos, sin = np.cos(angle), np.sin(angle)
    return np.stack([np.stack([cos, sin], axis=-1), np.stack([-sin, cos], axis=-1)], axis=-2)
