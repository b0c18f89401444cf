"""A first guess of M(q), V(q) and friction: Lagrange's equations are linear in their coefficients.

With M_ij(q) = sum_k m_ijk phi_k(q), V(q) = sum_k c_k phi_k(q), viscous friction D and controls B u, the equation of
degree of freedom i along recorded positions, velocities and accelerations is

    sum_j d/dt (M_ij v_j) - 1/2 sum_jl dM_jl/dq_i v_j v_l + dV/dq_i + D_i v_i = (B u)_i,

so that all coefficients are one linear least-squares solution. Accelerations are differences of velocities, which are
wrong by some dt; and errors of the acceleration make the masses too small. As a start for a fit through the scheme
that is good enough. Steps that the equations do not explain, such as contacts, are given less and less weight.
Source: Atkeson, An, Hollerbach, *Estimation of inertial parameters of manipulator loads and links*, Int. J. Robotics
Research 5 (1986) 101.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hnn_gym.models import Variables
from hnn_gym.models.features import Features
from hnn_gym.training.transitions import Transitions

_ROUNDS = 12
_CUTOFF = 1e-9


@dataclass(frozen=True)
class Guess:
    """What the equations say.

    Attributes:
        mass: M ``(n, n)``, its mean over the data; the unit where a degree of freedom is a constant of the episode.
        slopes: coefficients m of phi, ``(n (n + 1) / 2, k)``, a row for each pair of degrees of freedom.
        constant: the constant coefficients of the pairs.
        potential: coefficients c of phi ``(k,)``.
        damping: D ``(n,)``, as found: it may be negative.
        columns: B ``(n, m)`` of controls of which it is not known what they act on, 0 for the others.
    """

    mass: np.ndarray
    slopes: np.ndarray
    constant: np.ndarray
    potential: np.ndarray
    damping: np.ndarray
    columns: np.ndarray


def equation_error(data: Transitions, variables: Variables, features: Features, *, midpoint: bool) -> Guess:
    """Solve the equations for their coefficients.

    Args:
        data: steps.
        variables: of the system.
        features: phi, beside the constant 1.
        midpoint: take positions and velocities in the middle of a step, where differences of velocities are the
            acceleration to order 2; otherwise at its begin, as explicit and semi-implicit Euler do.
    """
    n, k = variables.n, features.size
    pairs = list(zip(*np.triu_indices(n), strict=True))
    X, y, unit = _equations(data.take(np.flatnonzero(data.free)), variables, features, pairs, midpoint=midpoint)
    solution = _robust(X, y)
    if unit is not None:
        solution[unit] = 1.0
    masses = solution[: len(pairs) * (k + 1)].reshape(len(pairs), k + 1)
    begin = masses.size
    mean = masses[:, 0] + masses[:, 1:] @ features(data.q).mean(axis=0)
    mass = np.zeros((n, n))
    for (i, j), value in zip(pairs, mean, strict=True):
        mass[i, j] = mass[j, i] = value
    for i in np.flatnonzero(variables.moving == 0):
        mass[i, i] = 1.0
    return Guess(
        mass=mass,
        slopes=masses[:, 1:],
        constant=masses[:, 0],
        potential=solution[begin : begin + k],
        damping=solution[begin + k : begin + k + n],
        columns=solution[begin + k + n :].reshape(n, -1),
    )


def _equations(
    data: Transitions, variables: Variables, features: Features, pairs: list[tuple[int, int]], *, midpoint: bool
) -> tuple[np.ndarray, np.ndarray, int | None]:
    """The columns ``(N, n, P)`` and the right side ``(N, n)``, and which coefficient is 1 by definition.

    It is the mass of the first degree of freedom that moves, where no control is a known force.
    """
    n, k, moving = variables.n, features.size, variables.moving > 0
    q, v, a = data.q, data.v, (data.next_v - data.v) / data.dt
    if midpoint:
        q, v = (q + data.next_q) / 2, (v + data.next_v) / 2
    phi = np.concatenate([np.ones((len(q), 1)), features(q)], axis=1)
    rate = np.concatenate([np.zeros((len(q), 1)), features.rate(q, v)], axis=1)
    slopes = np.zeros((len(q), n, k + 1))
    for column, unit in enumerate(np.eye(k)):
        slopes[:, :, column + 1] = features.pullback(q, np.broadcast_to(unit, (len(q), k)))
    unknown = np.array([degree is None for degree in variables.control_degrees], dtype=bool)
    X = np.zeros((len(q), n, len(pairs) * (k + 1) + k + n + n * len(unknown)))
    y = np.zeros((len(q), n))
    for position, (r, s) in enumerate(pairs):
        block = X[:, :, position * (k + 1) : (position + 1) * (k + 1)]
        for left, right in {(r, s), (s, r)}:
            block[:, left] += phi * a[:, right, None] + rate * v[:, right, None]
            block -= 0.5 * slopes * (v[:, left] * v[:, right])[:, None, None]
    begin = len(pairs) * (k + 1)
    X[:, :, begin : begin + k] = slopes[:, :, 1:]
    for i in range(n):
        X[:, i, begin + k + i] = v[:, i]
        columns = begin + k + n + i * len(unknown) + np.arange(len(unknown))
        X[:, i, columns] = -data.u * unknown
    for control, degree in enumerate(variables.control_degrees):
        if degree is not None:
            y[:, degree] += data.u[:, control]
    first = int(np.argmax(moving))
    whole = None if np.abs(y).max(initial=0.0) > 0 else pairs.index((first, first)) * (k + 1)
    if whole is not None:
        y = -X[:, :, whole]
        X[:, :, whole] = 0.0
    return X[:, moving], y[:, moving], whole


def _robust(X: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Coefficients ``(P,)`` by least squares, with weights that fall off as 1 / error^2 far from the median."""
    weights = np.ones(len(y))
    size = np.sqrt(np.mean(X**2, axis=(0, 1)))
    kept = size > 1e-12 * size.max()
    solution = np.zeros(X.shape[-1])
    for _ in range(_ROUNDS):
        root = np.sqrt(weights)[:, None]
        columns = (root[..., None] * X[..., kept] / size[kept]).reshape(y.size, -1)
        solution[kept] = np.linalg.lstsq(columns, (root * y).ravel(), rcond=_CUTOFF)[0] / size[kept]
        error = np.sqrt(np.mean((X @ solution - y) ** 2, axis=1))
        new = row_weights(error)
        if np.abs(new - weights).max() < 0.01:
            break
        weights = new
    return solution


def row_weights(error: np.ndarray) -> np.ndarray:
    """Weights ``(N,)`` of steps by their errors: 1 up to some medians, then falling as 1 / error^2 (Cauchy's)."""
    typical = np.median(error[np.isfinite(error)]) if np.isfinite(error).any() else 0.0
    return 1 / (1 + (error / max(6 * float(typical), 1e-300)) ** 2)
