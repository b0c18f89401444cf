"""How well a world predicts data that it was not trained on, also where those data are noisy.

A noisy observation is not a state to start from. So the state at the start of a window is estimated, by least squares
in the world that is judged, from the first half of the window only, and the error in the second half counts:

    min over x0 of sum_{t <= k} ((o_t(x0) - o_t) / scale)^2,    error = RMS_{k < t <= 2k} ((o_t(x0) - o_t) / scale).

The error of a world is the mean over windows, not the root of a mean square: near a separatrix the smallest error
grows without bounds, and one such window would outweigh all the others.
"""

from __future__ import annotations

import numpy as np
import torch

from hnn_gym.data import TransitionDataset
from hnn_gym.errors import ConvergenceError, checked_arguments, whole_number
from hnn_gym.training.losses import shooting_path
from hnn_gym.training.objective import observation_scale
from hnn_gym.training.starts import estimated_starts
from hnn_gym.training.windows import TrainingWindows
from hnn_gym.worlds.devices import checked_device
from hnn_gym.worlds.world_model import WorldModel


@checked_arguments
def held_out_error(world: WorldModel, dataset: TransitionDataset, *, horizon: int = 10, device: str = "cpu") -> float:
    """Return the error ``horizon`` + 1 to 2 ``horizon`` steps after a start that is estimated from ``horizon`` steps.

    It is in units of the scale of each observation entry (cos and sin: 1; a velocity with a limit: the limit), and
    infinite where the world leaves the finite numbers.

    Args:
        world: a world on NumPy.
        dataset: recorded episodes that it was not trained on.
        horizon: half the length of a window, in steps.
        device: where it is computed, "cpu" or "cuda".

    Raises:
        InputError: no episode is long enough, or there is no such device.
    """
    place = checked_device(device)
    slices = dataset.windows(2 * horizon, stride=2 * horizon)
    coordinates = world.coordinates
    observation = np.asarray(slices.observation, np.float64)
    action = np.asarray(coordinates.control_vector(slices.action), np.float64)
    first = TrainingWindows.of(
        observation[:, : horizon + 1],
        action[:, :horizon],
        coordinates=coordinates,
        dt=abs(world.dt),
        duration=None if slices.duration is None else slices.duration[:, :horizon],
    )
    try:
        starts = estimated_starts(world, first, device=device)
    except ConvergenceError:
        return float("inf")
    scale = observation_scale(coordinates, observation)
    with torch.no_grad():
        seen, pushed, unit, begun = (
            torch.tensor(values, dtype=torch.float64, device=place) for values in (observation, action, scale, starts)
        )
        lasts = None
        if slices.duration is not None:
            lasts = torch.tensor(slices.duration, dtype=torch.float64, device=place)
        path = coordinates.unwrapped(shooting_path(world.like(seen), begun, pushed, lasts), seen)
        error = (path - seen)[:, horizon + 1 :] / unit
        rms = float(error.square().mean(dim=(1, 2)).sqrt().mean())
    return rms if np.isfinite(rms) else float("inf")


@checked_arguments
def open_loop_error(world: WorldModel, dataset: TransitionDataset, *, horizon: int, windows: int = 60) -> float:
    """Error after ``horizon`` steps from observed states: the median over windows, the worst observation entry.

    It is in standard deviations of each entry, and infinite where the world leaves the finite numbers. An entry that is
    constant, such as a target that never moves, counts in its own unit.

    Args:
        world: a world on NumPy.
        dataset: recorded episodes that it was not trained on.
        horizon: steps between the two states that are compared.
        windows: the most windows that are compared, spread over the dataset.

    Raises:
        InputError: no episode is long enough.
    """
    whole_number(windows, "windows", at_least=1)
    slices = dataset.windows(horizon, stride=horizon)
    rows = np.linspace(0, len(slices) - 1, min(windows, len(slices))).astype(int)
    coordinates = world.coordinates
    observation = np.asarray(slices.observation, np.float64)[rows]
    action = np.asarray(coordinates.control_vector(slices.action), np.float64)[rows]
    scale = np.asarray(slices.observation, np.float64).std(axis=(0, 1))
    durations = None if slices.duration is None else slices.duration[rows].T
    with np.errstate(all="ignore"):
        try:
            path = world.rollout(
                world.encode(observation[:, 0]),
                action.swapaxes(0, 1) if coordinates.controls else None,
                steps=horizon,
                durations=durations,
            )
        except ConvergenceError:
            return float("inf")
        seen = coordinates.unwrapped(world.decode(path[-1]), observation[:, -1])
    error = np.median(np.abs(seen - observation[:, -1]), axis=0) / np.where(scale > 0, scale, 1.0)
    worst = float(error.max())
    return worst if np.isfinite(worst) else float("inf")
