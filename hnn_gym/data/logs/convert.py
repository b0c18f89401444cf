"""From tables to a dataset: one log, or several, as episodes of transitions.

Rows t and t + 1 of a log are a transition: the action of row t, or the mean of both actions, acts for time[t + 1] -
time[t]. Nothing is resampled. A step longer than ``LogSettings.gap`` is no transition: an episode ends before it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from gymnasium.spaces import Box

from hnn_gym.data.episode import Episode
from hnn_gym.data.logs.checks import check_complete, check_span, check_stamps, check_velocities, check_wraps
from hnn_gym.data.logs.resolution import resolution_of
from hnn_gym.data.logs.roles import Roles
from hnn_gym.data.logs.scales import Scales
from hnn_gym.data.logs.settings import LogSettings
from hnn_gym.data.logs.slopes import slopes
from hnn_gym.data.logs.table import Table
from hnn_gym.data.provenance import Provenance
from hnn_gym.errors import InputError

_GAP_STEPS = 10.0
LOG = "log"
"""Name of what chose the actions, in the provenance of a log."""


class Conversion(NamedTuple):
    """What a dataset is made of.

    Attributes:
        episodes: of all logs.
        provenance: their origin.
        sentences: what was assumed, and what was left out.
    """

    episodes: list[Episode]
    provenance: Provenance
    sentences: tuple[str, ...]


def episodes_of_tables(tables: Sequence[Table], roles: Roles, settings: LogSettings) -> Conversion:
    """Make episodes of the logs of one machine.

    Args:
        tables: at least one; all of them hold the columns of the roles.
        roles: what the columns are.
        settings: how they are read.

    Raises:
        InputError: the numbers cannot be what they are said to be, or nothing is left of them.
    """
    scales = Scales.of(roles, settings)
    recordings = [part for table in tables for part in _recordings(table, scales, settings)]
    every_step = np.concatenate([np.diff(recording.time) for recording in recordings])
    gap = settings.gap or _GAP_STEPS * float(np.median(every_step))
    episodes = []
    for recording in recordings:
        for begin, end in _between_gaps(recording.time, gap):
            if end - begin > settings.every:
                episodes.append(_episode(recording, begin, end, settings))
    if not episodes:
        raise InputError(
            f"Nothing is left of the log: no {settings.every + 1} rows follow each other within {gap:g} s."
        )
    shown = np.concatenate([recording.observation for recording in recordings])
    resolutions = {name: resolution_of(column) for name, column in zip(scales.names, shown.T, strict=True)}
    coarse = {name: float(f"{value:.6g}") for name, value in resolutions.items() if value is not None}
    steps = np.concatenate([np.diff(episode.time) for episode in episodes if episode.time is not None])
    provenance = _provenance(tables, steps, scales, settings, gap, coarse)
    sentences = (
        *scales.sentences(shown.min(axis=0), shown.max(axis=0)),
        _clock(steps, every=settings.every, gap=gap, cuts=int((every_step > gap).sum())),
    )
    sentences += tuple(f"{name} is shown in steps of {value:.3g}." for name, value in coarse.items())
    skipped = sum(recording.skipped for recording in recordings)
    if skipped:
        rows = "row was" if skipped == 1 else "rows were"
        sentences += (f"{skipped} incomplete {rows} left out.",)
    return Conversion(episodes, provenance, sentences)


def tables_of_arrays(
    time: Any, position: Any, velocity: Any, action: Any, *, names: Mapping[str, Sequence[str]]
) -> tuple[list[Table], Roles]:
    """Tables of arrays, one for each episode, and what their columns are.

    Args:
        time: stamps ``(T + 1,)``, or a list of them, one for each episode; None: there are none.
        position: positions ``(T + 1, n)`` or ``(T + 1,)``, or a list of such arrays.
        velocity: the same of velocities, or None.
        action: the same of actions ``(T + 1, m)``, or None; the action of the last row is not used if it is held.
        names: of the columns, by role; by default q0, q1, v0, v1, u0, u1.

    Raises:
        InputError: the arrays do not fit together.
    """
    groups = {
        name: value if isinstance(value, list | tuple) and len(value) and np.ndim(value[0]) > 0 else [value]
        for name, value in (("time", time), ("position", position), ("velocity", velocity), ("action", action))
        if value is not None
    }
    if len({len(group) for group in groups.values()}) > 1:
        counts = ", ".join(f"{len(group)} of {name}" for name, group in groups.items())
        raise InputError(f"There are arrays of {counts}: give one array of each for every episode.")
    used: dict[str, tuple[str, ...]] = {"position": (), "velocity": (), "action": ()}
    tables = []
    for number in range(len(groups["position"])):
        columns = {} if time is None else {"time": np.asarray(groups["time"][number], np.float64)}
        for role, letter in (("position", "q"), ("velocity", "v"), ("action", "u")):
            if role not in groups:
                continue
            values = np.asarray(groups[role][number], np.float64)
            values = values[:, None] if values.ndim == 1 else values
            if values.ndim != 2:
                raise InputError(f"{role} has the shape {values.shape}: give an array of (rows, columns).")
            called = tuple(names.get(role) or (f"{letter}{i}" for i in range(values.shape[1])))
            if len(called) != values.shape[1] or used[role] not in ((), called):
                raise InputError(f"{role} has {values.shape[1]} columns in episode {number}: give the same for each.")
            used[role] = called
            columns |= dict(zip(called, values.T, strict=True))
        if len({len(column) for column in columns.values()}) > 1:
            rows = ", ".join(f"{name} {len(column)}" for name, column in columns.items())
            raise InputError(f"The columns of episode {number} have different numbers of rows ({rows}).")
        tables.append(Table(f"episode {number}", columns))
    return tables, Roles(None if time is None else "time", used["position"], used["velocity"], used["action"])


@dataclass(frozen=True)
class _Recording:
    """Rows that follow each other: stamps in s ``(T,)``, observations ``(T, d)``, actions ``(T, m)``."""

    time: np.ndarray
    observation: np.ndarray
    action: np.ndarray
    skipped: int


def _recordings(table: Table, scales: Scales, settings: LogSettings) -> list[_Recording]:
    roles = scales.roles
    values, skipped = table.stacked(roles.names), 0
    complete = np.isfinite(values).all(axis=1)
    if settings.skip_incomplete:
        skipped = int((~complete).sum())
    else:
        check_complete(values, roles.names, table.label)
        complete[:] = True
    rows = np.arange(len(values))[complete]
    numbers = np.zeros(len(values)) if roles.episode is None else table.columns[roles.episode]
    cuts = np.flatnonzero(np.diff(numbers[rows])) + 1
    found = []
    for part in np.split(rows, cuts):
        if roles.time is None:
            assert settings.dt is not None
            time = part * settings.dt
        else:
            stamps = table.columns[roles.time][part]
            time = (stamps - stamps[:1]) * scales.time
        check_stamps(time, table.label, declared_unit=scales.time_is_declared)
        q, v, action = (
            np.stack([table.columns[name][part] for name in names], axis=1) if names else np.empty((len(part), 0))
            for names in (roles.position, roles.velocity, roles.action)
        )
        q, v = q * np.array(scales.position), v * np.array(scales.velocity) if v.size else v
        angles = np.flatnonzero(~np.array(scales.lengths))
        if settings.unwrap:
            q[:, angles] = np.unwrap(q[:, angles], axis=0)
        _check_motion(time, q, v, scales, unwrapped=settings.unwrap, label=table.label)
        if scales.slopes is not None:
            v = slopes(time, q, seconds=scales.slopes)
        found.append(_Recording(time, np.concatenate([q, v], axis=1), action * np.array(scales.action), skipped))
        skipped = 0
    return found


def _check_motion(
    time: np.ndarray, q: np.ndarray, v: np.ndarray, scales: Scales, *, unwrapped: bool, label: str
) -> None:
    names, angles = scales.roles.position, [i for i, length in enumerate(scales.lengths) if not length]
    for i in angles:
        check_wraps(q[:, i], names[i], label)
    if v.size:
        check_velocities(time, q, v, list(zip(names, scales.roles.velocity, strict=True)), label)
    for i in angles:
        if not (unwrapped or scales.angle_is_declared[i]):
            check_span(time, q[:, i], names[i], label)


def _between_gaps(time: np.ndarray, gap: float) -> list[tuple[int, int]]:
    ends = [0, *(np.flatnonzero(np.diff(time) > gap) + 1), len(time)]
    return [(int(begin), int(end)) for begin, end in pairwise(ends)]


def _episode(recording: _Recording, begin: int, end: int, settings: LogSettings) -> Episode:
    time, action = recording.time[begin:end], recording.action[begin:end]
    steps = np.diff(time)[:, None]
    acting = action[:-1] if settings.actions == "held" else (action[:-1] + action[1:]) / 2
    kept = np.arange(0, len(time), settings.every)
    total = np.concatenate([np.zeros((1, action.shape[1])), np.cumsum(acting * steps, axis=0)])
    count = len(kept) - 1
    mean = acting[:count] if settings.every == 1 else np.diff(total[kept], axis=0) / np.diff(time[kept])[:, None]
    last = np.zeros(count, bool)
    last[-1:] = True
    return Episode(
        observation=recording.observation[begin:end][kept],
        action=mean,
        reward=np.zeros(count),
        terminated=np.zeros(count, bool),
        truncated=last,
        time=time[kept] - time[0],
    )


def _provenance(
    tables: Sequence[Table],
    steps: np.ndarray,
    scales: Scales,
    settings: LogSettings,
    gap: float,
    resolutions: Mapping[str, float],
) -> Provenance:
    roles, names = scales.roles, scales.names
    bound = np.inf if settings.limit is None else settings.limit
    # The files are named without their folders, so that the same logs give the same bytes anywhere.
    files = [table.label.replace("\\", "/").rpartition("/")[2] for table in tables]
    return Provenance(
        env_id=settings.name,
        observation_space=Box(-np.inf, np.inf, (len(names),), np.float64),
        action_space=Box(-bound, bound, (len(roles.action),), np.float64),
        observation_names=names,
        dt=float(np.median(steps)),
        policy=LOG,
        policy_settings={
            "files": files,
            "columns": {
                key: list(value) if isinstance(value, tuple) else value for key, value in asdict(roles).items()
            },
            "actions": settings.actions,
            "every": settings.every,
            "gap_s": gap,
            **({} if settings.differentiate is None else {"differentiate_s": settings.differentiate}),
            **({"resolutions": dict(resolutions)} if resolutions else {}),
        },
        coordinates=scales.coordinates().to_json(),
    )


def _clock(steps: np.ndarray, *, every: int, gap: float, cuts: int) -> str:
    low, middle, high = float(steps.min()), float(np.median(steps)), float(steps.max())
    ended = "no step is longer" if not cuts else "1 step is longer" if cuts == 1 else f"{cuts} steps are longer"
    between = "" if every == 1 else f" between rows, of which one in {every} is kept"
    return (
        f"A step takes {middle:.6g} s ({low:.6g} to {high:.6g}); an episode ends at a gap of {gap:.4g} s{between}, and "
        f"{ended}."
    )
