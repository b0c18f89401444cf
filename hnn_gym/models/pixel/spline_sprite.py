"""A sprite: the picture of a body, as a smooth function of the place of a pixel relative to the body.

    D(t) = sum_ij c_ij B(t_y / h - i) B(t_x / h - j),   B the cubic B-spline, t in pixels

D is the change that the body makes to the background. It is linear in the coefficients c, so that, given positions,
they follow from least squares, and it has continuous derivatives, by which positions are found.
"""

from __future__ import annotations

import numpy as np

STEP = 0.5
"""Distance h of the knots in pixels. A frame is a mean over pixels, and so has no finer detail."""


def knots(radius: int) -> int:
    """Number of splines a side for offsets of up to ``radius + 1`` pixels."""
    return round(2 * (radius + 1) / STEP) + 3


def splines(places: np.ndarray, radius: int, *, derivative: bool = False) -> np.ndarray:
    """The splines of one axis, or their derivatives, at the pixels of patches; ``(N, P, n)``, P = 2 radius + 1.

    Args:
        places: of the bodies along the axis in pixels ``(N,)``; the middle pixel of a patch contains its place.
        radius: of the patch.
        derivative: with respect to the offset of the pixel.
    """
    size, count = 2 * radius + 1, knots(radius)
    u = 4 - 2 * (places - np.floor(places))[:, None] - np.arange(7)  # the same for all pixels, but for whole knots
    distance = np.abs(u)
    near, far = np.maximum(1 - distance, 0), np.maximum(2 - distance, 0)
    slopes = np.sign(u) * (2 * near**2 - far**2 / 2) / STEP
    values = slopes if derivative else (far**3 - 4 * near**3) / 6
    dense = np.zeros((len(places), size, count))
    for pixel in range(size):
        dense[:, pixel, 2 * pixel : 2 * pixel + 7] = values
    return dense


def patches(sprites: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """D on patches of pixels ``(N, P, P, C)``.

    Args:
        sprites: c, one for all or one for each patch, ``([N,] n, n, C)``.
        rows: splines, or their derivatives, at the offsets of the rows of pixels ``(N, P, n)``.
        columns: the same for the columns.
    """
    n, channels = sprites.shape[-2:]
    along = (rows @ sprites.reshape(*sprites.shape[:-2], n * channels)).reshape(*rows.shape[:2], n, channels)
    drawn: np.ndarray = np.einsum("npjc,nqj->npqc", along, columns, optimize=True)
    return drawn


def fitted(changes: np.ndarray, rows: np.ndarray, columns: np.ndarray, *, smoothing: float = 1e-3) -> np.ndarray:
    """Coefficients ``(n, n, C)`` of the sprite whose patches are nearest to ``changes``.

    Args:
        changes: what a body changes on patches around it ``(N, P, P, C)``.
        rows: splines at the offsets of the rows ``(N, P, n)``.
        columns: splines at the offsets of the columns.
        smoothing: weight of the squared differences of neighbouring coefficients.
    """
    n = rows.shape[-1]
    normal, right = np.zeros((n * n, n * n)), np.zeros((n * n, changes.shape[-1]))
    for begin in range(0, len(changes), 64):
        part = slice(begin, begin + 64)
        functions = np.einsum("npi,nqj->npqij", rows[part], columns[part], optimize=True).reshape(-1, n * n)
        normal += functions.T @ functions
        right += functions.T @ changes[part].reshape(-1, changes.shape[-1])
    rough = np.diff(np.eye(n), 2, axis=0)
    bend = np.kron(rough.T @ rough, np.eye(n)) + np.kron(np.eye(n), rough.T @ rough)
    normal += len(changes) * (smoothing * bend + 1e-9 * np.eye(n * n))
    return np.linalg.solve(normal, right).reshape(n, n, -1)
