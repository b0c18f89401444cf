"""Lagrange's equations of a planar chain in weak form, linear in everything that is unknown.

With w = dphi/dt, integrated over a step, the equation of absolute angle or shift i is

    [sum_j M_ij w_j] + int (w_i sum_j dM_ij/dphi_j w_j + dV/dphi_i + friction_i - (B u)_i) dt = 0,

linear in A, B, a, b, in the coefficients of friction, of rotors and of drag, and in gains that are not known. No
acceleration is needed. The integral is Simpson's rule through the cubic that q and v at both ends determine, of fourth
order; where q is not observed, v is taken for linear. Where no known force acts, the scale is free and the solution is
the direction that leaves the least error.

Source: Atkeson, An, Hollerbach, *Estimation of inertial parameters of manipulator loads and links*, Int. J. Robotics
Research 5 (1986) 101.
"""

from __future__ import annotations

from itertools import product

import numpy as np

from hnn_gym.models import PlanarChainHNN
from hnn_gym.models.port import initial_port, initial_stops
from hnn_gym.physics.link_drag import LinkDrag

LEAST_INERTIA = 1e-4
"""Smallest eigenvalue of the guessed inertia as a share of the largest."""
_LEAST_FRICTION = 1e-3
"""Smallest guess of friction as a share of a typical force."""


