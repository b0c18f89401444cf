"""Where the fit of a planar chain begins if velocities are not observed: at how accelerations answer to the force.

Over s steps a second difference of positions is a mean of accelerations, q(i + s) - 2 q(i) + q(i - s) = dt^2 sum_k w_k a_k
with triangular weights, and a regression on equally weighted forces u and on the position gives alpha = M^-1 B for one
control on degree d. The inertia

    M_jd = -M_jj alpha_j / alpha_d,     M_dd = 1 / alpha_d + sum_j M_jj (alpha_j / alpha_d)^2,     j != d,

answers to that force in this way and is positive for all M_jj > 0, which the force does not show: each is chosen so that
it adds a tenth to M_dd.
"""

from __future__ import annotations

import numpy as np

from hnn_gym.coordinates import Coordinates
from hnn_gym.models import PlanarChainHNN
from hnn_gym.training.windows import TrainingWindows

_SHARE = 0.1


def chain_response(
    architecture: PlanarChainHNN, coordinates: Coordinates, windows: TrainingWindows, *, dt: float
) -> dict[str, np.ndarray]:
    """Return parameters without gravity whose inertia answers to the force as the windows do.

    Args:
        architecture: the chain.
        coordinates: what the actions are.
        windows: of recorded positions.
        dt: time step in s.
    """
    plain = architecture.initial_parameters(np.random.default_rng(0))
    degrees = architecture.variables.control_degrees
    if len(degrees) != 1 or degrees[0] is None:
        return plain
    n, driven = coordinates.n, degrees[0]
    alpha = _answers(coordinates, windows, dt)
    if not alpha[driven] > 0:
        return plain
    gain = 1.0 if architecture.known_scale else float(alpha[driven])
    answers = alpha / gain
    ratio = answers / answers[driven]
    own = np.where(np.abs(ratio) > 1e-3, _SHARE / answers[driven] / np.maximum(ratio**2, 1e-12), 1 / answers[driven])
    inertia = np.diag(own)
    inertia[driven] = inertia[:, driven] = -own * ratio
    inertia[driven, driven] = 1 / answers[driven] + (np.delete(own * ratio**2, driven)).sum()
    absolute = architecture.kinematics.absolute
    if absolute or n > 2:
        return plain
    found = plain | architecture.parameters_of(inertia.astype(complex), np.zeros(n), np.zeros(n))
    return found | ({"control.gain": np.array([gain])} if "control.gain" in plain else {})


def _answers(coordinates: Coordinates, windows: TrainingWindows, dt: float) -> np.ndarray:
    """alpha ``(n,)``, by least squares over all windows."""
    n, s = coordinates.n, max(1, windows.action.shape[1] // 2)
    weights = s - np.abs(np.arange(-s + 1, s))
    q = windows.states[..., :n]
    q = np.where(coordinates.angles, np.unwrap(q, axis=1), q)
    u = coordinates.force(windows.action)[..., 0]
    held = (u[:, :-1] + u[:, 1:]) / 2  # around the moments 1, 2, ...
    rows, bends = [], []
    for i in range(s, q.shape[1] - s):
        pushed = held[:, i - s : i + s - 1] @ weights
        rows.append(np.column_stack([pushed, q[:, i], np.ones(len(q))]))
        bends.append(q[:, i + s] - 2 * q[:, i] + q[:, i - s])
    functions, bend = np.concatenate(rows), np.concatenate(bends)
    known = np.isfinite(functions).all(-1) & np.isfinite(bend).all(-1)
    found: np.ndarray = np.linalg.lstsq(functions[known], bend[known], rcond=None)[0][0] / dt**2
    return found
