"""A first guess of M(q), V(q) and friction: Lagrange's equations are linear in their coefficients.

With M_ij(q) = sum_k m_ijk phi_k(q), A_i(q) = sum_k a_ik phi_k(q), V(q) = sum_k c_k psi_k(q), viscous friction D and
controls B u, the equation of degree of freedom i along recorded positions, velocities and accelerations is

    sum_j d/dt (M_ij v_j) - 1/2 sum_jl dM_jl/dq_i v_j v_l + dA_i/dt - sum_j dA_j/dq_i v_j + dV/dq_i + D_i v_i = (B u)_i,

so that all coefficients are one linear least-squares solution. Accelerations are differences of velocities, which are
wrong by some dt; and errors of the acceleration make the masses too small. As a start for a fit through the scheme
that is good enough. Steps that the equations do not explain, such as contacts, are left out, up to half of all.
Source: Atkeson, An, Hollerbach, *Estimation of inertial parameters of manipulator loads and links*, Int. J. Robotics
Research 5 (1986) 101; Rousseeuw, *Least median of squares regression*, J. American Statistical Association 79 (1984)
871 (least trimmed squares).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from hnn_gym.models import Variables
from hnn_gym.models.features import Features
from hnn_gym.training.transitions import Transitions

_ROUNDS = 8
_MOST_ENTRIES = 5_000_000
"""Of the matrix of the equations."""
_CUTOFF = 1e-9
_ROUNDING = 1e-13
"""Relative errors below this are rounding."""


@dataclass(frozen=True)
class Guess:
    """What the equations say.

    Attributes:
        mass: M ``(n, n)``, its mean over the data; the unit where a degree of freedom is a constant of the episode.
        slopes: coefficients m of phi, ``(n (n + 1) / 2, k)``, a row for each pair of degrees of freedom.
        constant: the constant coefficients of the pairs.
        potential: coefficients c of psi.
        damping: D ``(n,)``, as found: it may be negative.
        magnetic: coefficients a of phi for each degree of freedom ``(n, k)``; None: no magnetic forces.
        columns: B ``(n, m)`` of the controls whose degree of freedom is not known, 0 for the others.
    """

    mass: np.ndarray
    slopes: np.ndarray
    constant: np.ndarray
    potential: np.ndarray
    damping: np.ndarray
    columns: np.ndarray
    magnetic: np.ndarray | None = None


class Basis(Protocol):
    """Functions of the positions, such as :class:`hnn_gym.models.features.Features`."""

    @property
    def size(self) -> int:
        """How many they are, k."""

    def __call__(self, q: np.ndarray) -> np.ndarray:
        """Their values ``(N, k)`` at positions ``(N, n)``."""

    def pullback(self, q: np.ndarray, cotangent: np.ndarray) -> np.ndarray:
        """Gradients ``(N, n)`` of their sums with coefficients ``(N, k)``."""


def equation_error(
    data: Transitions,
    variables: Variables,
    mass: Features | None,
    potential: Basis,
    *,
    midpoint: bool,
    magnetic: bool = False,
    ridge: float = 0.0,
) -> Guess:
    """Solve the equations for their coefficients.

    Args:
        data: steps.
        variables: of the system.
        mass: phi, beside the constant 1; None: M is constant.
        potential: psi.
        midpoint: take positions and velocities in the middle of a step, where differences of velocities are the
            acceleration to order 2; otherwise at its begin, as explicit and semi-implicit Euler do.
        magnetic: whether there is a vector potential A of the same phi.
        ridge: how far the coefficients of psi are held back, as a share of the size of the columns.
    """
    n, k = variables.n, 1 + (0 if mass is None else mass.size)
    pairs = [(i, j) for i in range(n) for j in range(i, n)]
    rows = np.flatnonzero(data.free)
    columns = len(pairs) * k + potential.size
    most = max(_MOST_ENTRIES // (n * columns), 4 * columns // n)
    if len(rows) > most:  # the start of a fit of many coefficients need not wait for all rows
        rows = np.random.default_rng(0).permutation(rows)[:most]
    free = data.take(rows)
    X, y, unit = _equations(free, variables, mass, potential, pairs, midpoint=midpoint)
    if magnetic:
        assert mass is not None
        X = np.concatenate([X, _magnetic(free, variables, mass, midpoint=midpoint)], axis=-1)
    held = np.zeros(X.shape[-1])
    held[len(pairs) * k : len(pairs) * k + potential.size] = ridge
    solution = _robust(X, y, held)
    if unit is not None:
        solution[unit] = 1.0
    masses = solution[: len(pairs) * k].reshape(len(pairs), k)
    begin, end, controls = masses.size, masses.size + potential.size, len(variables.control_degrees)
    mean = masses[:, 0] if mass is None else masses[:, 0] + masses[:, 1:] @ mass(data.q).mean(axis=0)
    matrix = np.zeros((n, n))
    for (i, j), value in zip(pairs, mean, strict=True):
        matrix[i, j] = matrix[j, i] = value
    matrix += np.diag(1 - variables.moving) * (1 - matrix)
    return Guess(
        mass=matrix,
        slopes=masses[:, 1:],
        constant=masses[:, 0],
        potential=solution[begin:end],
        damping=solution[end : end + n],
        columns=solution[end + n : end + n + n * controls].reshape(n, controls),
        magnetic=solution[end + n + n * controls :].reshape(n, -1) if magnetic else None,
    )


def _equations(
    data: Transitions,
    variables: Variables,
    mass: Features | None,
    potential: Basis,
    pairs: list[tuple[int, int]],
    *,
    midpoint: bool,
) -> tuple[np.ndarray, np.ndarray, int | None]:
    """The columns ``(N, n, P)`` and the right side ``(N, n)``, and which coefficient is 1 by definition.

    It is the mass of the first degree of freedom that moves, where no control is a known force.
    """
    n, moving = variables.n, variables.moving > 0
    q, v = _where(data, midpoint=midpoint)
    a = (data.next_v - data.v) / data.time
    phi, rate, slopes = np.ones((len(q), 1)), np.zeros((len(q), 1)), np.zeros((len(q), n, 1))
    if mass is not None:
        phi = np.concatenate([phi, mass(q)], axis=1)
        rate = np.concatenate([rate, mass.rate(q, v)], axis=1)
        slopes = np.concatenate([slopes, gradients(mass, q)], axis=2)
    k, unknown = phi.shape[1], np.array([degree is None for degree in variables.control_degrees], dtype=bool)
    begin, end = len(pairs) * k, len(pairs) * k + potential.size
    X, y = np.zeros((len(q), n, end + n + n * len(unknown))), np.zeros((len(q), n))
    for position, (r, s) in enumerate(pairs):
        block = X[:, :, position * k : (position + 1) * k]
        for left, right in {(r, s), (s, r)}:
            block[:, left] += phi * a[:, right, None] + rate * v[:, right, None]
            block -= 0.5 * slopes * (v[:, left] * v[:, right])[:, None, None]
    X[:, :, begin:end] = gradients(potential, q)
    for i in range(n):
        X[:, i, end + i] = v[:, i]
        X[:, i, end + n + i * len(unknown) + np.arange(len(unknown))] = -data.u * unknown
    for control, degree in enumerate(variables.control_degrees):
        if degree is not None:
            y[:, degree] += data.u[:, control]
    first = int(np.argmax(moving))
    whole = None if np.abs(y).max(initial=0.0) > 0 else pairs.index((first, first)) * k
    if whole is not None:
        y = -X[:, :, whole]
        X[:, :, whole] = 0.0
    return X[:, moving], y[:, moving], whole


def _magnetic(data: Transitions, variables: Variables, basis: Features, *, midpoint: bool) -> np.ndarray:
    """The columns ``(N, n, n k)`` of the coefficients of A."""
    q, v = _where(data, midpoint=midpoint)
    n, slopes, rate = variables.n, gradients(basis, q), basis.rate(q, v)
    columns = -slopes[:, :, None, :] * v[:, None, :, None]
    for i in range(n):
        columns[:, i, i] += rate
    moving = variables.moving > 0
    return np.asarray(columns * moving[:, None])[:, moving].reshape(len(q), int(moving.sum()), -1)


def _where(data: Transitions, *, midpoint: bool) -> tuple[np.ndarray, np.ndarray]:
    """Positions and velocities at which the equations are taken."""
    if midpoint:
        return (data.q + data.next_q) / 2, (data.v + data.next_v) / 2
    return data.q, data.v


def gradients(basis: Basis, q: np.ndarray) -> np.ndarray:
    """Derivatives ``(N, n, k)`` of the functions of a basis."""
    units = np.eye(basis.size)
    return np.stack([basis.pullback(q, np.broadcast_to(unit, (len(q), basis.size))) for unit in units], axis=-1)


def _robust(X: np.ndarray, y: np.ndarray, held: np.ndarray) -> np.ndarray:
    """Coefficients ``(P,)`` by least squares of the rows ``(N, n)`` that agree with each other.

    First with weights that fall off with the error; then with the better half of the rows, again and again, until it
    stays the same (least trimmed squares); and last with all rows that are not far from what this half says.
    """
    size = np.sqrt(np.mean(X**2, axis=(0, 1)))
    kept = size > 1e-12 * size.max()
    columns = X[..., kept] / size[kept]
    back = np.diag(held[kept] * np.sqrt(y.size))[held[kept] > 0]

    def solved(weights: np.ndarray) -> np.ndarray:
        solution, root = np.zeros(X.shape[-1]), np.sqrt(weights)[:, None]
        rows = np.concatenate([(root[..., None] * columns).reshape(y.size, -1), back])
        right = np.concatenate([(root * y).ravel(), np.zeros(len(back))])
        solution[kept] = np.linalg.lstsq(rows, right, rcond=_CUTOFF)[0] / size[kept]
        return solution

    def error(solution: np.ndarray) -> np.ndarray:
        # As a share of the terms: otherwise coefficients of 0 would explain every step without a force.
        terms = np.einsum("nip,p->n", X**2, solution**2)
        size = np.sqrt(terms + np.sum(y**2, axis=1)) + 0.1 * np.sqrt(np.mean(terms))
        return np.sqrt(np.sum((X @ solution - y) ** 2, axis=1)) / np.maximum(size, 1e-300)

    # An impact has a huge acceleration: the fit begins with the half of the steps whose terms are smallest.
    entries = np.abs(X).max(axis=1)
    usual = np.median(entries, axis=0)
    reach = np.sum((entries / np.where(usual > 0, usual, size.max())) ** 2, axis=1)
    solution = solved((reach <= np.median(reach)).astype(float))
    for _ in range(_ROUNDS):
        solution = solved(row_weights(error(solution)))
    if len(y) > 4 * kept.sum():  # half of the rows still determine the coefficients
        for _ in range(_ROUNDS):
            missed = error(solution)
            solution = solved((missed <= np.median(missed)).astype(float))
    return solved(row_weights(error(solution)))


def row_weights(error: np.ndarray) -> np.ndarray:
    """Weights ``(N,)`` of steps by their errors: 1 up to some medians, then falling as 1 / error^2 (Cauchy's)."""
    finite = error[np.isfinite(error)]
    typical = float(np.median(finite)) if len(finite) else 0.0
    with np.errstate(over="ignore"):  # a step that is infinitely wrong has no weight
        return 1 / (1 + (error / max(6 * typical, _ROUNDING)) ** 2)
