"""How well a recording determines the parameters of a fit, from the Jacobian at its optimum.

With residuals r = r(theta, s), where the start s_i of window i moves the residuals of that window alone, s is
eliminated: J_i and r_i are what is left of the derivatives by theta and of the residuals of window i when the part that
its start explains is taken away. Two estimates of the covariance of theta follow, with A = sum_i J_i^T J_i:

    C_white = s^2 A^-1,    C_windows = A^-1 (sum_i g_i g_i^T) A^-1,    g_i = J_i^T r_i.

The first holds where all residuals are independent and of one size s, as noise of sensors is. The second needs no more
than windows that are independent: errors of a model stay the same for many rows, and then the first is far too small.
The larger variance of the two counts.

Source: White, *Maximum likelihood estimation of misspecified models*, Econometrica 50 (1982) 1; Liang and Zeger,
*Longitudinal data analysis using generalized linear models*, Biometrika 73 (1986) 13.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from hnn_gym.training.least_squares import Linear

_RANK = 1e-9
"""Singular values below this share of the largest are 0: such a start moves no residual."""
_ROUNDING = 1e-13
"""A parameter whose derivatives are below this share of the largest moves no residual."""
_NOTHING = 1e-12
"""Information on a combination of parameters below this share of the largest is rounding."""
_ENDLESS = 1e12
"""Variance of such a combination, beside that of the others."""


@dataclass(frozen=True)
class Uncertainty:
    """Standard errors of the shared parameters of a fit.

    Attributes:
        names: of the array and the index in it that every row of the covariance belongs to.
        covariance: ``(P, P)``, in the scale of the parameters that was asked for.
    """

    names: tuple[tuple[str, int], ...]
    covariance: np.ndarray

    @property
    def errors(self) -> dict[str, np.ndarray]:
        """Standard errors of the entries of every array, flat; inf where the recording says nothing."""
        found: dict[str, list[float]] = {}
        for (name, _), variance in zip(self.names, np.diag(self.covariance), strict=True):
            found.setdefault(name, []).append(float(np.sqrt(variance)))
        return {name: np.array(values) for name, values in found.items()}

    def free_directions(self) -> list[np.ndarray]:
        """Orthogonal directions of unit length ``(P,)`` in which the standard error exceeds 1, the worst first.

        In units of the natural sizes of the parameters these are the combinations that the recording leaves open.
        """
        known = np.isfinite(np.diag(self.covariance))
        directions = list(np.eye(len(known))[~known])
        values, vectors = np.linalg.eigh(self.covariance[np.ix_(known, known)])
        for variance, vector in zip(values[::-1], vectors.T[::-1], strict=True):
            if variance > 1:
                directions.append(np.zeros(len(known)))
                directions[-1][known] = vector
        return directions


def uncertainty(
    linear: Linear,
    at: Mapping[str, np.ndarray],
    *,
    local: str | None = None,
    sizes: Mapping[str, np.ndarray] | None = None,
) -> Uncertainty:
    """Return standard errors of the parameters of a least-squares fit.

    Args:
        linear: the residuals that were minimised and their derivatives, at the minimum.
        at: where the minimum is, by name.
        local: name of the array whose row i moves only row i of the residuals.
        sizes: units of the entries of some arrays, so that the covariance is that of the parameters divided by them;
            others count as they are. An infinite size takes a parameter that acts on nothing.
    """
    names = tuple((name, i) for name, value in at.items() if name != local for i in range(np.size(value)))
    units = np.concatenate(
        [
            np.broadcast_to((sizes or {}).get(name, 1.0), value.shape).ravel()
            for name, value in at.items()
            if name != local
        ]
    )
    rows, r, free = _without_starts(linear)
    rows = rows * units
    size = np.sqrt(np.sum(rows**2, axis=(0, 1)))
    used = size > _ROUNDING * size.max(initial=0.0)
    scaled = rows[..., used] / size[used]
    values, vectors = np.linalg.eigh(np.einsum("nmp,nmq->pq", scaled, scaled))
    nothing = values < _NOTHING * values.max(initial=0.0)
    inverse = (vectors[:, ~nothing] / values[~nothing]) @ vectors[:, ~nothing].T
    count, parameters = r.size - free, int(used.sum())
    white = inverse * np.sum(r**2) / max(count - parameters, 1)
    slopes = np.einsum("nmp,nm->np", scaled, r)
    groups = len(slopes)
    windows = inverse @ (slopes.T @ slopes) @ inverse * groups / max(groups - 1, 1)
    larger = np.sqrt(np.maximum(np.diag(windows) / np.maximum(np.diag(white), 1e-300), 1.0))  # keeps C positive
    open_ended = vectors[:, nothing] @ vectors[:, nothing].T * _ENDLESS * max(float(white.max(initial=0.0)), 1.0)
    covariance = np.zeros((len(units), len(units)))
    covariance[np.ix_(used, used)] = (white * np.outer(larger, larger) + open_ended) / np.outer(size[used], size[used])
    covariance[~used, ~used] = np.inf
    return Uncertainty(names, covariance)


def _without_starts(linear: Linear) -> tuple[np.ndarray, np.ndarray, int]:
    """J_i ``(N, m, P)`` and r_i ``(N, m)`` of the module's equations, and the number of starts' entries."""
    r, J, own, _ = linear
    if own is None:
        return J.reshape(-1, 1, J.shape[-1]), r.reshape(-1, 1), 0
    rows = J.reshape(*r.shape, J.shape[-1])
    left, values, _ = np.linalg.svd(own, full_matrices=False)
    basis = left * (values > _RANK * np.maximum(values.max(axis=1, keepdims=True), 1e-300))[:, None, :]
    kept = rows - basis @ (basis.swapaxes(1, 2) @ rows)
    rest = r - (basis @ (basis.swapaxes(1, 2) @ r[..., None]))[..., 0]
    return kept, rest, int(np.count_nonzero(values > 0))
