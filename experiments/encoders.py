"""A two-link arm from its encoders alone: ``python -m experiments.encoders``.

The arm is simulated with steps ten times as fine as its rows, so that its friction is known. Its log holds angles
rounded to the lines of an encoder and torques, every 0.01 s on average: the stamps jitter by 5 %, and 3 % of the rows
are missing. A world is learned from four episodes of 3 s as it is learned from any log, and forecasts two others.
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
from hnn_gym.coordinates import Control, Coordinates, DegreeOfFreedom
from hnn_gym.data import LogSettings, TransitionDataset
from hnn_gym.physics.dynamics import PortHamiltonian
from hnn_gym.physics.hamiltonians import Link, PlanarChain
from hnn_gym.physics.integrators import InVelocities, Leapfrog, Substeps
from hnn_gym.studies import Executing, Execution, Results, run_cells
from hnn_gym.training import FitSettings, train_world
from hnn_gym.worlds.world_model import WorldModel

VISCOUS, COULOMB = np.array([0.05, 0.02]), np.array([0.15, 0.08])
_LINKS = (Link(0.6, 0.3, 0.15, 0.006), Link(0.4, 0.25, 0.125, 0.003))
_DT, _JITTER, _DROPPED, _LINE = 0.01, 0.05, 0.03, 2 * np.pi / 8192
_EPISODES, _HELD_OUT, _ROWS, _AHEAD, _HELD = 4, 2, 300, 200, 20
_TORQUE = np.array([1.5, 0.4])
_COORDINATES = Coordinates(
    (DegreeOfFreedom(position=0, angle=True), DegreeOfFreedom(position=1, angle=True)),
    (Control(0, unit="N m"), Control(1, unit="N m")),
)
_FIT = FitSettings(loss="shooting", horizon=30, adam_steps=0, lbfgs_steps=0, least_squares_steps=25, decay=1e-8)


@dataclass(frozen=True)
class Settings:
    """Learn a simulated arm from its encoders."""

    out: Path | None = Path("docs/results/encoders.json")
    """JSON file; results in it are not measured again. None: keep nothing."""
    seeds: tuple[int, ...] = (1, 2, 3)
    """Seeds of the recordings; the settings were chosen with seed 0."""
    execution: Executing = field(default_factory=Execution)


@dataclass(frozen=True)
class Motion:
    """The arm's motion in E episodes.

    Attributes:
        durations: of the steps in s ``(T, E)``.
        torque: ``(T, E, 2)``.
        q: angles ``(T + 1, E, 2)``.
        v: their rates.
    """

    durations: np.ndarray
    torque: np.ndarray
    q: np.ndarray
    v: np.ndarray


def arm() -> WorldModel:
    """The arm, with steps ten times as fine as the rows of its log."""
    chain = PlanarChain.of_links(_LINKS, gravity=9.81, upright=False)
    dynamics = PortHamiltonian(chain, np.eye(2), VISCOUS, COULOMB)
    return WorldModel(_COORDINATES, dynamics, Substeps(InVelocities(Leapfrog()), 10), _DT)


def moved(seed: int, *, rows: int = _ROWS) -> Motion:
    """Drive the arm by random torques that last for 0.2 s each."""
    rng, episodes, world = np.random.default_rng(seed), _EPISODES + _HELD_OUT, arm()
    durations = _DT * (1 + _JITTER * rng.uniform(-1, 1, (rows, episodes)))
    held = rng.uniform(-1, 1, (-(-rows // _HELD), episodes, 2)) * _TORQUE
    torque = np.repeat(held, _HELD, axis=0)[:rows]
    start = world.phase_point(rng.uniform(-0.8, 0.8, (episodes, 2)), np.zeros((episodes, 2)))
    return Motion(durations, torque, *world.state(world.rollout(start, torque, durations=durations)))


def log_of(motion: Motion, seed: int) -> TransitionDataset:
    """What the encoders saw of the episodes to learn from; an action lasts until the next stamp that was kept."""
    rng = np.random.default_rng([seed, 1])
    times, angles, torques = [], [], []
    for episode in range(_EPISODES):
        duration = motion.durations[:, episode]
        time = np.concatenate([[0.0], np.cumsum(duration)])
        kept = np.flatnonzero(np.append(rng.random(len(duration)) >= _DROPPED, True))
        pushed = np.concatenate([np.zeros((1, 2)), np.cumsum(motion.torque[:, episode] * duration[:, None], axis=0)])
        mean = np.diff(pushed[kept], axis=0) / np.diff(time[kept])[:, None]
        times.append(time[kept])
        angles.append(np.round(motion.q[kept, episode] / _LINE) * _LINE)
        torques.append(np.concatenate([mean, mean[-1:]]))
    settings = LogSettings(name="Arm", angle_unit="rad")
    return TransitionDataset.from_arrays(times, angles, action=torques, settings=settings)


def measure(seed: int, *, fit: FitSettings = _FIT, rows: int = _ROWS, ahead: int = _AHEAD) -> dict[str, Any]:
    """Learn one recording; errors of friction as shares of the truth, and of forecasts in standard deviations."""
    motion = moved(seed, rows=rows)
    options = {"damping": True, "dry": True, "symmetric": True}
    scheme = Substeps(InVelocities(Leapfrog()), 2)
    world = train_world(log_of(motion, seed), "chain", settings=fit, options=options, integrator=scheme)
    dynamics: Any = world.dynamics
    held = slice(_EPISODES, None)
    q, v = motion.q[:, held], motion.v[:, held]
    states, scale = np.concatenate([q, v], axis=-1), np.concatenate([q, v], axis=-1).std(axis=(0, 1))
    starts = range(0, rows - ahead + 1, 10)
    errors = []
    for k in starts:
        x = world.phase_point(q[k], v[k])
        span = slice(k, k + ahead)
        path = world.rollout(x, motion.torque[span, held], durations=motion.durations[span, held])
        found = np.concatenate(world.state(path[-1]), axis=-1)
        errors += list((np.abs(found - states[k + ahead]) / scale).max(axis=-1))
    return {
        "error_after_200_steps_sd": float(np.median(errors)),
        "worst_tenth_sd": float(np.quantile(errors, 0.9)),
        "friction": world.card["friction"],
        "viscous_share_of_truth": (dynamics.damping / VISCOUS).tolist(),
        "coulomb_share_of_truth": (dynamics.dry / COULOMB).tolist(),
        "sensor_noise_rad": world.card["figures"]["sensor_noise"],
    }


def _main(settings: Settings) -> None:
    torch.set_num_threads(1)
    results = Results(settings.out, command="python -m experiments.encoders")
    cells = {f"arm/{seed}": partial(measure, seed) for seed in settings.seeds}
    with settings.execution.opened() as executor:
        run_cells(results, cells, executor=executor, console=Console())


if __name__ == "__main__":
    run(_main, Settings, prog="python -m experiments.encoders")
