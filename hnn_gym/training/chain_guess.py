"""Where the fit of a planar chain begins: Lagrange's equations in weak form, linear in everything that is unknown.

With w = dphi/dt, integrated over a step, the equation of absolute angle or shift i is

    [sum_j M_ij w_j] + int (w_i sum_j dM_ij/dphi_j w_j + dV/dphi_i + friction_i - (B u)_i) dt = 0,

linear in A, B, a, b, in the coefficients of friction and in gains that are not known. No acceleration is needed. The
integral is Simpson's rule through the cubic that q and v at both ends determine, of fourth order, so that finely
sampled exact data give the chain to several digits. Where no known force acts, the scale is free and the solution is
the direction that leaves the least error. Noise makes the guess worse; it remains a beginning for the fit.
Source: Atkeson, An, Hollerbach, *Estimation of inertial parameters of manipulator loads and links*, Int. J. Robotics
Research 5 (1986) 101.
"""

from __future__ import annotations

import numpy as np

from hnn_gym.coordinates import Coordinates
from hnn_gym.models import PlanarChainHNN
from hnn_gym.models.port import initial_port
from hnn_gym.training.windows import TrainingWindows
from hnn_gym.worlds.pixel_world import turned

_ROWS = 20_000
_LEAST = 1e-4
"""Smallest eigenvalue of the guessed inertia as a share of the largest."""
_LEAST_FRICTION = 1e-3
"""Smallest guess of friction as a share of a typical force."""


def chain_guess(
    architecture: PlanarChainHNN, coordinates: Coordinates, windows: TrainingWindows, *, dt: float
) -> dict[str, np.ndarray]:
    """Return the parameters that Lagrange's equations suggest.

    Args:
        architecture: the chain.
        coordinates: what the actions are.
        windows: of recorded steps.
        dt: time step in s.
    """
    begin, end, u, seconds = _steps(coordinates, windows, dt)
    columns, known = _equations(architecture, begin, end, u, seconds)
    solution = _solved(columns, known)
    return _parameters(architecture, solution)