def chain_equations(
    architecture: PlanarChainHNN,
    begin: np.ndarray,
    end: np.ndarray,
    u: np.ndarray,
    seconds: np.ndarray,
    *,
    drag: LinkDrag | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """The columns ``(N, n, P)`` of the unknowns in the order of :func:`_parameters`, and known impulses ``(N, n)``.

    Args:
        architecture: the chain.
        begin: states [q, v] ``(2, N, n)`` before the steps.
        end: those after.
        u: forces ``(N, m)``.
        seconds: time of every step ``(N,)``.
        drag: where the fluid acts; its coefficients are unknown.
    """
    dt = seconds[:, None]
    kinematics, n = architecture.kinematics, architecture.variables.n
    turns = kinematics.turns
    between = 1.5 / dt * (end[0] - begin[0]) - (begin[1] + end[1]) / 4
    unseen = np.array(architecture.variables.ignored or (False,) * n)
    middle = np.stack(
        [
            (begin[0] + end[0]) / 2 + dt / 8 * (begin[1] - end[1]),
            np.where(unseen, (begin[1] + end[1]) / 2, between),
        ]
    )
    nodes = [(kinematics.phases(q), kinematics.absolutes(v), v) for q, v in (begin, middle, end)]
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

    rows = [np.flatnonzero(kinematics.rows[:, row]).tolist() for row in range(kinematics.rows.shape[1])]
    for members in rows:
        column([(i, nodes[2][1][:, i] - nodes[0][1][:, i]) for i in members], [])
    for one, other in _pairs(len(rows)):
        even, odd = (np.cos, lambda b: -np.sin(b)), (np.sin, np.cos)
        for function, slope in (even,) if architecture.symmetric else (even, odd):
            values, rates = [], []
            for i, j in product(rows[one], rows[other]):
                apart = [phi[:, i] - phi[:, j] for phi, _, _ in nodes]
                momenta = [[function(b) * w[:, k] for b, (_, w, _) in zip(apart, nodes, strict=True)] for k in (i, j)]
                force = [-slope(b) * w[:, i] * w[:, j] for b, (_, w, _) in zip(apart, nodes, strict=True)]
                values += [(i, momenta[1][2] - momenta[1][0]), (j, momenta[0][2] - momenta[0][0])]
                rates += [(i, [turns[i] * f for f in force]), (j, [-turns[j] * f for f in force])]
            column(values, rates)
    for i in (i for i in range(n) if turns[i] and architecture.gravity):
        column([], [(i, [-np.sin(phi[:, i]) for phi, _, _ in nodes])])
    for i in range(n if architecture.gravity and not architecture.symmetric else 0):
        column([], [(i, [np.cos(phi[:, i]) if turns[i] else 1 + 0 * phi[:, i] for phi, _, _ in nodes])])

    def pushed(degree: int, along: list[np.ndarray]) -> None:  # a force on one degree of freedom
        force = kinematics.pushed(np.eye(n)[degree])
        column([], [(row, [force[row] * f for f in along]) for row in range(n) if force[row]])

    for asked, of in ((architecture.damping, lambda v: v), (architecture.dry, np.sign)):
        for i in range(n) if asked else ():
            pushed(i, [of(v[:, i]) for _, _, v in nodes])
    for link in kinematics.links[1:] if architecture.rotors else ():
        change, force = nodes[2][2] @ link - nodes[0][2] @ link, kinematics.pushed(link)
        column([(row, force[row] * change) for row in range(n) if force[row]], [])
    if drag is not None:
        places = [(q, w) for (q, _), (_, w, _) in zip((begin, middle, end), nodes, strict=True)]
        for forces in _drag_columns(drag, places):
            column([], [(row, [force[:, row] for force in forces]) for row in range(n)])
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


def _drag_columns(drag: LinkDrag, nodes: list[tuple[np.ndarray, np.ndarray]]) -> list[list[np.ndarray]]:
    """The forces on absolute angles and shifts ``(N, n)`` at all nodes, for each coefficient in turn."""
    links = drag.kinematics.links
    found = []
    for power in (0, 1):
        for kind in range(3):
            for link in range(len(links)):
                forces = []
                for q, rates in nodes:
                    motion = links[link] + 0 * rates if kind == 2 else drag.motions(q)[kind][:, link]
                    w = (motion * rates).sum(-1)
                    forces.append(motion * (w * np.abs(w) ** power)[:, None])
                found.append(forces)
    return found


def _pairs(n: int) -> list[tuple[int, int]]:
    return [(i, j) for i in range(n) for j in range(i)]


def solved(columns: np.ndarray, known: np.ndarray) -> np.ndarray:
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


def chain_parameters(architecture: PlanarChainHNN, solution: np.ndarray) -> dict[str, np.ndarray]:
    """The parameters of a solution; masses that are not positive, and friction that would push, become small."""
    variables, n = architecture.variables, architecture.variables.n
    m = architecture.kinematics.rows.shape[1]
    pairs, angles = m * (m - 1) // 2, list(variables.angles)
    kinds, pulled = 1 if architecture.symmetric else 2, architecture.gravity
    sizes = [m, kinds * pairs, sum(angles) if pulled else 0, n if pulled and not architecture.symmetric else 0]
    diagonal, coupled, cosines, sines, rest = np.split(solution, np.cumsum(sizes))
    h = np.diag(diagonal).astype(complex)
    rows, columns = np.tril_indices(m, -1)
    h[rows, columns] = coupled[::kinds] + (0 if architecture.symmetric else 1j * coupled[1::kinds])
    h[columns, rows] = h[rows, columns].conj()
    values, vectors = np.linalg.eigh(h)
    h = (vectors * np.maximum(values, LEAST_INERTIA * max(values.max(), 1e-12))) @ vectors.conj().T
    scale = 1.0 if architecture.known_scale else float(h[0, 0].real)
    every = np.zeros(n)
    every[angles] = cosines if pulled else 0.0
    arrays = architecture.parameters_of(h / scale, every / scale, (sines if len(sines) else 0 * every) / scale)
    inertia = architecture.kinematics.rows @ np.diag(h).real
    rest, force = rest / scale, inertia / scale * variables.acceleration_scales
    for name, asked, typical in (
        ("damping.log", architecture.damping, force / variables.velocity_scales),
        ("dry.log", architecture.dry, force),
    ):
        if asked:
            found, rest = rest[:n], rest[n:]
            arrays[name] = np.log(np.maximum(found, _LEAST_FRICTION * typical))
    links = architecture.links
    if architecture.rotors:
        found, rest = rest[: links - 1], rest[links - 1 :]
        arrays["rotors.log"] = np.log(np.maximum(found, _LEAST_FRICTION * inertia[angles][1:] / scale))
    if architecture.drag:
        for name in ("drag.linear.log", "drag.quadratic.log"):
            found, rest = rest[: 3 * links].reshape(3, links), rest[3 * links :]
            least = _LEAST_FRICTION * np.maximum(found.max(axis=1, keepdims=True), LEAST_INERTIA * force.max())
            arrays[name] = np.log(np.maximum(found, least))
    gains, unknown = np.ones(len(variables.control_degrees)), np.zeros((n, len(variables.control_degrees)))
    for control, degree in enumerate(variables.control_degrees):
        if degree is None:
            unknown[:, control], rest = rest[:n], rest[n:]
        elif not architecture.known_scale:
            gains[control], rest = rest[0], rest[1:]
    learned = initial_port(variables, damping=False, inertia=False)
    arrays |= initial_stops(variables)
    return arrays | {n: v for n, v in (("control.gain", gains), ("control.columns", unknown)) if n in learned}
