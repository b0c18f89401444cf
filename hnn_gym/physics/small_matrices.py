"""Symmetric positive systems M y = b of a few unknowns, written out entry by entry: M = L D L^T with unit lower L.

Only arithmetic on entries is used, so that the same lines serve batches, autograd and traced code. Source: Golub, Van
Loan, *Matrix Computations*, 2013, section 4.1.2.
"""

from __future__ import annotations

from hnn_gym.physics.phase import Array, namespace


def solve_positive(M: Array, b: Array) -> Array:
    """Solve M y = b for symmetric positive matrices ``(..., n, n)`` and vectors ``(..., n)``."""
    n = M.shape[-1]
    lower: list[list[Array]] = []
    pivots: list[Array] = []
    forward: list[Array] = []
    for i in range(n):
        row: list[Array] = []
        scaled: list[Array] = []  # L_ik D_k
        for j in range(i):
            value = M[..., i, j]
            for k in range(j):
                value = value - scaled[k] * lower[j][k]
            scaled.append(value)
            row.append(value / pivots[j])
        pivot, right = M[..., i, i], b[..., i]
        for k in range(i):
            pivot = pivot - scaled[k] * row[k]
            right = right - row[k] * forward[k]
        lower.append(row)
        pivots.append(pivot)
        forward.append(right)
    y: list[Array] = [None] * n
    for i in reversed(range(n)):
        value = forward[i] / pivots[i]
        for k in range(i + 1, n):
            value = value - lower[k][i] * y[k]
        y[i] = value
    return namespace(M).stack(y, axis=-1)