def _steps(
    coordinates: Coordinates, windows: TrainingWindows, dt: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """States [q, v] ``(2, N, n)`` before and after single steps, without jumps of wrapped angles, forces, and times."""
    n = coordinates.n
    begin, end = windows.states[:, :-1].reshape(-1, 2 * n), windows.states[:, 1:].reshape(-1, 2 * n)
    u = coordinates.force(windows.action)
    u = u.reshape(len(begin), u.shape[-1])
    seconds = np.broadcast_to(windows.step_time(dt), (*windows.action.shape[:2], 1)).ravel()
    whole = np.flatnonzero(np.isfinite(begin).all(axis=1) & np.isfinite(end).all(axis=1))
    rows = whole if len(whole) <= _ROWS else np.random.default_rng(0).choice(whole, _ROWS, replace=False)
    first, last = (np.moveaxis(states[rows].reshape(-1, 2, n), 1, 0) for states in (begin, end))
    moved = last[0] - first[0]
    last[0] = first[0] + np.where(coordinates.angles, turned(moved, angle=True), moved)
    return first, last, u[rows], seconds[rows]


def _equations(
    architecture: PlanarChainHNN, begin: np.ndarray, end: np.ndarray, u: np.ndarray, seconds: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The columns ``(N, n, P)`` of the unknowns in the order of :func:`_parameters`, and known impulses ``(N, n)``.

    Args:
        architecture: the chain.
        begin: states [q, v] ``(2, N, n)`` before the steps.
        end: those after.
        u: forces ``(N, m)``.
        seconds: time of every step ``(N,)``.
    """
    dt = seconds[:, None]
    kinematics, n = architecture.kinematics, architecture.variables.n
    turns = kinematics.turns
    middle = np.stack(
        [
            (begin[0] + end[0]) / 2 + dt / 8 * (begin[1] - end[1]),
            1.5 / dt * (end[0] - begin[0]) - (begin[1] + end[1]) / 4,
        ]
    )
    nodes = [(kinematics.absolutes(q), kinematics.absolutes(v), v) for q, v in (begin, middle, end)]
    weights = [share * seconds / 6 for share in (1, 4, 1)]
    columns = []

    def column(
        values: list[tuple[int, np.ndarray]], rates: list[tuple[int, list[np.ndarray]]]
    ) -> None:  # of momenta at both ends, and of forces along the step
        filled = np.zeros_like(begin[0])
        for row, change in values:
            filled[:, row] += change
        for row, along in rates:
            filled[:, row] += sum(weight * rate for weight, rate in zip(weights, along, strict=True))
        columns.append(filled)

    for i in range(n):
        column([(i, nodes[2][1][:, i] - nodes[0][1][:, i])], [])
    for i, j in _pairs(n):
        between = [(phi * turns)[:, i] - (phi * turns)[:, j] for phi, _, _ in nodes]
        product = [w[:, i] * w[:, j] for _, w, _ in nodes]
        even, odd = (np.cos, lambda b: -np.sin(b)), (np.sin, np.cos)
        for function, slope in (even,) if architecture.symmetric else (even, odd):
            momenta = [[function(b) * w[:, k] for b, (_, w, _) in zip(between, nodes, strict=True)] for k in (i, j)]
            force = [-slope(b) * p for b, p in zip(between, product, strict=True)]
            column(
                [(i, momenta[1][2] - momenta[1][0]), (j, momenta[0][2] - momenta[0][0])],
                [(i, [turns[i] * f for f in force]), (j, [-turns[j] * f for f in force])],
            )
    for i in (i for i in range(n) if turns[i]):
        column([], [(i, [-np.sin(phi[:, i]) for phi, _, _ in nodes])])
    for i in range(0 if architecture.symmetric else n):
        column([], [(i, [np.cos(phi[:, i]) if turns[i] else 1 + 0 * phi[:, i] for phi, _, _ in nodes])])

    def pushed(degree: int, along: list[np.ndarray]) -> None:  # a force on one degree of freedom
        force = kinematics.pushed(np.eye(n)[degree])
        column([], [(row, [force[row] * f for f in along]) for row in range(n) if force[row]])

    for asked, of in ((architecture.damping, lambda v: v), (architecture.dry, np.sign)):
        for i in range(n) if asked else ():
            pushed(i, [of(v[:, i]) for _, _, v in nodes])
    known = np.zeros_like(begin[0])
    for control, degree in enumerate(architecture.variables.control_degrees):
        impulse = [u[:, control]] * 3
        if degree is not None and architecture.known_scale:
            known += dt * u[:, control, None] * kinematics.pushed(np.eye(n)[degree])
        elif degree is not None:
            pushed(degree, [-f for f in impulse])
        else:
            for i in range(n):
                pushed(i, [-f for f in impulse])
    return np.stack(columns, axis=-1), known


def _pairs(n: int) -> list[tuple[int, int]]:
    return [(i, j) for i in range(n) for j in range(i)]


def _solved(columns: np.ndarray, known: np.ndarray) -> np.ndarray:
    """The coefficients ``(P,)``; where nothing is known, those with H_00 = 1 in the direction of the least error."""
    rows, right = columns.reshape(-1, columns.shape[-1]), known.ravel()
    size = np.sqrt(np.mean(rows**2, axis=0))
    size = np.where(size > 1e-12 * size.max(), size, np.inf)
    scaled = rows / size
    if np.any(right):
        return np.linalg.lstsq(scaled, right, rcond=1e-10)[0] / size
    used = np.flatnonzero(np.isfinite(size))
    solution = np.zeros(len(size))
    solution[used] = np.linalg.svd(np.linalg.qr(scaled[:, used], mode="r"))[2][-1] / size[used]
    return solution / (solution[0] or 1.0)


def _parameters(architecture: PlanarChainHNN, solution: np.ndarray) -> dict[str, np.ndarray]:
    """The parameters of a solution; masses that are not positive, and friction that would push, become small."""
    variables, n = architecture.variables, architecture.variables.n
    pairs, angles = n * (n - 1) // 2, list(variables.angles)
    kinds = 1 if architecture.symmetric else 2
    sizes = [n, kinds * pairs, sum(angles), 0 if architecture.symmetric else n]
    diagonal, coupled, cosines, sines, rest = np.split(solution, np.cumsum(sizes))
    h = np.diag(diagonal).astype(complex)
    rows, columns = np.tril_indices(n, -1)
    h[rows, columns] = coupled[::kinds] + (0 if architecture.symmetric else 1j * coupled[1::kinds])
    h[columns, rows] = h[rows, columns].conj()
    values, vectors = np.linalg.eigh(h)
    h = (vectors * np.maximum(values, _LEAST * max(values.max(), 1e-12))) @ vectors.conj().T
    scale = 1.0 if architecture.known_scale else float(h[0, 0].real)
    every = np.zeros(n)
    every[angles] = cosines
    arrays = architecture.parameters_of(h / scale, every / scale, (sines if len(sines) else 0 * every) / scale)
    rest, force = rest / scale, np.diag(h).real / scale * variables.acceleration_scales
    for name, asked, typical in (
        ("damping.log", architecture.damping, force / variables.velocity_scales),
        ("dry.log", architecture.dry, force),
    ):
        if asked:
            found, rest = rest[:n], rest[n:]
            arrays[name] = np.log(np.maximum(found, _LEAST_FRICTION * typical))
    gains, unknown = np.ones(len(variables.control_degrees)), np.zeros((n, len(variables.control_degrees)))
    for control, degree in enumerate(variables.control_degrees):
        if degree is None:
            unknown[:, control], rest = rest[:n], rest[n:]
        elif not architecture.known_scale:
            gains[control], rest = rest[0], rest[1:]
    learned = initial_port(variables, damping=False, inertia=False)
    return arrays | {n: v for n, v in (("control.gain", gains), ("control.columns", unknown)) if n in learned}
