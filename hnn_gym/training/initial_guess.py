"""Where a fit of noisy data begins: networks with small outputs, and a rough guess of the inertia.

The guess is a regression of finite differences,

    (v' - v) / dt = sum_j c_j phi_j(q) + u / m + error,

by least squares, where phi are the network's own inputs and 1. Differences of noisy velocities are far too noisy to
learn a field from, but some hundred of them determine one number well enough. Without it m begins at 1, and with noise
a fit can end where m and V are wrong by the same factor: gravity, which determines only V / m, outweighs small forces.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from hnn_gym.coordinates import Coordinates
from hnn_gym.models import Variables
from hnn_gym.models.port import last_weights
from hnn_gym.training.windows import TrainingWindows

_LARGEST = 100.0
_QUIET = 0.1


def quiet(parameters: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return parameters whose networks have a tenth of the output.

    Accelerations are measured as differences of velocities, so that with noise their scale, and with it the initial
    field, is far too large: even short windows would diverge in it.
    """
    last = last_weights(parameters)
    return {name: value * _QUIET if name in last else value for name, value in parameters.items()}


def rough_log_inertia(
    coordinates: Coordinates, variables: Variables, windows: TrainingWindows, *, dt: float
) -> np.ndarray:
    """Return logarithms of the inertias in their units ``(n,)``.

    They are 0 where the data do not determine them: no force acts there, or it seems to pull back.

    Args:
        coordinates: what the actions are.
        variables: of the model.
        windows: of recorded steps.
        dt: time step in s.
    """
    q, v = np.split(windows.states, 2, axis=-1)
    acceleration = (np.diff(v, axis=1) / windows.step_time(dt)).reshape(-1, coordinates.n)
    within = np.atleast_1d(np.isfinite(acceleration).all(axis=-1))  # a window may be shorter than the longest
    acceleration = acceleration[within]
    force = coordinates.force(windows.action).reshape(len(within), -1)[within]
    inputs = variables.features(q[:, :-1]).reshape(len(within), -1)[within]
    columns = np.concatenate([inputs, np.ones((len(inputs), 1)), force], axis=1)
    slopes = np.linalg.lstsq(columns, acceleration, rcond=None)[0][inputs.shape[1] + 1 :]
    log = np.zeros(coordinates.n)
    for control, degree in enumerate(variables.control_degrees):
        slope = 0.0 if degree is None else slopes[control, degree]
        if slope > 0:
            log[degree] = -np.log(np.clip(slope * variables.mass_units[degree], 1 / _LARGEST, _LARGEST))
    return log
