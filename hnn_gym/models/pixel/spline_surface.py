"""A picture on a plane as a smooth function of any point: S(t) = sum_ij c_ij B(t_y / h - i) B(t_x / h - j).

B is the cubic B-spline. A sprite that turns needs its picture between the pixels and at all angles, where
:mod:`.spline_sprite` knows shifts by pixels. S is linear in c, which follows from least squares, and has continuous
derivatives, by which places and angles are found.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.sparse import csc_matrix, csr_matrix, diags, identity, kron
from scipy.sparse.linalg import splu

_EDGE = 4
"""Rows and columns of 0 around the coefficients, so that S is 0 outside."""


@dataclass(frozen=True)
class SplineSurface:
    """A picture with several channels.

    Attributes:
        coefficients: c ``(rows, columns, C)``.
        low: (x, y) of the first coefficient.
        step: h, the distance of the coefficients.
    """

    coefficients: np.ndarray
    low: tuple[float, float]
    step: float

    @classmethod
    def empty(cls, low: np.ndarray, high: np.ndarray, step: float, channels: int) -> SplineSurface:
        """A picture that is 0, between two corners (x, y)."""
        columns, rows = (np.ceil((np.asarray(high) - low) / step).astype(int) + 1).tolist()
        return cls(np.zeros((rows, columns, channels)), (float(low[0]), float(low[1])), step)

    @property
    def corners(self) -> np.ndarray:
        """The corners (x, y) of what it covers ``(4, 2)``."""
        rows, columns = self.coefficients.shape[:2]
        x, y = ((low - self.step, low + self.step * size) for low, size in zip(self.low, (columns, rows), strict=True))
        return np.array([[a, b] for a in x for b in y])

    def __call__(self, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """S ``(M, C)`` at points (x, y) ``(M, 2)``, and its derivatives by x and y ``(M, 2, C)``."""
        first, (x, dx), (y, dy) = self._weights(at)
        found = np.zeros((3, self.coefficients.shape[2], len(at)))
        for row in range(4):
            along, slope = self._along(first, row, (x, dx))
            found += np.stack([y[row] * along, y[row] * slope, dy[row] * along])
        values, slopes = found[0].T, found[1:].transpose(2, 0, 1) / self.step
        return np.ascontiguousarray(values), np.ascontiguousarray(slopes)

    def values(self, at: np.ndarray) -> np.ndarray:
        """S ``(M, C)`` at points (x, y) ``(M, 2)``."""
        first, (x, _), (y, _) = self._weights(at)
        found = np.zeros((self.coefficients.shape[2], len(at)))
        for row in range(4):
            found += y[row] * self._along(first, row, (x,))[0]
        return np.ascontiguousarray(found.T)

    def reaches(self, at: np.ndarray) -> np.ndarray:
        """Whether S can be other than 0 at points (x, y) ``(M, 2)``, bool ``(M,)``."""
        rows, columns = self.coefficients.shape[:2]
        place = (at - self.low) / self.step
        inside: np.ndarray = (place > -2) & (place < (columns + 1, rows + 1))
        return inside[:, 0] & inside[:, 1]

    def fitted(self, at: np.ndarray, values: np.ndarray, weights: np.ndarray, *, smoothing: float) -> SplineSurface:
        """The picture whose S comes nearest to ``weights`` times S at ``at`` being ``values``.

        Args:
            at: points (x, y) ``(M, 2)``.
            values: at these ``(M, C)``.
            weights: how much of the picture is seen there ``(M,)``.
            smoothing: of its second differences, relative to the usual number of points for a coefficient.
        """
        rows, columns, channels = self.coefficients.shape
        first, (x, _), (y, _) = self._weights(at)
        _, width = self._padded
        around = (width * np.arange(4)[:, None] + np.arange(4)).ravel()
        entries = (y[:, None] * x).reshape(16, len(at)).T * weights[:, None]
        size = (rows + 2 * _EDGE) * width
        matrix = csr_matrix(
            (
                entries.ravel(),
                (first[:, None] + around).ravel(),
                np.arange(len(at) + 1) * 16,
            ),
            shape=(len(at), size),
        )
        inner = np.arange(size).reshape(rows + 2 * _EDGE, width)[_EDGE:-_EDGE, _EDGE:-_EDGE].ravel()
        matrix = matrix[:, inner]
        usual = float(matrix.power(2).sum()) / len(inner)
        bend = kron(_bending(rows), identity(columns)) + kron(identity(rows), _bending(columns))
        normal = matrix.T @ matrix + usual * (smoothing * bend + 1e-4 * identity(len(inner)))
        found = splu(csc_matrix(normal)).solve(matrix.T @ values)
        return SplineSurface(found.reshape(rows, columns, channels), self.low, self.step)

    def trimmed(self, share: float) -> SplineSurface:
        """Without the rows and columns at its edges that hold less than a share of its largest value."""
        size = np.abs(self.coefficients).max(-1)
        seen = size > share * size.max()
        rows, columns = (np.flatnonzero(seen.any(axis)) for axis in (1, 0))
        low = (self.low[0] + self.step * columns[0], self.low[1] + self.step * rows[0])
        kept = self.coefficients[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        return SplineSurface(kept, low, self.step)

    @cached_property
    def _padded(self) -> tuple[np.ndarray, int]:
        """The coefficients with their edge, channels first, and how many are in a row."""
        padded = np.pad(self.coefficients, ((_EDGE, _EDGE), (_EDGE, _EDGE), (0, 0)))
        return np.ascontiguousarray(padded.reshape(-1, padded.shape[-1]).T), padded.shape[1]

    def _along(self, first: np.ndarray, row: int, weights: tuple[np.ndarray, ...]) -> list[np.ndarray]:
        """Sums along a row of 4 x 4 coefficients with each of some weights ``(4, M)``, each ``(C, M)``."""
        padded, width = self._padded
        sums = [np.zeros((len(padded), len(first))) for _ in weights]
        for column in range(4):
            around = padded[:, first + (width * row + column)]
            for total, weight in zip(sums, weights, strict=True):
                total += weight[column] * around
        return sums

    def _weights(
        self, at: np.ndarray
    ) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
        """The first of 4 x 4 coefficients at every point, and the splines and their slopes along x and along y."""
        size = self.coefficients.shape[:2]
        firsts, along = [], []
        for axis, low in enumerate(self.low):
            place = ((at[:, axis] - low) / self.step).clip(-3.0, size[1 - axis] + 1.0)
            whole = np.floor(place)
            along.append(_cubic(place - whole))
            firsts.append(whole.astype(int) - 1 + _EDGE)
        _, width = self._padded
        return firsts[1] * width + firsts[0], along[0], along[1]


def _cubic(t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The four cubic B-splines that are not 0 between two knots, at t in [0, 1), and their derivatives; ``(4, M)``."""
    s = 1 - t
    tt, ss = t * t, s * s
    values = [s * ss / 6, (3 * t - 6) * tt / 6 + 2 / 3, (3 * s - 6) * ss / 6 + 2 / 3, t * tt / 6]
    slopes = [-ss / 2, (3 * t - 4) * t / 2, (4 - 3 * s) * s / 2, tt / 2]
    return np.stack(values), np.stack(slopes)


def _bending(size: int) -> csr_matrix:
    second = diags([1.0, -2.0, 1.0], [0, 1, 2], shape=(max(size - 2, 0), size))
    return csr_matrix(second.T @ second)
