"""The logs of the robot: which of them are excitations, their datasets, and their states at the starts of forecasts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.signal import savgol_filter

from hnn_gym.data import LogSettings, TransitionDataset
from hnn_gym.data.logs.convert import episodes_of_tables
from hnn_gym.data.logs.roles import Roles
from hnn_gym.data.logs.table import Table, column_names, read_table
from hnn_gym.errors import MissingPathError
from hnn_gym.training.windows import TrainingWindows
from hnn_gym.training.zeros import estimated_zeros
from hnn_gym.worlds.world_model import WorldModel

DATA = Path("../shared/data/dfki-double-pendulum")
SOURCE = (
    "The recordings are data/experiment_records/design_C.1/sys_id of github.com/dfki-ric-underactuated-lab/"
    "double_pendulum: give the folder that holds them with --data."
)
PLANNED = "pos_des1"
"""A column of recordings in which a controller follows a plan: they are no excitations."""
SMOOTHED, ORDER = 41, 3
"""Rows and order of the Savitzky-Golay filter that estimates the states at the starts of forecasts."""
BETWEEN_STARTS = 0.25
_EVERY, _WINDOW = 5, 50
"""Rows, and steps of windows, from which the zeros of the encoders are estimated."""
LONGEST = 1.0
"""Longest forecast in s."""


def roles(*, velocities: bool) -> Roles:
    """What the columns of the logs are."""
    velocity = ("vel_meas1", "vel_meas2") if velocities else ()
    return Roles("time", ("pos_meas1", "pos_meas2"), velocity, ("tau_meas1", "tau_meas2"))


def read_recordings(folder: Path, *, excitations: bool | None = None) -> dict[str, Table]:
    """Return the excitations of a folder, or its other recordings, or both, by the names of the files.

    Raises:
        MissingPathError: there are none; the message says where the data come from.
    """
    needed = roles(velocities=True).names
    found = {}
    for path in sorted(folder.glob("*.csv*")):
        names = column_names(path)
        if set(needed) <= set(names) and excitations in (None, PLANNED not in names):
            found[path.name.partition(".")[0]] = read_table(path, needed)
    if not found and excitations is not False:
        raise MissingPathError(f"There are no recordings in {folder}. {SOURCE}")
    return found


def dataset_of(
    tables: Sequence[Table], *, every: int, velocities: bool = False, differentiate: float | None = None
) -> TransitionDataset:
    """The transitions of recordings; a measured torque changes evenly from stamp to stamp.

    Args:
        tables: the recordings.
        every: only so many-th rows are kept.
        velocities: whether the logged velocities are kept.
        differentiate: seconds over which velocities are derived from positions; None: they are not.
    """
    settings = LogSettings(
        name="RealDoublePendulum", every=every, actions="interpolated", limit=6.0, differentiate=differentiate
    )
    return TransitionDataset.from_episodes(*episodes_of_tables(tables, roles(velocities=velocities), settings)[:2])


@dataclass(frozen=True)
class Forecasts:
    """What has to be forecast of a recording, from S starts.

    Attributes:
        stamps: of the starts in s ``(S,)``.
        states: [q, v] at the starts ``(S, 4)``.
        torques: ``(T, S, 2)``.
        durations: of the steps in s ``(T, S)``.
        positions: measured at the starts and after every step ``(T + 1, S, 2)``.
    """

    stamps: np.ndarray
    states: np.ndarray
    torques: np.ndarray
    durations: np.ndarray
    positions: np.ndarray

    @classmethod
    def of(cls, table: Table) -> Forecasts:
        """Forecasts from every quarter of a second, as long as a second follows."""
        (episode,) = dataset_of([table], every=1)
        assert episode.time is not None
        time, q = episode.time, episode.observation
        smooth, rates = (
            savgol_filter(q, SMOOTHED, ORDER, axis=0, deriv=order, delta=float(np.median(np.diff(time))))
            for order in (0, 1)
        )
        stamps = np.arange(0.0, time[-1] - LONGEST, BETWEEN_STARTS)
        steps = int(np.ceil(LONGEST / np.median(np.diff(time)))) + 5
        starts = np.searchsorted(time, stamps)
        starts = starts[starts + steps < len(time)]
        moments = starts + np.arange(steps + 1)[:, None]
        return cls(
            stamps=time[starts],
            states=np.concatenate([smooth[starts], rates[starts]], axis=1),
            torques=episode.action[moments[:-1]],
            durations=np.diff(time[moments], axis=0),
            positions=q[moments],
        )

    def squared_errors(self, path: np.ndarray, horizons: Sequence[float]) -> np.ndarray:
        """Return e1^2 + e2^2 ``(len(horizons), S)`` of forecast positions ``(T + 1, S, 2)``."""
        elapsed = np.concatenate([np.zeros((1, len(self.states))), np.cumsum(self.durations, axis=0)])
        error = ((path - self.positions) ** 2).sum(-1)
        rows = [np.abs(elapsed - horizon).argmin(axis=0) for horizon in horizons]
        return np.stack([error[row, np.arange(error.shape[1])] for row in rows])


def zeros_before(world: WorldModel, table: Table, stamps: np.ndarray) -> np.ndarray:
    """Zeros of the encoders ``(S, 2)``, each estimated with a world from the rows that precede a stamp ``(S,)`` alone.

    The rows are those of 0.01 s, in windows of 0.5 s. A stamp that no two of them precede has zeros of 0.
    """
    (episode,) = dataset_of([table], every=_EVERY)
    assert episode.time is not None
    hidden = world.coordinates.observation_size - episode.observation.shape[1]  # velocities are not used
    observation = np.pad(episode.observation.astype(np.float64), ((0, 0), (0, hidden)), constant_values=np.nan)
    counts = np.searchsorted(episode.time, stamps, side="right")
    begun = np.flatnonzero(counts > 1)
    windows = TrainingWindows.cut(
        [observation[:count] for count in counts[begun]],
        [episode.action[: count - 1] for count in counts[begun]],
        coordinates=world.coordinates,
        dt=float(np.median(np.diff(episode.time))),
        horizon=_WINDOW,
        duration=[np.diff(episode.time[:count]) for count in counts[begun]],
    )
    found = np.zeros((len(stamps), 2))
    found[begun] = estimated_zeros(world, windows)
    return found
