"""A real double pendulum, filmed by Schmidt and Lipson (Science 324, 2009): ``python -m experiments.filmed_pendulum``.

The recording holds 1,520 rows of two motions, one of which turns over, with stamps 0.01 to 0.19 s apart because frames
were dropped. All rows are used as they are: each motion is cut into three parts, a world is learned from the angles and
the stamps of two parts of each, and it forecasts the third from every row on. The data are not part of this repository.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console

from hnn_gym.command import run
from hnn_gym.data import LogSettings, TransitionDataset
from hnn_gym.data.schmidt_lipson import read_schmidt_lipson
from hnn_gym.physics.integrators import InVelocities, RungeKutta4, Substeps
from hnn_gym.studies import Executing, Execution, Results, run_cells
from hnn_gym.training import FitSettings, train_world
from hnn_gym.worlds.world_model import WorldModel

PARTS = 3
HORIZONS = (10, 50)
"""Rows that a forecast reaches ahead."""
GAP = 0.1
"""A longer step, in s, is not bridged, neither by a fit nor by a forecast; there are four."""
_FIT = FitSettings(loss="shooting", horizon=20, adam_steps=0, lbfgs_steps=0, least_squares_steps=15, decay=1e-8)


@dataclass(frozen=True)
class Settings:
    """Learn a filmed double pendulum."""

    data: Path = Path("../shared/data/invar_datasets.zip")
    """The recording, yours: invar_datasets.zip, or its real_double_pend_h_1.txt."""
    out: Path | None = Path("docs/results/filmed_pendulum.json")
    """JSON file; results in it are not measured again. None: keep nothing."""
    execution: Executing = field(default_factory=Execution)


@dataclass(frozen=True)
class Part:
    """Rows of one motion that follow each other.

    Attributes:
        time: stamps in s ``(rows,)``.
        state: both angles in rad and their rates in rad/s, as the recording has them ``(rows, 4)``.
    """

    time: np.ndarray
    state: np.ndarray


def motions_of(data: Path) -> list[Part]:
    """The motions of the recording."""
    motion = read_schmidt_lipson(data, "real_double_pend_h_1")
    return [Part(motion.time[motion.trial == k], motion.state[motion.trial == k]) for k in np.unique(motion.trial)]


def divided(motions: list[Part], left_out: int) -> tuple[list[Part], list[Part]]:
    """The parts to learn from, and those to forecast: part ``left_out`` of each motion."""
    train, test = [], []
    for motion in motions:
        bounds = np.linspace(0, len(motion.time), PARTS + 1).astype(int)
        begin, end = bounds[left_out], bounds[left_out + 1]
        test.append(Part(motion.time[begin:end], motion.state[begin:end]))
        for rows in (slice(0, begin), slice(end, None)):
            if len(motion.time[rows]):
                train.append(Part(motion.time[rows], motion.state[rows]))
    return train, test


def errors_of(world: WorldModel, part: Part, scale: np.ndarray, ahead: int) -> np.ndarray:
    """Errors ``(S, 4)`` after ``ahead`` rows of the forecasts from each row, in units of ``scale`` ``(4,)``."""
    steps = np.diff(part.time)
    starts = np.array([k for k in range(len(steps) - ahead + 1) if steps[k : k + ahead].max() <= GAP], int)
    durations = steps[starts + np.arange(ahead)[:, None]]
    x = world.phase_point(*np.split(part.state[starts], 2, axis=-1))
    path = world.rollout(x, np.zeros((ahead, len(starts), len(world.coordinates.controls))), durations=durations)
    return (np.concatenate(world.state(path[-1]), axis=-1) - part.state[starts + ahead]) / scale


def measure(data: Path, left_out: int, *, fit: FitSettings = _FIT) -> dict[str, Any]:
    """Learn two parts of each motion and forecast the third; errors in standard deviations of the first motion."""
    motions = motions_of(data)
    train, test = divided(motions, left_out)
    settings = LogSettings(name="FilmedPendulum", angle_unit="rad", gap=GAP)
    dataset = TransitionDataset.from_arrays(
        [part.time for part in train], [part.state[:, :2] for part in train], settings=settings
    )
    options = {"damping": True, "absolute": True}
    world = train_world(
        dataset, "chain", settings=fit, options=options, integrator=Substeps(InVelocities(RungeKutta4()), 2)
    )
    scale, found = motions[0].state.std(axis=0), {}
    for ahead in HORIZONS:
        errors = np.concatenate([errors_of(world, part, scale, ahead) for part in test])
        worst, mean = np.abs(errors).max(axis=1), np.sqrt((errors**2).mean(axis=1))
        found[str(ahead)] = {
            "forecasts": len(errors),
            "median_worst_entry_sd": float(np.median(worst)),
            "median_sd": float(np.median(mean)),
            "worst_tenth_sd": float(np.quantile(mean, 0.9)),
            "rms_sd": float(np.sqrt((errors**2).mean())),
        }
    rows = sum(len(part.time) for part in (*train, *test))
    return {"rows": rows, "after": found, "sensor_noise_rad": world.card["figures"]["sensor_noise"]}


def _main(settings: Settings) -> None:
    torch.set_num_threads(1)
    results = Results(settings.out, command="python -m experiments.filmed_pendulum")
    cells = {f"left-out/{part + 1}": partial(measure, settings.data, part) for part in range(PARTS)}
    with settings.execution.opened() as executor:
        run_cells(results, cells, executor=executor, console=Console())


if __name__ == "__main__":
    run(_main, Settings, prog="python -m experiments.filmed_pendulum")
