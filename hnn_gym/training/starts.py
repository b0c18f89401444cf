"""The states at which windows of observations begin, estimated in a world that is known.

    min over x_0 of sum_t ((o_t(x_0) - o_t) / scale)^2

by Levenberg-Marquardt, for all windows together. Every observation of a window counts, where the first one alone may be
noisy, or may not show velocities.
"""

from __future__ import annotations

import numpy as np
import torch

from hnn_gym.training.least_squares import LeastSquaresSettings, Tensors, least_squares
from hnn_gym.training.losses import shooting_path
from hnn_gym.training.objective import STARTS, observation_scale
from hnn_gym.training.windows import TrainingWindows
from hnn_gym.worlds.devices import checked_device
from hnn_gym.worlds.world_model import WorldModel

_UNTIL = LeastSquaresSettings(steps=50, gain=1e-5, patience=2, differences=True)


def estimated_starts(world: WorldModel, windows: TrainingWindows, *, device: str = "cpu") -> np.ndarray:
    """Return the states [q, v] ``(N, 2n)`` from which a world comes nearest to the observations of windows.

    Args:
        world: the world, on NumPy.
        windows: observations and actions.
        device: where it is computed, "cpu" or "cuda".

    Raises:
        InputError: there is no such device.
        ConvergenceError: the world leaves the finite numbers from the observed states.
    """
    place = checked_device(device)
    scale = observation_scale(world.coordinates, windows.filled(world.coordinates))
    observation, action, unit = (
        torch.tensor(np.nan_to_num(values), dtype=torch.float64, device=place)
        for values in (windows.observation, windows.action, scale)
    )
    seen = torch.tensor(np.isfinite(windows.observation), device=place)
    duration = None
    if windows.duration is not None:
        duration = torch.tensor(windows.duration, dtype=torch.float64, device=place)
    moved = world.like(observation)

    def residual(parameters: Tensors) -> torch.Tensor:
        path = world.coordinates.unwrapped(shooting_path(moved, parameters[STARTS], action, duration), observation)
        errors = (path - observation) / unit
        return torch.where(seen, errors, 0.0).reshape(len(seen), -1)

    return least_squares(residual, {STARTS: windows.states[:, 0]}, local=STARTS, settings=_UNTIL, device=place)[STARTS]
