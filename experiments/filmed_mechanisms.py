"""Two mechanisms filmed by Schmidt and Lipson (Science 324, 2009): ``python -m experiments.filmed_mechanisms``.

A double pendulum: 1,520 rows of two motions, one of which turns over, with stamps 0.01 to 0.19 s apart because frames
were dropped. Two carts on an air track with springs: 495 rows of one motion, positions in whole pixels. All rows are
used as they are: each motion is cut into three parts, a world is learned from the positions and the stamps of two
parts of each, and it forecasts the third from every row on, from a state that it estimates from the rows before. The
data are not part of this repository.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console

from hnn_gym.command import run
from hnn_gym.data import LogSettings, TransitionDataset
from hnn_gym.data.logs.slopes import slopes
from hnn_gym.data.schmidt_lipson import read_schmidt_lipson
from hnn_gym.errors import ConvergenceError
from hnn_gym.evaluation.measured_motion import begun, rolled
from hnn_gym.physics.integrators import Integrator, InVelocities, Leapfrog, RungeKutta4, Substeps
from hnn_gym.studies import Executing, Execution, Results, run_cells
from hnn_gym.training import FitSettings, train_world
from hnn_gym.worlds.world_model import WorldModel

PARTS = 3
HORIZONS = (10, 50)
"""Rows that a forecast reaches ahead."""
BEFORE = 20
"""Rows before a forecast from which its start is estimated."""
OURS = "ours"
"""The contender with physics; the other is a second-order network."""


@dataclass(frozen=True)
class Contender:
    """How a world is learned, from windows of 20 rows.

    Attributes:
        model: its kind.
        options: its hyperparameters.
        integrator: its scheme.
        decay: of its weights.
        adam_steps: before least squares.
        least_squares_steps: of the fit.
    """

    model: str
    options: Mapping[str, Any]
    integrator: Integrator
    decay: float = 1e-8
    adam_steps: int = 0
    least_squares_steps: int = 15

    @property
    def fit(self) -> FitSettings:
        """The settings of the fit."""
        return FitSettings(
            loss="shooting",
            horizon=20,
            adam_steps=self.adam_steps,
            lbfgs_steps=0,
            least_squares_steps=self.least_squares_steps,
            decay=self.decay,
        )


@dataclass(frozen=True)
class Mechanism:
    """What was filmed.

    Attributes:
        member: the file in the recording's zip.
        log: how its columns are read; longer steps than its gap are not bridged, neither by a fit nor by a forecast.
        ours: how a world with physics is learned.
        size: of the unit of positions, in those of the recording.
        slope_seconds: forecasts are compared with slopes of the positions over so many seconds; None: with the
            velocities of the recording.
    """

    member: str
    log: LogSettings
    ours: Contender
    size: float = 1.0
    slope_seconds: float | None = None


MECHANISMS = {
    "pendulum": Mechanism(
        "real_double_pend_h_1",
        LogSettings(name="FilmedPendulum", angle_unit="rad", gap=0.1),
        Contender("chain", {"damping": True, "absolute": True}, Substeps(InVelocities(RungeKutta4()), 2)),
    ),
    # The velocities of this recording are smoothed: those of the first cart are a tenth smaller than the slopes.
    "springs": Mechanism(
        "real_double_linear_h_1",
        LogSettings(name="FilmedCarts", lengths=("q0", "q1"), gap=0.1),
        Contender("mechanical", {"damping": True, "hidden": ()}, Substeps(Leapfrog(), 2)),
        size=100.0,
        slope_seconds=0.24,
    ),
}
"""By name."""
NETWORK = Contender(
    "second-order", {"hidden": (32,)}, Substeps(Leapfrog(), 2), decay=1e-5, adam_steps=100, least_squares_steps=30
)
"""With the units and the decay that suit the real robot best (:mod:`experiments.real_robot`)."""


@dataclass(frozen=True)
class Settings:
    """Learn filmed mechanisms."""

    data: Path = Path("../shared/data/invar_datasets.zip")
    """The recordings, yours: invar_datasets.zip."""
    out: Path | None = Path("docs/results/filmed_mechanisms.json")
    """JSON file; results in it are not measured again. None: keep nothing."""
    mechanisms: tuple[str, ...] = tuple(MECHANISMS)
    """Which of them."""
    execution: Executing = field(default_factory=Execution)


@dataclass(frozen=True)
class Part:
    """Rows of one motion that follow each other.

    Attributes:
        time: stamps in s ``(rows,)``.
        state: both positions and their rates ``(rows, 4)``.
    """

    time: np.ndarray
    state: np.ndarray

    def rows(self, some: slice) -> Part:
        """Some of the rows."""
        return Part(self.time[some], self.state[some])


def motions_of(data: Path, mechanism: Mechanism) -> list[Part]:
    """The motions of a recording."""
    motion = read_schmidt_lipson(data, mechanism.member)
    parts = [Part(motion.time[motion.trial == k], motion.state[motion.trial == k]) for k in np.unique(motion.trial)]
    if mechanism.slope_seconds is None:
        return parts
    q = [part.state[:, :2] / mechanism.size for part in parts]
    v = [slopes(part.time, some, seconds=mechanism.slope_seconds) for part, some in zip(parts, q, strict=True)]
    return [replace(part, state=np.concatenate(pair, axis=1)) for part, *pair in zip(parts, q, v, strict=True)]


def divided(motions: Sequence[Part], left_out: int) -> tuple[list[Part], list[Part]]:
    """The rows to learn from, and those to forecast: part ``left_out`` of each motion."""
    train, test = [], []
    for motion in motions:
        bounds = np.linspace(0, len(motion.time), PARTS + 1).astype(int)
        begin, end = bounds[left_out], bounds[left_out + 1]
        test.append(motion.rows(slice(begin, end)))
        train += [motion.rows(rows) for rows in (slice(0, begin), slice(end, None)) if len(motion.time[rows])]
    return train, test


def learn(mechanism: Mechanism, contender: Contender, train: Sequence[Part]) -> WorldModel:
    """Learn a world from positions and stamps."""
    dataset = TransitionDataset.from_arrays(
        [part.time for part in train], [part.state[:, :2] for part in train], settings=mechanism.log
    )
    return train_world(
        dataset, contender.model, settings=contender.fit, options=contender.options, integrator=contender.integrator
    )


def errors_of(world: WorldModel, part: Part, gap: float, ahead: int) -> np.ndarray:
    """Errors ``(S, 4)`` after ``ahead`` rows of the forecasts from all rows that 20 rows precede.

    A forecast that leaves the finite numbers errs by infinity. A forecast and its rows before reach over no gap.
    """
    steps, n = np.diff(part.time), BEFORE + ahead
    first = np.array([k for k in range(len(steps) - n + 1) if steps[k : k + n].max() <= gap], int)
    rows = first[:, None] + np.arange(n + 1)
    duration, nothing = steps[rows[:, :-1]], np.zeros((len(first), n, 0))
    found = np.full((len(first), 4), np.inf)
    try:
        x = begun(world, part.state[rows][..., :2], nothing, duration, before=BEFORE)
        end = rolled(world, x, nothing[:, BEFORE:], duration[:, BEFORE:])[:, -1]
    except ConvergenceError:
        return found
    return np.concatenate(world.state(end), axis=-1) - part.state[rows[:, -1]]


def judged(motions: Sequence[Part], mechanism: Mechanism, world: WorldModel, test: Sequence[Part]) -> dict[str, Any]:
    """Statistics of the errors by the rows ahead, in standard deviations of the first motion."""
    scale, found = motions[0].state.std(axis=0), {}
    assert mechanism.log.gap is not None
    for ahead in HORIZONS:
        errors = np.concatenate([errors_of(world, part, mechanism.log.gap, ahead) for part in test]) / scale
        mean = np.sqrt((errors**2).mean(axis=1))
        found[str(ahead)] = {
            "forecasts": len(errors),
            "median_sd": float(np.median(mean)),
            "worst_tenth_sd": float(np.quantile(mean, 0.9)),
            "rms_sd": float(np.sqrt((errors**2).mean())),
            "median_of_positions_sd": float(np.median(np.sqrt((errors[:, :2] ** 2).mean(axis=1)))),
            "rms_of_positions_sd": float(np.sqrt((errors[:, :2] ** 2).mean())),
        }
    return found


def measure(data: Path, name: str, contender: str, left_out: int) -> dict[str, Any]:
    """Learn two parts of each motion and forecast the third."""
    mechanism = MECHANISMS[name]
    motions = motions_of(data, mechanism)
    train, test = divided(motions, left_out)
    world = learn(mechanism, mechanism.ours if contender == OURS else NETWORK, train)
    return {
        "rows": sum(len(part.time) for part in (*train, *test)),
        "after": judged(motions, mechanism, world, test),
        "sensor_noise": world.card["figures"]["sensor_noise"],
        **({"mass_ratios": world.card["mass_ratios"]} if "mass_ratios" in world.card else {}),
    }


def _main(settings: Settings) -> None:
    torch.set_num_threads(1)
    results = Results(settings.out, command="python -m experiments.filmed_mechanisms")
    cells = {
        f"{name}/{contender}/{part + 1}": partial(measure, settings.data, name, contender, part)
        for contender in (OURS, "network")
        for name in settings.mechanisms
        for part in range(PARTS)
    }
    with settings.execution.opened() as executor:
        run_cells(results, cells, executor=executor, console=Console())


if __name__ == "__main__":
    run(_main, Settings, prog="python -m experiments.filmed_mechanisms")
