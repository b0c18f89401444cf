"""Windows of recorded steps: what a fit compares a model's motion with.

For multiple shooting an episode of T steps is cut into ceil(T / k) windows of at most k steps and of nearly equal
length, so that every step lies in exactly one window and a window begins with the observation that ends the one before:

    o_0 ... o_k | o_k ... o_2k | o_2k ... o_T

A window may be shorter than the longest one. What lies beyond its end, and every entry that was not observed, is NaN.

Steps may take unequal time. One that takes longer than most is cut into several, with moments between them at which
nothing was observed, so that the scheme is as accurate there as elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hnn_gym.coordinates import Coordinates
from hnn_gym.coordinates.circle import require_circles
from hnn_gym.worlds.pixel_world import turned

_ROWS = 20_000
_LONG = 1.5
"""A step that takes this many time steps is cut into two."""


@dataclass(frozen=True)
class TrainingWindows:
    """N windows of at most k steps.

    Attributes:
        observation: ``(N, k + 1, d)``, NaN where nothing was observed.
        states: [q, v] ``(N, k + 1, 2n)`` as observed, velocities from differences of positions where they were not
            observed; NaN beyond the end of a window.
        action: ``(N, k, m)``, 0 beyond the end of a window.
        steps: number of steps of each window ``(N,)``.
        episode: number of the episode that each window belongs to ``(N,)``.
        begin: step of the episode at which it begins ``(N,)``, counted with the moments that were put in.
        duration: time that each step takes in s ``(N, k)``; None: all take the time step of the world.
    """

    observation: np.ndarray
    states: np.ndarray
    action: np.ndarray
    steps: np.ndarray
    episode: np.ndarray
    begin: np.ndarray
    duration: np.ndarray | None = None

    @classmethod
    def of(
        cls,
        observation: np.ndarray,
        action: np.ndarray,
        *,
        coordinates: Coordinates,
        dt: float,
        duration: np.ndarray | None = None,
    ) -> TrainingWindows:
        """Take windows of equal length that are not to be joined.

        Args:
            observation: ``(N, k + 1, d)``.
            action: ``(N, k, m)``.
            coordinates: what the observations are.
            dt: time step in s.
            duration: time of each step in s ``(N, k)``; None: all take dt.

        Raises:
            InputError: cosines and sines are not those of angles.
        """
        require_circles(observation, coordinates)
        count, steps = action.shape[:2]
        return cls(
            observation=observation,
            states=recorded_states(observation, coordinates=coordinates, dt=dt if duration is None else duration),
            action=action,
            steps=np.full(count, steps),
            episode=np.arange(count),
            begin=np.zeros(count, np.int64),
            duration=duration,
        )

    @classmethod
    def cut(
        cls,
        observation: Sequence[np.ndarray],
        action: Sequence[np.ndarray],
        *,
        coordinates: Coordinates,
        dt: float,
        horizon: int,
        duration: Sequence[np.ndarray] | None = None,
    ) -> TrainingWindows:
        """Cut episodes into windows of at most ``horizon`` steps.

        An episode without steps is left out. A velocity that is NaN was not observed.

        Args:
            observation: of every episode ``(T + 1, d)``.
            action: of every episode ``(T, m)``.
            coordinates: what the observations are.
            dt: time step in s.
            horizon: steps of a window, at most.
            duration: time of each step of every episode in s ``(T,)``; None: all take dt.

        Raises:
            InputError: cosines and sines are not those of angles.
        """
        observation = [np.asarray(rows, np.float64) for rows in observation]
        require_circles(np.concatenate(observation), coordinates)
        if duration is None:
            states = [recorded_states(rows, coordinates=coordinates, dt=dt) for rows in observation]
        else:
            parts = [
                _with_long_steps_cut(rows, actions, seconds, coordinates=coordinates, dt=dt)
                for rows, actions, seconds in zip(observation, action, duration, strict=True)
            ]
            observation, states, action, duration = ([part[i] for part in parts] for i in range(4))
        where = [
            (number, begin, end)
            for number, actions in enumerate(action)
            for begin, end in _pieces(len(actions), horizon)
        ]
        longest = max((end - begin for _, begin, end in where), default=0)
        size, controls = observation[0].shape[-1], action[0].shape[-1]
        windows = cls(
            observation=np.full((len(where), longest + 1, size), np.nan),
            states=np.full((len(where), longest + 1, 2 * coordinates.n), np.nan),
            action=np.zeros((len(where), longest, controls)),
            steps=np.array([end - begin for _, begin, end in where], np.int64),
            episode=np.array([number for number, _, _ in where], np.int64),
            begin=np.array([begin for _, begin, _ in where], np.int64),
            duration=None if duration is None else np.full((len(where), longest), dt),
        )
        for row, (number, begin, end) in enumerate(where):
            steps = end - begin
            windows.observation[row, : steps + 1] = observation[number][begin : end + 1]
            windows.states[row, : steps + 1] = states[number][begin : end + 1]
            windows.action[row, :steps] = action[number][begin:end]
            if duration is not None and windows.duration is not None:
                windows.duration[row, :steps] = duration[number][begin:end]
        return windows

    def __len__(self) -> int:
        """Return the number of windows."""
        return len(self.steps)

    def filled(self, coordinates: Coordinates) -> np.ndarray:
        """The observations ``(N, k + 1, d)`` with those of :attr:`states` where none was made; NaN beyond the end."""
        if np.isfinite(self.observation).all():
            return self.observation
        shown = coordinates.observation(*np.split(self.states, 2, axis=-1))
        filled: np.ndarray = np.where(np.isnan(self.observation), shown, self.observation)
        return filled

    def select(self, keep: np.ndarray) -> TrainingWindows:
        """Return the windows that a mask or an array of numbers picks."""
        return TrainingWindows(
            self.observation[keep],
            self.states[keep],
            self.action[keep],
            self.steps[keep],
            self.episode[keep],
            self.begin[keep],
            None if self.duration is None else self.duration[keep],
        )

    def step_time(self, dt: float) -> float | np.ndarray:
        """The time of a step in s: ``dt``, or ``(N, k, 1)`` where steps take unequal time."""
        return dt if self.duration is None else self.duration[..., None]

    def single_steps(
        self, coordinates: Coordinates, *, dt: float
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Steps one by one, 20,000 of them at most, without jumps of wrapped angles.

        Args:
            coordinates: what the observations and actions are.
            dt: time step in s.

        Returns:
            States [q, v] ``(2, N, n)`` before and after, forces ``(N, m)``, and times in s ``(N,)``.
        """
        n = coordinates.n
        begin, end = self.states[:, :-1].reshape(-1, 2 * n), self.states[:, 1:].reshape(-1, 2 * n)
        u = coordinates.force(self.action)
        u = u.reshape(len(begin), u.shape[-1])
        seconds = np.broadcast_to(self.step_time(dt), (*self.action.shape[:2], 1)).ravel()
        whole = np.flatnonzero(np.isfinite(begin).all(axis=1) & np.isfinite(end).all(axis=1))
        rows = whole if len(whole) <= _ROWS else np.random.default_rng(0).choice(whole, _ROWS, replace=False)
        first, last = (np.moveaxis(states[rows].reshape(-1, 2, n), 1, 0) for states in (begin, end))
        moved = last[0] - first[0]
        last[0] = first[0] + np.where(coordinates.angles, turned(moved, angle=True), moved)
        return first, last, u[rows], seconds[rows]

    @property
    def joined(self) -> np.ndarray:
        """Whether window i + 1 begins where window i ends, in the same episode: bool ``(N,)``, False for the last."""
        follows = (self.episode[1:] == self.episode[:-1]) & (self.begin[1:] == self.begin[:-1] + self.steps[:-1])
        return np.append(follows, False)

    def by_episode(self, values: np.ndarray, lengths: Sequence[int]) -> list[np.ndarray]:
        """Put values of every moment of the windows ``(N, k + 1, c)`` together again.

        Where two windows meet, the later one counts.

        Args:
            values: one row for every moment.
            lengths: observations of each episode.

        Returns:
            Arrays ``(length, c)``, NaN where no window lies.
        """
        episodes = [np.full((length, values.shape[-1]), np.nan) for length in lengths]
        for rows, number, begin, steps in zip(values, self.episode, self.begin, self.steps, strict=True):
            episodes[number][begin : begin + steps + 1] = rows[: steps + 1]
        return episodes

    def at(self, values: np.ndarray, episode: np.ndarray, moment: np.ndarray) -> np.ndarray:
        """Pick values of moments of the windows ``(N, k + 1, c)`` by episode and moment of the episode, each ``(M,)``.

        Returns:
            Rows ``(M, c)``, NaN where no window lies; where two windows meet, the later one counts.
        """
        found = np.full((len(moment), values.shape[-1]), np.nan)
        for rows, number, begin, steps in zip(values, self.episode, self.begin, self.steps, strict=True):
            within = (episode == number) & (moment >= begin) & (moment <= begin + steps)
            found[within] = rows[moment[within] - begin]
        return found


