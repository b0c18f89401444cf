"""The motion that a recording shows, as a world sees it: states, residuals, work and heat.

Sensors may be noisy, and may show positions alone. The states of a recording are therefore those of the world's own
motion, piece by piece, from the starts that bring it nearest to what was measured. Within a piece the world explains
everything; what it does not explain is left in two places:

    residuals: measured - shown, at every row. Where they are far larger than elsewhere, something else has happened,
        such as a collision, or the sensor was wrong.
    energy: H at the start of the next piece = H at the start + work of the controls - heat of friction + a rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hnn_gym.coordinates import Coordinates
from hnn_gym.data import TransitionDataset
from hnn_gym.errors import ConvergenceError
from hnn_gym.physics.dynamics import PortHamiltonian
from hnn_gym.physics.phase import join, split
from hnn_gym.training import FitSettings
from hnn_gym.training.preparation import windows_of
from hnn_gym.training.starts import estimated_starts
from hnn_gym.training.windows import TrainingWindows
from hnn_gym.worlds.world_model import WorldModel

PIECE = 20
"""Steps of a piece: many more than unknown numbers of its start, and few enough that a model that is nearly right can
follow."""
_MOST_PIECES = 400
_PIECES_SHOWN, _PIECES_AHEAD = 24, 4
"""Of :func:`log_and_forecasts`: pieces shown, and pieces that one forecast lasts."""
_FAR = 8.0
"""Robust standard deviations from which on a row is not explained."""
_MEDIAN_TO_STD = 1.4826


@dataclass(frozen=True)
class MeasuredMotion:
    """N pieces of at most k steps of a recording, and the world's motion through them.

    Attributes:
        windows: the pieces as they were measured.
        x: phase points of the world's motion ``(N, k + 1, 2n)``; meaningless beyond the end of a piece.
        residual: measured - shown ``(N, k + 1, d)``; NaN where nothing was measured.
        time: of every moment in s from the start of its episode ``(N, k + 1)``.
        labels: names of the entries with their units ``(d,)``, such as "q1 (rad)".
    """

    windows: TrainingWindows
    x: np.ndarray
    residual: np.ndarray
    time: np.ndarray
    labels: tuple[str, ...]

    @property
    def scale(self) -> np.ndarray:
        """Typical size of the residuals of every entry ``(d,)``: a robust standard deviation."""
        return np.maximum(_MEDIAN_TO_STD * np.nanmedian(np.abs(self.residual), axis=(0, 1)), 1e-12)

    @property
    def unexplained(self) -> np.ndarray:
        """Which moments are not explained: bool ``(N, k + 1)``."""
        share = np.abs(np.nan_to_num(self.residual)) / self.scale
        found: np.ndarray = share.max(axis=-1) > _FAR
        return found

    def unexplained_spans(self) -> list[tuple[int, float, float, float]]:
        """Episode, first and last time in s, and largest residual in standard deviations of what is not explained.

        Pieces that follow each other make one span. The worst span comes first.
        """
        share = (np.abs(np.nan_to_num(self.residual)) / self.scale).max(axis=-1)
        spans: list[tuple[int, float, float, float]] = []
        for row in np.flatnonzero(self.unexplained.any(axis=1)):
            moments = self.time[row, self.unexplained[row]]
            span = (int(self.windows.episode[row]), float(moments[0]), float(moments[-1]), float(share[row].max()))
            last = spans[-1] if spans else None
            follows = row and self.windows.joined[row - 1] and self.unexplained[row - 1].any()
            if last is not None and follows:
                spans[-1] = (last[0], last[1], span[2], max(last[3], span[3]))
            else:
                spans.append(span)
        return sorted(spans, key=lambda span: -span[3])


@dataclass(frozen=True)
class EnergyBalance:
    """Where the energy of a motion comes from and goes to, from the start of one episode, at the starts of its pieces.

    Attributes:
        time: in s ``(N,)``.
        energy: H ``(N,)``, less that at the start.
        work: of the controls until then ``(N,)``.
        heat: of friction until then ``(N,)``.
    """

    time: np.ndarray
    energy: np.ndarray
    work: np.ndarray
    heat: np.ndarray

    @property
    def rest(self) -> np.ndarray:
        """What work and heat do not explain ``(N,)``."""
        return self.energy - self.work + self.heat


def measured_motion(world: WorldModel, recording: TransitionDataset, *, piece: int = PIECE) -> MeasuredMotion:
    """Follow a recording with a world.

    Args:
        world: on NumPy.
        recording: whole episodes; of a long one the first 400 pieces.
        piece: steps of a piece.

    Raises:
        InputError: the recording does not fit the world.
        ConvergenceError: the world leaves the finite numbers.
    """
    windows = windows_of(recording, world.coordinates, abs(world.dt), FitSettings(loss="shooting", horizon=piece))
    windows = windows.select(np.arange(min(len(windows), _MOST_PIECES)))
    starts = estimated_starts(world, windows)
    x = rolled(world, world.phase_point(*split(starts)), windows.action, windows.duration)
    shown = world.coordinates.unwrapped(world.decode(x), windows.observation)
    passed = np.broadcast_to(windows.step_time(abs(world.dt)), (*windows.action.shape[:2], 1))[..., 0]
    time = np.concatenate([np.zeros((len(windows), 1)), np.cumsum(passed, axis=1)], axis=1)
    ends = time[np.arange(len(windows)), windows.steps]
    for row in np.flatnonzero(windows.joined):
        time[row + 1] += time[row, 0] + ends[row]
    labels = entry_labels(world.coordinates, recording.provenance.observation_names)
    return MeasuredMotion(windows, x, windows.observation - shown, time, labels)


def entry_labels(coordinates: Coordinates, names: Sequence[str]) -> tuple[str, ...]:
    """Names of the entries of an observation with their units; where they have no names, their numbers."""
    units = [""] * coordinates.observation_size
    for degree in coordinates.degrees:
        unit = "rad" if degree.is_angle else "m"
        if degree.position is not None:
            units[degree.position] = f" ({unit})"
        if degree.velocity is not None and degree.velocity_scale == 1.0:
            units[degree.velocity] = f" ({unit}/s)"
    called = names or [f"entry {i}" for i in range(len(units))]
    return tuple(f"{name}{unit}" for name, unit in zip(called, units, strict=True))


def position_names(world: WorldModel) -> tuple[str, ...]:
    """Names of the degrees of freedom: those of the positions that the world was learned from, or numbers."""
    names = world.card.get("data", {}).get("provenance", {}).get("observation_names") or ()
    entries = [degree.position for degree in world.coordinates.degrees]
    return tuple(
        names[entry] if entry is not None and entry < len(names) else f"position {i + 1}"
        for i, entry in enumerate(entries)
    )


def energy_balance(world: WorldModel, motion: MeasuredMotion) -> EnergyBalance | None:
    """The balance of the episode with the most pieces; None for a world without an energy."""
    dynamics = world.dynamics
    if not isinstance(dynamics, PortHamiltonian):
        return None
    windows = motion.windows
    rows = np.flatnonzero(windows.episode == np.bincount(windows.episode).argmax())
    x = motion.x[rows]
    q, v = world.state(x)
    force = world.coordinates.force(windows.action[rows]) if world.coordinates.controls else None
    within = np.arange(x.shape[1] - 1) < windows.steps[rows, None]
    middle = q[:, :-1] + np.diff(q, axis=1) / 2
    work = np.zeros(within.shape)
    if force is not None:
        work = (dynamics.control_force(middle, force) * np.diff(q, axis=1)).sum(-1)
    passed = np.diff(motion.time[rows], axis=1)
    taken = [-dynamics.power(q[:, part], v[:, part], force) for part in (slice(None, -1), slice(1, None))]
    heat = passed * (taken[0] + taken[1]) / 2
    done, lost = (np.cumsum(np.sum(np.where(within, values, 0.0), axis=1)) for values in (work, heat))
    energy = world.energy(x[:, 0])
    return EnergyBalance(
        motion.time[rows, 0],
        energy - energy[0],
        np.concatenate([[0.0], done[:-1]]),
        np.concatenate([[0.0], lost[:-1]]),
    )


def log_and_forecasts(
    world: WorldModel, motion: MeasuredMotion
) -> tuple[np.ndarray, np.ndarray, list[tuple[np.ndarray, np.ndarray]]]:
    """Times ``(T,)`` and measurements ``(T, d)`` of some seconds of an episode, and forecasts from ends of its pieces.

    Args:
        world: on NumPy.
        motion: its motion along the recording.

    Returns:
        The first arguments of :func:`hnn_gym.evaluation.plots.beside_the_log`.
    """
    windows = motion.windows
    rows = np.flatnonzero(windows.episode == np.bincount(windows.episode).argmax())[: _PIECES_SHOWN + 1]
    within = np.arange(motion.x.shape[1]) <= windows.steps[rows, None]
    forecasts = []
    for first in range(0, len(rows) - 1, _PIECES_AHEAD + 1):
        ahead = rows[first + 1 : first + 1 + _PIECES_AHEAD]
        moving = np.arange(windows.action.shape[1]) < windows.steps[ahead, None]
        action = windows.action[ahead][moving][None]
        duration = np.diff(motion.time[ahead], axis=1)[moving][None]
        begin = motion.x[rows[first], windows.steps[rows[first]]][None]
        try:
            path = rolled(world, begin, action, duration)
        except ConvergenceError:
            continue
        started = motion.time[ahead[0], 0]
        moments = np.concatenate([[started], started + np.cumsum(duration[0])])
        forecasts.append((moments, world.decode(path[0])))
    return motion.time[rows][within], windows.observation[rows][within], forecasts


def begun(
    world: WorldModel, observation: np.ndarray, action: np.ndarray, duration: np.ndarray | None, *, before: int
) -> np.ndarray:
    """Phase points ``(N, 2n)`` after the first ``before`` steps of windows, estimated from these steps.

    Args:
        world: on NumPy.
        observation: ``(N, k + 1, d)``.
        action: control vectors ``(N, k, m)``.
        duration: of the steps in s ``(N, k)``; None: all take the time step of the world.
        before: how many of the steps.

    Raises:
        ConvergenceError: the world leaves the finite numbers.
    """
    seconds = None if duration is None else duration[:, :before]
    windows = TrainingWindows.of(
        observation[:, : before + 1],
        action[:, :before],
        coordinates=world.coordinates,
        dt=abs(world.dt),
        duration=seconds,
    )
    starts = estimated_starts(world, windows)
    return rolled(world, world.phase_point(*split(starts)), windows.action, seconds)[:, -1]


def rolled(world: WorldModel, x: np.ndarray, action: np.ndarray, duration: np.ndarray | None) -> np.ndarray:
    """The motion ``(N, k + 1, 2n)`` from phase points ``(N, 2n)`` under actions ``(N, k, m)``.

    Raises:
        ConvergenceError: the world leaves the finite numbers.
    """
    pushed = action.swapaxes(0, 1) if world.coordinates.controls else None
    durations = None if duration is None else duration.T
    path = world.rollout(x, pushed, steps=action.shape[1], durations=durations).swapaxes(0, 1)
    if not np.isfinite(path).all():
        raise ConvergenceError("The world leaves the finite numbers along this recording.")
    return path


def friction_force(world: WorldModel, degree: int, speed: np.ndarray) -> np.ndarray:
    """Friction ``(S,)`` against one degree of freedom at speeds ``(S,)``, where all the others rest at 0."""
    dynamics = world.dynamics
    assert isinstance(dynamics, PortHamiltonian)
    n = world.coordinates.n
    v = np.zeros((len(speed), n))
    v[:, degree] = speed
    power = dynamics.power(np.zeros_like(v), v, np.zeros((len(speed), len(world.coordinates.controls))))
    force: np.ndarray = -power / np.where(speed == 0, np.nan, speed)
    return force


def mass_matrices(world: WorldModel, q: np.ndarray) -> np.ndarray:
    """M ``(S, n, n)`` at positions ``(S, n)``."""
    still = world.dynamics.momentum(q, 0 * q)
    columns = [world.dynamics.momentum(q, 0 * q + unit) - still for unit in np.eye(world.coordinates.n)]
    return np.stack(columns, axis=-1)


def potential(world: WorldModel, q: np.ndarray) -> np.ndarray:
    """V ``(S,)`` at positions ``(S, n)``: the energy at rest."""
    energy: np.ndarray = world.energy(join(q, world.dynamics.momentum(q, 0 * q)))
    return energy
