"""What a fit of noisy data begins with: networks that hardly speak yet, and a rough guess of the inertia.

The guess is a regression of finite differences,

    (v' - v) / dt = sum_j c_j phi_j(q) + u / m + error,

by least squares, phi the network's own inputs and 1. Differences of noisy velocities are far too noisy to learn a field
from, but one number is known well enough after some hundred of them. Without it m begins at 1, and with noise a fit can
end where m and V are wrong by the same factor: gravity, which tells V / m alone, outweighs the small forces.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from hnn_gym.coordinates import Coordinates
from hnn_gym.models import Variables
from hnn_gym.models.port import last_weights

_LARGEST = 100.0
_QUIET = 0.1


def quiet(parameters: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Parameters whose networks give a tenth.

    Accelerations are measured as differences of velocities, so that in noise their scale, and with it the first field,
    is far too large: it would throw even short windows apart.
    """
    last = last_weights(parameters)
    return {name: value * _QUIET if name in last else value for name, value in parameters.items()}


def rough_log_inertia(
    coordinates: Coordinates, variables: Variables, observation: np.ndarray, action: np.ndarray, *, dt: float
) -> np.ndarray:
    """Logarithms of the inertias ``(n,)``, 0 where the data do not tell: no force acts there, or it seems to pull back.

    Args:
        coordinates: what the observations are.
        variables: of the model.
        observation: windows ``(N, k + 1, d)``.
        action: ``(N, k, m)``.
        dt: time step in s.
    """
    q, v = coordinates.state(observation)
    acceleration = (np.diff(v, axis=1) / dt).reshape(-1, coordinates.n)
    force = coordinates.force(action).reshape(len(acceleration), -1)
    seen = variables.features(q[:, :-1]).reshape(len(acceleration), -1)
    columns = np.concatenate([seen, np.ones((len(seen), 1)), force], axis=1)
    slopes = np.linalg.lstsq(columns, acceleration, rcond=None)[0][seen.shape[1] + 1 :]
    log = np.zeros(coordinates.n)
    for control, degree in enumerate(variables.control_degrees):
        slope = 0.0 if degree is None else slopes[control, degree]
        if slope > 0:
            log[degree] = -np.log(np.clip(slope, 1 / _LARGEST, _LARGEST))
    return log