def recorded_states(observation: np.ndarray, *, coordinates: Coordinates, dt: float | np.ndarray) -> np.ndarray:
    """Return states [q, v] ``(..., T + 1, 2n)`` of observations ``(..., T + 1, d)`` that follow each other.

    A velocity that is not observed, or NaN, becomes the difference of the positions of that moment and the one before,
    divided by dt: the velocity with which symplectic Euler came there.

    Args:
        observation: the observations.
        coordinates: what they are.
        dt: time step in s, or the time of every step ``(..., T)``.
    """
    seconds = np.asarray(dt)[..., None] if np.ndim(dt) else dt
    q, v = coordinates.state(observation)
    v = np.where(coordinates.unobserved, np.nan, v)
    if np.isnan(v).any() and q.shape[-2] > 1:
        moved = np.diff(q, axis=-2)
        moved = np.where(coordinates.angles, turned(moved, angle=True), moved) / seconds
        v = np.where(np.isnan(v), np.concatenate([moved[..., :1, :], moved], axis=-2), v)
    states: np.ndarray = np.concatenate([q, v], axis=-1)
    return states


def _with_long_steps_cut(
    observation: np.ndarray, action: np.ndarray, duration: np.ndarray, *, coordinates: Coordinates, dt: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """An episode with moments put in so that no step takes much longer than dt.

    Returns:
        Observations, NaN at those moments; states, between the neighbours there; actions; and times of the steps.
    """
    states = recorded_states(observation, coordinates=coordinates, dt=duration)
    count = np.maximum(1, np.ceil(duration / (_LONG * dt))).astype(np.int64)
    if (count == 1).all():
        return observation, states, action, duration
    moments = np.concatenate([[0], np.cumsum(count)])
    stretched = np.full((moments[-1] + 1, observation.shape[1]), np.nan)
    stretched[moments] = observation
    between = np.stack([np.interp(np.arange(moments[-1] + 1), moments, column) for column in states.T], axis=1)
    return stretched, between, np.repeat(action, count, axis=0), np.repeat(duration / count, count)


def _pieces(steps: int, horizon: int) -> list[tuple[int, int]]:
    """Return the first and the last moment of every window of an episode; earlier windows are the longer ones."""
    count = -(-steps // horizon)
    ends = [-(-steps * (i + 1) // count) for i in range(count)]
    return list(zip([0, *ends[:-1]], ends, strict=True))
