"""How well a world foretells data it was not trained on, also where those data are noisy.

A noisy observation is no state to start from. So the state at the start of a window is estimated, by least squares in
the world that is judged, from the first half of the window alone, and what counts is the error in the second half:

    min over x0 of sum_{t <= k} ((o_t(x0) - o_t) / scale)^2,    error = RMS_{k < t <= 2k} ((o_t(x0) - o_t) / scale).

The error of a world is the mean over windows, not the root of a mean square: near a separatrix the smallest error
grows without bounds, and one such window would outweigh all the others.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch

from hnn_gym.data import TransitionDataset
from hnn_gym.devices import checked_device, on_numpy
from hnn_gym.errors import ConvergenceError, InputError
from hnn_gym.training.fit import FitState, fit
from hnn_gym.training.least_squares import Residual
from hnn_gym.training.losses import shooting_loss
from hnn_gym.training.objective import STARTS, observation_scale
from hnn_gym.training.settings import FitSettings
from hnn_gym.worlds.world_model import WorldModel

_ITERATIONS = 60


def held_out_error(world: WorldModel, dataset: TransitionDataset, *, horizon: int = 10, device: str = "cpu") -> float:
    """Error ``horizon`` + 1 to 2 ``horizon`` steps from a start that is estimated from ``horizon`` steps.

    In units of the scale of each observation entry (cos and sin: 1; a velocity with a limit: the limit). Infinite where
    the world leaves the finite numbers.

    Args:
        world: a world on NumPy.
        dataset: what it was not trained on.
        horizon: half the length of a window, in steps.
        device: where it is computed, "cpu" or "cuda".

    Raises:
        InputError: no episode is long enough, or there is no such device.
    """
    place = checked_device(device)
    windows = dataset.windows(2 * horizon, stride=2 * horizon)
    if len(windows) == 0:
        raise InputError(f"No episode of the dataset has {2 * horizon} steps: choose a horizon that fits.")
    recorded = np.asarray(windows.observation, np.float64)
    coordinates = world.coordinates
    observation, action, scale = (
        torch.tensor(values, dtype=torch.float64, device=place)
        for values in (
            recorded,
            coordinates.control_vector(windows.action),
            observation_scale(coordinates, recorded),
        )
    )
    starts = _Starts(world, observation[:, : horizon + 1], action[:, :horizon], scale)
    try:
        found = fit(starts, state=FitState(starts.initial_parameters())).parameters[STARTS]
    except ConvergenceError:
        return float("inf")
    estimated = torch.tensor(found, device=place)
    with torch.no_grad():
        q, v = estimated.chunk(2, dim=-1)
        x = starts.world.rollout(starts.world.phase_point(q, v), torch.moveaxis(action, 1, 0))
        error = (torch.moveaxis(starts.world.decode(x), 0, 1) - observation)[:, horizon + 1 :] / scale
        rms = float(error.square().mean(dim=(1, 2)).sqrt().mean())
    return rms if np.isfinite(rms) else float("inf")


class _Starts:
    """The objective of a fit of the windows' first states alone."""

    settings = FitSettings(loss="shooting", adam_steps=0, lbfgs_steps=_ITERATIONS)

    def residuals_by_member(self) -> tuple[Residual, ...]:
        return ()  # no step of the settings asks for them

    def __init__(self, world: WorldModel, observation: torch.Tensor, action: torch.Tensor, scale: torch.Tensor) -> None:
        self.device, self.world = observation.device, world.like(observation)
        self._observation, self._action, self._scale = observation, action, scale

    @property
    def windows(self) -> int:
        return len(self._observation)

    def initial_parameters(self) -> dict[str, np.ndarray]:
        q, v = self.world.coordinates.state(self._observation[:, 0])
        return {STARTS: on_numpy(torch.cat([q, v], dim=-1))}

    def __call__(
        self, parameters: Mapping[str, torch.Tensor], batch: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        loss = shooting_loss(self.world, parameters[STARTS], self._observation, self._action, scale=self._scale)
        return loss, loss
