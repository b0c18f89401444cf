"""How far a world's forecasts are from a recording that it has not seen, after one step and after many.

A forecast begins at an observed state and goes on under the recorded actions. Its error is given in standard deviations
of each observation entry, and the entry with the largest error counts. The forecast that nothing moves is the measure
of what is easy.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hnn_gym.data import TransitionDataset
from hnn_gym.errors import ConvergenceError, InputError, checked_arguments
from hnn_gym.evaluation.measured_motion import PIECE, begun, rolled
from hnn_gym.worlds.pixel_world import PixelWorld
from hnn_gym.worlds.world_model import WorldModel

_LONGEST = 200
_WINDOWS = 200
_BEFORE = (3, 6, 12, PIECE)
"""Numbers of steps from which the start of a forecast is estimated where velocities are not observed."""


@dataclass(frozen=True)
class Forecasts:
    """Forecasts of a world along windows of real steps.

    Attributes:
        one_step: root mean square error of a step, over all entries, in standard deviations.
        error: error of the worst entry after 1, 2, ... steps ``(windows, steps)``; inf where the world left the finite
            numbers.
        still: the same of the forecast that nothing moves.
    """

    one_step: float
    error: np.ndarray
    still: np.ndarray

    @property
    def median(self) -> np.ndarray:
        """Median error after 1, 2, ... steps ``(steps,)``."""
        return np.median(self.error, axis=0)

    @property
    def worst_tenth(self) -> np.ndarray:
        """Error that one forecast in ten exceeds, after 1, 2, ... steps ``(steps,)``."""
        return np.quantile(self.error, 0.9, axis=0)

    def steps_within(self, limit: float) -> int:
        """How many steps ahead the median error stays at or below ``limit``."""
        beyond = np.flatnonzero(~(self.median <= limit))
        return int(beyond[0]) if len(beyond) else self.error.shape[1]


@checked_arguments
def forecasts_of(world: WorldModel, fresh: TransitionDataset) -> Forecasts:
    """Forecast from the states of fresh episodes, as far as half of them are long, and at most 200 steps.

    Args:
        world: on NumPy.
        fresh: a recording of the same environment that the world was not learned from.

    Raises:
        InputError: the recording has other observations or actions than the world.
    """
    coordinates, longest = world.coordinates, _horizon(fresh)
    # Where velocities are not observed, the steps before a forecast tell its start: few of them where the world errs
    # more than the sensors, many where the sensors are noisy.
    before = min(PIECE, longest // 3) if any(coordinates.unobserved) else 0
    windows = fresh.windows(longest, stride=max(1, longest // 10))
    rows = _rows(len(windows))
    observation = np.asarray(windows.observation, np.float64)[rows]
    if observation.shape[-1] != coordinates.observation_size:
        raise InputError(
            f"This world has {coordinates.observation_size} observation entries, and the recording has "
            f"{observation.shape[-1]}: evaluate it on the environment that it was learned from."
        )
    action = np.asarray(coordinates.control_vector(windows.action), np.float64)[rows]
    durations = None if windows.duration is None else windows.duration[rows]
    scale = np.asarray(fresh.transitions().observation, np.float64).std(axis=0)
    scale = np.where(scale > 0, scale, 1.0)
    with np.errstate(all="ignore"):
        try:
            if before:
                x = _begun(world, observation, action, durations, before=before, scale=scale)
                observation, action = observation[:, before:], action[:, before:]
                durations = None if durations is None else durations[:, before:]
            else:
                x = world.encode(observation[:, 0])
            still = np.abs(coordinates.unwrapped(observation[:, :1], observation[:, 1:]) - observation[:, 1:]) / scale
            pushed = action.swapaxes(0, 1) if coordinates.controls else None
            times = None if durations is None else durations.T
            path = world.rollout(x, pushed, steps=action.shape[1], durations=times)
            seen = coordinates.unwrapped(world.decode(path).swapaxes(0, 1), observation)
            error = np.abs(seen - observation)[:, 1:] / scale
        except ConvergenceError:
            error = np.full(observation[:, 1:].shape, np.inf)
            still = np.abs(coordinates.unwrapped(observation[:, :1], observation[:, 1:]) - observation[:, 1:]) / scale
        error = np.where(np.isnan(error), np.inf, error)
        return Forecasts(float(np.sqrt(np.mean(error[:, 0] ** 2))), error.max(axis=-1), still.max(axis=-1))


def _begun(
    world: WorldModel,
    observation: np.ndarray,
    action: np.ndarray,
    duration: np.ndarray | None,
    *,
    before: int,
    scale: np.ndarray,
) -> np.ndarray:
    """Phase points after ``before`` steps of windows, from as many of them as forecast the next step best."""
    found, least = None, np.inf
    now, then = slice(before, before + 1), slice(before + 1, before + 2)
    for steps in sorted({min(before, steps) for steps in _BEFORE}):
        part = slice(before - steps, before + 1)
        seconds = None if duration is None else duration[:, part]
        x = begun(world, observation[:, part], action[:, part], seconds, before=steps)
        next_seen = world.decode(rolled(world, x, action[:, now], None if duration is None else duration[:, now])[:, 1])
        error = (
            world.coordinates.unwrapped(next_seen, observation[:, then][:, 0]) - observation[:, then][:, 0]
        ) / scale
        if (size := float(np.median(np.abs(error).max(axis=-1)))) < least or found is None:
            found, least = x, size
    assert found is not None
    return found


@checked_arguments
def frame_forecasts_of(seen: PixelWorld, fresh: TransitionDataset) -> Forecasts:
    """The same for a world learned from frames: root mean square of all pixels, in units of how much frames differ.

    A forecast begins at two frames. One frame is typically 1 away from another one of the recording.

    Raises:
        InputError: the recording has no frames, or frames of another shape.
    """
    longest = max(1, _horizon(fresh) - 1)  # the first frame is the other half of a state
    pieces = []
    for episode in fresh:
        if episode.frame is None:
            raise InputError("The recording has no frames: record it with --pixels, as the world's was.")
        starts = range(1, len(episode.frame) - longest, max(1, longest // 10))
        pieces += [(episode.frame[k - 1 : k + longest + 1], episode.action[k : k + longest]) for k in starts]
    if not pieces:
        raise InputError("The recording has no episode that is long enough for a forecast: record more steps.")
    rows = _rows(len(pieces))
    frames = np.stack([pieces[row][0] for row in rows])
    action = np.stack([np.asarray(pieces[row][1], np.float64) for row in rows])
    real = frames[:, 1:].astype(np.float64)
    unit = float(np.sqrt(np.mean((real - real.mean(axis=(0, 1))) ** 2) * 2)) or 1.0
    x = seen.encode(np.concatenate([frames[:, 0], frames[:, 1]], axis=-1))
    pushed = action.swapaxes(0, 1) if seen.world.coordinates.controls else None
    path = seen.world.rollout(x, pushed, steps=longest).swapaxes(0, 1)
    error = np.stack(
        [np.sqrt(np.mean((seen.decode(points) - real[i]) ** 2, axis=(1, 2, 3))) / unit for i, points in enumerate(path)]
    )
    still = np.sqrt(np.mean((real[:, :1] - real[:, 1:]) ** 2, axis=(2, 3, 4))) / unit
    return Forecasts(float(np.sqrt(np.mean(error[:, 1] ** 2))), error[:, 1:], still)


def _horizon(fresh: TransitionDataset) -> int:
    """As many steps as half of the episodes have, and at most 200."""
    lengths = [len(episode.action) for episode in fresh]
    return int(np.clip(np.median(lengths), 1, _LONGEST))


def _rows(count: int) -> np.ndarray:
    return np.linspace(0, count - 1, min(_WINDOWS, count)).astype(int)
