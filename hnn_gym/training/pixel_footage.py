"""Recorded frames and actions, and the windows that positions in them are cut into."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from hnn_gym.coordinates import Coordinates
from hnn_gym.training.pixel_motion import Library, interpolated, motion_between
from hnn_gym.training.windows import TrainingWindows

_NEAR_LIMIT = 0.97
"""Windows that come so near a speed limit, as a share of it, are left out: there the motion is not that of H."""


@dataclass(frozen=True)
class Footage:
    """Recorded episodes of frames and actions, and what is declared of them.

    Attributes:
        frames: uint8 ``(N, H, W, C)``, all episodes one after another.
        lengths: frames of each episode.
        actions: by episode ``(T, m)``.
        coordinates: of the latent.
        dt: step in s.
        episodes: numbers of the episodes in the recording; (): all of them.
    """

    frames: np.ndarray
    lengths: tuple[int, ...]
    actions: Sequence[np.ndarray]
    coordinates: Coordinates
    dt: float
    episodes: tuple[int, ...] = ()

    @property
    def angle(self) -> bool:
        """Whether the body turns."""
        return self.coordinates.angles[0]

    @cached_property
    def free(self) -> Coordinates:
        """The coordinates without a speed limit."""
        degrees = tuple(replace(degree, speed_limit=None) for degree in self.coordinates.degrees)
        return replace(self.coordinates, degrees=degrees)

    def by_episode(self, values: np.ndarray) -> list[np.ndarray]:
        """Values of all frames ``(N, ...)``, cut into episodes."""
        return np.split(values, np.cumsum(self.lengths)[:-1])


def slow_windows(footage: Footage, q: np.ndarray, horizon: int, *, library: Library | None = None) -> TrainingWindows:
    """Cut the positions of all frames ``(N, n)`` into windows, without those that come near a speed limit.

    A position that is NaN was not observed. The states of the windows have it between those before and after.

    Args:
        footage: what was recorded.
        q: positions of all frames.
        horizon: steps of a window, at most.
        library: functions whose sums explain accelerations, by which the states of the windows are estimated
            (:func:`.motion_between`); None: their velocities are differences of positions.
    """

    def cut(positions: np.ndarray) -> TrainingWindows:
        return TrainingWindows.cut(
            footage.by_episode(footage.free.observation(positions, np.full(positions.shape, np.nan))),
            footage.actions,
            coordinates=footage.free,
            dt=footage.dt,
            horizon=horizon,
        )

    windows = cut(q)
    if np.isnan(q).any():
        filled = cut(np.concatenate([interpolated(path) for path in footage.by_episode(q)]))
        windows = replace(windows, states=filled.states)
    if library is not None:
        paths = [np.where(footage.free.angles, _unwrapped(path), path) for path in footage.by_episode(q)]
        forces = [footage.free.force(action) for action in footage.actions]
        states = motion_between(paths, forces, library, dt=footage.dt)
        windows = replace(windows, states=_gathered(windows, states))
    limits = footage.coordinates.speed_limits
    if limits is None:
        return windows
    speeds = np.abs(windows.states[..., windows.states.shape[-1] // 2 :])
    return windows.select((np.nanmax(speeds, axis=1) < _NEAR_LIMIT * np.array(limits)).all(axis=-1))


def _unwrapped(path: np.ndarray) -> np.ndarray:
    """Positions ``(T + 1, n)`` without jumps by whole turns; NaN stays."""
    straight: np.ndarray = np.where(np.isnan(path), np.nan, np.unwrap(interpolated(path), axis=0))
    return straight


def _gathered(windows: TrainingWindows, states: Sequence[np.ndarray]) -> np.ndarray:
    """The states of windows ``(N, k + 1, 2n)`` from those of episodes, where there are some."""
    gathered = windows.states.copy()
    for row, (episode, begin, steps) in enumerate(zip(windows.episode, windows.begin, windows.steps, strict=True)):
        part = states[episode][begin : begin + steps + 1]
        gathered[row, : steps + 1] = np.where(np.isfinite(part), part, gathered[row, : steps + 1])
    return gathered
