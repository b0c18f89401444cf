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

from hnn_gym.coordinates import Control, Coordinates, DegreeOfFreedom
from hnn_gym.data.episode import Episode
from hnn_gym.data.logs.checks import check_angles, check_complete, check_stamps, check_velocities
from hnn_gym.data.logs.resolution import resolution_of
from hnn_gym.data.logs.roles import Roles, looks_like_length, number_in
from hnn_gym.data.logs.settings import SECONDS, LogSettings
from hnn_gym.data.logs.table import Table
from hnn_gym.data.provenance import Provenance
from hnn_gym.errors import InputError

_GAP_STEPS = 10.0
POLICY = "log"
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
    _check_roles(roles, settings)
    lengths = _lengths(roles, settings)
    recordings = [part for table in tables for part in _recordings(table, roles, settings, lengths)]
    every_step = np.concatenate([np.diff(recording.time) for recording in recordings])
    gap = settings.gap or _GAP_STEPS * float(np.median(every_step))
    episodes, bridged = [], []
    for recording in recordings:
        for begin, end in _between_gaps(recording.time, gap):
            if end - begin > settings.every:
                episodes.append(_episode(recording, begin, end, settings))
                bridged.append(np.diff(recording.time[begin:end]))
    if not episodes:
        raise InputError(
            f"Nothing is left of the log: no {settings.every + 1} rows follow each other within {gap:g} s."
        )
    coordinates = _coordinates(roles, settings, lengths)
    shown = np.concatenate([recording.observation for recording in recordings])
    names = (*roles.position, *roles.velocity)
    resolutions = {name: resolution_of(column) for name, column in zip(names, shown.T, strict=True)}
    coarse = {name: float(f"{value:.6g}") for name, value in resolutions.items() if value is not None}
    provenance = _provenance(tables, episodes, roles, settings, coordinates, gap, coarse)
    sentences = (
        *_units(roles, settings, lengths),
        _clock(np.concatenate(bridged), gap=gap, cuts=int((every_step > gap).sum())),
    )
    sentences += tuple(f"{name} is shown in steps of {value:.3g}." for name, value in coarse.items())
    skipped = sum(recording.skipped for recording in recordings)
    if skipped:
        sentences += (f"{skipped} incomplete rows were left out.",)
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


def _recordings(table: Table, roles: Roles, settings: LogSettings, lengths: tuple[bool, ...]) -> list[_Recording]:
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
            time = (stamps - stamps[:1]) * SECONDS[_time_unit(roles, settings)]
        check_stamps(
            time, table.label, declared_unit=_time_unit(roles, settings) != "s" or settings.time_unit is not None
        )
        q, v, action = (
            np.stack([table.columns[name][part] for name in names], axis=1) if names else np.empty((len(part), 0))
            for names in (roles.position, roles.velocity, roles.action)
        )
        q, v = _in_radians(q, v, roles, settings, lengths, table.label)
        if v.size:
            pairs = list(zip(roles.position, roles.velocity, strict=True))
            check_velocities(time, q, v, pairs, table.label)
        found.append(_Recording(time, np.concatenate([q, v], axis=1), action, skipped))
        skipped = 0
    return found


def _in_radians(
    q: np.ndarray, v: np.ndarray, roles: Roles, settings: LogSettings, lengths: tuple[bool, ...], label: str
) -> tuple[np.ndarray, np.ndarray]:
    angles = ~np.array(lengths)
    unit = np.where(angles & (settings.angle_unit == "deg"), np.pi / 180, 1.0)
    q, v = q * unit, v * unit if v.size else v
    if settings.unwrap:
        q[:, angles] = np.unwrap(q[:, angles], axis=0)
    names = [name for name, length in zip(roles.position, lengths, strict=True) if not length]
    check_angles(q[:, angles], names, label, declared_unit=settings.angle_unit is not None)
    return q, v


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
    episodes: Sequence[Episode],
    roles: Roles,
    settings: LogSettings,
    coordinates: Coordinates,
    gap: float,
    resolutions: Mapping[str, float],
) -> Provenance:
    steps = np.concatenate([np.diff(episode.time) for episode in episodes if episode.time is not None])
    names = (*roles.position, *roles.velocity)
    bound = np.inf if settings.limit is None else settings.limit
    # The files are named without their folders, so that the same logs give the same bytes anywhere.
    files = [table.label.replace("\\", "/").rpartition("/")[2] for table in tables]
    return Provenance(
        env_id=settings.name,
        observation_space=Box(-np.inf, np.inf, (len(names),), np.float64),
        action_space=Box(-bound, bound, (len(roles.action),), np.float64),
        observation_names=names,
        dt=float(np.median(steps)),
        policy=POLICY,
        policy_settings={
            "files": files,
            "columns": {
                key: list(value) if isinstance(value, tuple) else value for key, value in asdict(roles).items()
            },
            "actions": settings.actions,
            "every": settings.every,
            "gap_s": gap,
            **({"resolutions": dict(resolutions)} if resolutions else {}),
        },
        coordinates=coordinates.to_json(),
    )


