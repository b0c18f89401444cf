"""A first guess of constant masses in units of the first, of V and of friction, from noisy positions.

Where no known force acts, Lagrange's equations with M constant and diagonal are

    dv_i/dt = -(dV/dq_i + D_i v_i - sum_j B_ij u_j) / m_i,    m_1 = 1,

with one V for all of them: what it does to one body tells how heavy another is. Differences of noisy positions are far
noisier as accelerations than as anything else, and least squares are biased where what is noisy has a coefficient. So
accelerations stand alone here. For given masses all other numbers are one linear least-squares solution, and a search
over the logarithms of the masses is what is left (variable projection).
Source: Golub, Pereyra, *The differentiation of pseudo-inverses and nonlinear least squares problems whose variables
separate*, SIAM J. Numerical Analysis 10 (1973) 413.
"""

from __future__ import annotations

import numpy as np

from hnn_gym.models import Variables
from hnn_gym.models.inertia import relative_degrees
from hnn_gym.training.equation_error import Basis, Guess, gradients
from hnn_gym.training.transitions import Transitions

_ROWS = 3000
"""Steps of a long recording that are enough for a guess."""
_STARTS = (-1.5, 0.0, 1.5)
"""Logarithms of a mass from which the search begins."""
_FARTHEST = 7.0
"""Logarithms of masses are not searched beyond."""


def guess_of_masses(data: Transitions, variables: Variables, potential: Basis, *, ridge: float) -> Guess:
    """Solve the equations for masses, the coefficients of V, friction and controls.

    Args:
        data: steps whose velocities are differences of positions: (q - the position before) / dt.
        variables: of the system; nothing is known of the size of its controls.
        potential: the functions that V is a sum of.
        ridge: how far the coefficients of V are held back, as a share of the size of the columns.
    """
    from scipy.optimize import least_squares

    if len(data) > _ROWS:
        data = data.take(np.random.default_rng(0).choice(len(data), _ROWS, replace=False))
    n, m, relative = variables.n, len(variables.control_degrees), relative_degrees(variables)
    v = (data.v + data.next_v) / 2  # at data.q, where the acceleration is the second difference of positions
    slopes = gradients(potential, data.q)
    size = np.sqrt(np.mean(slopes**2, axis=(0, 1)))
    size = np.where(size > 0, size, 1.0)
    moving = np.flatnonzero(variables.moving)
    typical = np.array(variables.acceleration_scales)
    # V's columns are shared between the degrees of freedom, all others are those of one.
    own = np.concatenate([v[:, :, None], np.repeat(-data.u[:, None], n, axis=1)], axis=-1)
    acts = variables.control_columns + np.array([degree is None for degree in variables.control_degrees], float)
    used = np.concatenate([np.ones((n, 1)), acts], axis=1) > 0
    wanted = (data.next_v - data.v) / data.time / typical
    columns = -np.concatenate([slopes / size, own], axis=-1) / typical[:, None]

    def system(masses: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Rows and right sides of all degrees of freedom for given masses."""
        k = potential.size
        rows = np.zeros((len(v), len(moving), k + n * (1 + m)))
        for row, i in enumerate(moving):
            rows[:, row, :k] = columns[:, i, :k] / masses[i]
            rows[:, row, k + i * (1 + m) : k + (i + 1) * (1 + m)] = columns[:, i, k:] * used[i] / masses[i]
        held = np.zeros((k, rows.shape[-1]))
        held[range(k), range(k)] = ridge * np.sqrt(np.mean(columns[..., :k] ** 2, axis=(0, 1)) * wanted.size)
        right = np.concatenate([wanted[:, moving].ravel(), np.zeros(k)])
        return np.concatenate([rows.reshape(-1, rows.shape[-1]), held]), right

    def solved(logs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        masses = np.ones(n)
        masses[relative] = np.exp(logs)
        rows, right = system(masses)
        solution = np.linalg.lstsq(rows, right, rcond=1e-9)[0]
        return solution, rows @ solution - right

    searches = [
        least_squares(lambda logs: solved(logs)[1], np.full(len(relative), start), bounds=(-_FARTHEST, _FARTHEST))
        for start in _STARTS
    ]
    logs = min(searches, key=lambda search: float(search.cost)).x
    solution, _ = solved(logs)
    mass = np.ones(n)
    mass[relative] = np.exp(logs)
    rest = solution[potential.size :].reshape(n, 1 + m)
    pairs = n * (n + 1) // 2
    return Guess(
        mass=np.diag(mass),
        slopes=np.zeros((pairs, 0)),
        constant=np.diag(mass)[np.triu_indices(n)],
        potential=solution[: potential.size] / size,
        damping=rest[:, 0],
        columns=rest[:, 1:],
    )
