"""Which terms of polynomial M(q), V(q) and A(q) a recording needs: the others are set to 0.

A fit of the residuals r leaves every coefficient theta_k with some error. In the linear model of r around the fit, the
sum of squares grows by theta_k^2 / [(J^T J)^-1]_kk if term k is left out and the other coefficients follow. The term of
least growth is left out again and again, until every one that is left counts. What is
left is the formula of the system, and fewer terms make a step cheaper.

Source: backward elimination, Draper and Smith, *Applied Regression Analysis*, 1998, section 15.2.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy.linalg import LinAlgError, cho_factor, cho_solve

TERMS = ("potential.w0", "mass.w0", "mass.constant", "magnetic.w0")
"""Arrays of coefficients of which any may be left out."""
_SIGNIFICANT = 25.0
"""A term has to be worth so many mean squares, which is five standard errors, ..."""
SHARE = 0.01
"""... and this share of the sum of squares: errors of single-precision observations are not independent."""
_RIDGE = 1e-12
"""Of every column against its own size: combinations that the data do not determine are left as they are."""


def terms(parameters: Mapping[str, np.ndarray]) -> int:
    """How many coefficients are not 0."""
    return sum(int(np.count_nonzero(parameters[name])) for name in TERMS if name in parameters)


def needed_terms(
    parameters: Mapping[str, np.ndarray], r: np.ndarray, J: np.ndarray, *, share: float = SHARE
) -> dict[str, np.ndarray]:
    """The parameters with 0 in place of the coefficients that the residuals do not need.

    The coefficient that contributes most is held fixed. Otherwise a model whose energy has no scale of its own could
    replace any of its terms by a change of that scale.

    Args:
        parameters: arrays by name, of which :data:`TERMS` are coefficients.
        r: residuals of the fit ``(N,)``.
        J: their derivatives ``(N, P)``, parameters flattened one after another in the order of the names.
        share: of the sum of squares that a term has to be worth.
    """
    theta = np.concatenate([np.ravel(value) for value in parameters.values()])
    droppable = np.concatenate([np.full(np.size(value), name in TERMS) for name, value in parameters.items()])
    size = np.linalg.norm(J, axis=0) * abs(theta)  # in units of the residuals: what a whole term contributes
    kept = size > 0
    if not (droppable & kept).any():
        return dict(parameters)
    fixed = int(np.argmax(np.where(droppable, size, 0.0)))
    scaled = J * np.where(kept, theta, 0.0)
    limit = max(_SIGNIFICANT / len(r), share) * float(r @ r)
    free = [int(k) for k in np.flatnonzero(kept) if k != fixed]
    while free:
        columns = scaled[:, free]
        normal = columns.T @ columns
        try:
            factor = cho_factor(normal + _RIDGE * np.diag(np.diag(normal)))
        except LinAlgError:
            break
        growth = 1 / np.diag(cho_solve(factor, np.eye(len(free))))
        growth[~droppable[free]] = np.inf
        least = int(np.argmin(growth))
        if growth[least] > limit:
            break
        del free[least]
    zero = droppable.copy()
    zero[[*free, fixed]] = False
    theta = np.where(zero, 0.0, theta)
    sizes = np.cumsum([np.size(value) for value in parameters.values()])[:-1]
    pieces = np.split(theta, sizes)
    return {
        name: piece.reshape(np.shape(value)) for (name, value), piece in zip(parameters.items(), pieces, strict=True)
    }