def _coordinates(roles: Roles, settings: LogSettings, lengths: tuple[bool, ...]) -> Coordinates:
    n = len(roles.position)
    degrees = tuple(
        DegreeOfFreedom(position=i, velocity=n + i if roles.velocity else None, angle=not length)
        for i, length in enumerate(lengths)
    )
    controls = []
    for degree in _acted_on(roles, settings):
        unit = None if settings.unknown_gain or degree is None else "N" if lengths[degree] else "N m"
        controls.append(Control(degree=degree, limit=settings.limit, unit=unit))
    return Coordinates(degrees=degrees, controls=tuple(controls))


def _acted_on(roles: Roles, settings: LogSettings) -> list[int | None]:
    if settings.acts_on is not None:
        return [roles.position.index(name) for name in settings.acts_on]
    if len(roles.action) == len(roles.position):
        return list(range(len(roles.action)))
    numbers = [number_in(name) for name in roles.position]
    return [
        numbers.index(number) if (number := number_in(name)) and numbers.count(number) == 1 else None
        for name in roles.action
    ]


def _lengths(roles: Roles, settings: LogSettings) -> tuple[bool, ...]:
    if settings.lengths is None:
        return tuple(looks_like_length(name) for name in roles.position)
    return tuple(name in settings.lengths for name in roles.position)


def _time_unit(roles: Roles, settings: LogSettings) -> str:
    if settings.time_unit is not None:
        return settings.time_unit
    ending = (roles.time or "").lower().rpartition("_")[2]
    return ending if ending in SECONDS else "s"


def _check_roles(roles: Roles, settings: LogSettings) -> None:
    if (roles.time is None) == (settings.dt is None):
        raise InputError("A log has a column of stamps, or a time step dt: give one of the two (--time or --dt).")
    for setting in ("lengths", "acts_on"):
        for name in getattr(settings, setting) or ():
            if name not in roles.position:
                raise InputError(f"{setting} names {name!r}, which is not one of the positions {list(roles.position)}.")
    if settings.acts_on is not None and len(settings.acts_on) != len(roles.action):
        raise InputError(f"acts_on names {len(settings.acts_on)} positions for {len(roles.action)} actions.")


def _units(roles: Roles, settings: LogSettings, lengths: tuple[bool, ...]) -> tuple[str, ...]:
    was = settings.angle_unit or "rad"
    sentences = []
    for i, (name, length) in enumerate(zip(roles.position, lengths, strict=True)):
        unit = "m" if length else "rad" if was == "rad" else "rad (from degrees)"
        speed = f", {roles.velocity[i]} its velocity in {'m' if length else 'rad'}/s" if roles.velocity else ""
        sentences.append(
            f"{name} is a {'length' if length else 'angle'} in {unit}{speed}.".replace("a angle", "an angle")
        )
    for name, degree in zip(roles.action, _acted_on(roles, settings), strict=True):
        if degree is None:
            sentences.append(f"{name} acts on a position that is not known; its gains are learned.")
        elif settings.unknown_gain:
            sentences.append(f"{name} acts on {roles.position[degree]} with a gain that is learned.")
        else:
            kind = "force in N" if lengths[degree] else "torque in N m"
            sentences.append(f"{name} is a {kind} on {roles.position[degree]}.")
    return tuple(sentences)


def _clock(steps: np.ndarray, *, gap: float, cuts: int) -> str:
    low, middle, high = float(steps.min()), float(np.median(steps)), float(steps.max())
    ended = "no step is longer" if not cuts else "1 step is longer" if cuts == 1 else f"{cuts} steps are longer"
    return (
        f"A step takes {middle:.6g} s ({low:.6g} to {high:.6g}); an episode ends at a gap of {gap:.4g} s, and {ended}."
    )
