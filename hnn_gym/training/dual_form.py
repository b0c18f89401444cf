"""Steps of Levenberg-Marquardt for networks with more weights than there are numbers of data, in the dual form.

The weights w have a prior that holds each of them near 0, the other unknowns z have none:

    minimise |r + A d + B z|^2 + |c (w + d)|^2 + mu D (|d|^2 + |z|^2)    by d and z,

with residuals r of data, their derivatives A by the weights and B by the others, and the roots c of the decay. With
W = c^2 + mu D and S = 1 + A W^-1 A^T = L L^T, which has as many rows as there are residuals, d is eliminated:

    z = -(B'^T B' + mu D)^-1 B'^T r',    B' = L^-1 B,    r' = L^-1 (r + A e),    e = -c^2 w / W,
    d = e - W^-1 A^T L^-T (r' + B' z).

It is the step of :mod:`.least_squares`, whose equations have as many rows as there are parameters. Source: Woodbury's
identity; as Gaussian processes, Rasmussen and Williams, *Gaussian Processes for Machine Learning*, 2006, chapter 2.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.linalg import cho_factor, cho_solve, cholesky, solve_triangular

from hnn_gym.training.least_squares import ROUNDING, Linear, Scaling, Step

MOST_ENTRIES = 100_000_000
"""Largest number of derivatives, residuals times parameters, that are held at a time."""


@dataclass(frozen=True)
class DualForm:
    """Residuals of data, their derivatives, and the prior of the weights at some parameters.

    Attributes:
        r: residuals of data ``(m,)``.
        J: their derivatives by the shared parameters ``(m, P)``.
        own: their derivatives by the entries of the rows ``(m, N k)``.
        roots: of the factor of every parameter's square in the sum of squares ``(P,)``; 0 where it has no prior.
        at: the shared parameters ``(P,)``.
        rows: the shape of the entries of the rows ``(N, k)``.
    """

    r: np.ndarray
    J: np.ndarray
    own: np.ndarray
    roots: np.ndarray
    at: np.ndarray
    rows: tuple[int, int]

    @classmethod
    def of(cls, data: Linear, roots: np.ndarray, at: np.ndarray) -> DualForm:
        """Take residuals of data in rows with entries of their own, and the prior of the shared parameters ``at``."""
        assert data.own is not None
        count, size, entries = data.own.shape
        rows, own = np.arange(count), np.zeros((count, size, count, entries))
        own[rows, :, rows] = data.own
        if data.after is not None:
            own[rows[:-1], :, rows[1:]] = data.after[:-1]
        return cls(data.r.ravel(), data.J, own.reshape(count * size, -1), roots, at, (count, entries))

    @property
    def squares(self) -> float:
        """The sum of squares, with that of the prior."""
        return float(np.sum(self.r**2) + np.sum((self.roots * self.at) ** 2))

    @property
    def slopes(self) -> float:
        """The sum of squares of the derivatives."""
        return float(self._curvature.sum())

    @cached_property
    def _curvature(self) -> np.ndarray:
        """The diagonal of the second derivatives by all parameters, those of the rows last ``(P + N k,)``."""
        by_data = np.concatenate([np.sum(self.J**2, axis=0), np.sum(self.own**2, axis=0)])
        by_data[: len(self.roots)] += self.roots**2
        return by_data

    def step(self, damping: float, scaling: Scaling) -> Step | None:
        """The damped step, or None where a matrix is not positive definite in floating point."""
        curvature = self._curvature
        scale = np.maximum(curvature, 1e-12 * curvature.max(initial=0.0))
        if scaling == "levenberg":
            scale[:] = curvature.mean()
        shared_damping, own_damping = np.split(damping * scale, [len(self.at)])
        held = self.roots > 0
        weights, others = self.J[:, held], np.concatenate([self.J[:, ~held], self.own], axis=1)
        decay = self.roots[held] ** 2
        width = decay + shared_damping[held]
        by_prior = -decay * self.at[held] / width
        try:
            lower, whitened = _whitened(weights, width, np.column_stack([self.r + weights @ by_prior, others]))
            residual, slopes = whitened[:, 0], whitened[:, 1:]
            normal = slopes.T @ slopes
            rounding = ROUNDING * max(float(np.diag(normal).max(initial=0.0)), 1e-300)
            normal[np.diag_indices_from(normal)] += np.concatenate([shared_damping[~held], own_damping]) + rounding
            moved = -cho_solve(cho_factor(normal), slopes.T @ residual)
        except np.linalg.LinAlgError:
            return None
        left = solve_triangular(lower, residual + slopes @ moved, trans=1, lower=True)
        shared = np.empty(len(self.at))
        shared[held] = by_prior - weights.T @ left / width
        free = len(self.at) - int(held.sum())
        shared[~held], own = moved[:free], moved[free:]
        gradient = self.J.T @ self.r + self.roots**2 * self.at
        predicted = shared @ (shared_damping * shared - gradient) + own @ (own_damping * own - self.own.T @ self.r)
        return Step(shared, own.reshape(self.rows), float(predicted))

    def degrees_of_freedom(self) -> float:
        """How many of the shared parameters the data determine: :func:`.least_squares.degrees_of_freedom`.

        Combinations of parameters without a prior that move the residuals by less than 1e-6 of the largest derivative
        do not count.
        """
        held = self.roots > 0
        others = np.concatenate([self.J[:, ~held], self.own], axis=1)
        right = np.concatenate([np.eye(len(self.r)), others], axis=1)
        _, whitened = _whitened(self.J[:, held], self.roots[held] ** 2, right)
        inverse, slopes = np.split(whitened, [len(self.r)], axis=1)
        basis, values, _ = np.linalg.svd(slopes, full_matrices=False)
        basis = basis[:, values > np.sqrt(ROUNDING) * np.linalg.norm(self.J, 2)]
        unexplained = np.sum(inverse**2) - np.sum((basis.T @ inverse) ** 2)
        return float(len(self.r) - unexplained - np.linalg.matrix_rank(self.own, rtol=ROUNDING))


def _whitened(weights: np.ndarray, width: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """L, lower triangular with L L^T = 1 + A W^-1 A^T, and L^-1 ``right``."""
    scaled = weights / np.sqrt(width)
    lower = cholesky(np.eye(len(scaled)) + scaled @ scaled.T, lower=True, overwrite_a=True)
    return lower, solve_triangular(lower, right, lower=True, overwrite_b=True)
