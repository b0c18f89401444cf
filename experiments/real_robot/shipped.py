"""The world of the real robot that ships, learned from all four excitations, with its forecasts of the swing-up."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from experiments.real_robot.contenders import HORIZONS, squared_errors
from experiments.real_robot.recordings import dataset_of, read_recordings
from hnn_gym.data import TransitionDataset
from hnn_gym.physics.integrators import Substeps
from hnn_gym.systems import System, Twin
from hnn_gym.training import FitSettings, train_world
from hnn_gym.worlds.world_model import WorldModel

_EVERY = 5
"""Rows of 0.01 s: one step of the scheme each, of which a step of the environment takes two."""
_SLOPES = 0.042
"""Seconds over which velocities are derived from positions, as the study chose it inside the excitations."""


def excitations(folder: Path) -> TransitionDataset:
    """Positions, velocities derived from them, and torques of all excitations, every fifth row.

    Raises:
        MissingPathError: there are none in the folder; the message says where they come from.
    """
    tables = read_recordings(folder, excitations=True)
    return dataset_of(list(tables.values()), every=_EVERY, differentiate=_SLOPES)


def learned_robot(system: System, twin: Twin, folder: Path, *, seed: int) -> WorldModel:
    """Learn the world, which then shows the observations that its system declares."""
    dataset = excitations(folder)
    settings = FitSettings(**twin.fit, seed=seed)
    assert isinstance(twin.integrator, Substeps)
    scheme = twin.integrator.inner
    world = train_world(dataset, twin.model, settings=settings, options=twin.options, integrator=scheme)
    coordinates = system.coordinates_for()
    assert coordinates is not None
    assert system.dt is not None
    errors = np.concatenate(
        [squared_errors(world, table) for table in read_recordings(folder, excitations=False).values()], axis=1
    )
    rms = dict(zip(HORIZONS, np.sqrt(errors.mean(axis=1)).tolist(), strict=True))
    card = dict(world.card)
    card["data"] = {name: value for name, value in card["data"].items() if name != "starts"}  # those of positions alone
    noise, n = card["figures"]["sensor_noise"], coordinates.n
    card["figures"] = {
        "sensor_noise_rad": noise[:n],
        "noise_of_derived_velocities_rad_per_s": noise[n:],
        "error_of_a_swing_up_after_0.2_s_rad": rms[0.2],
        "error_of_a_swing_up_after_1_s_rad": rms[1.0],
    }
    return replace(world, coordinates=coordinates, integrator=twin.integrator, dt=system.dt, card=card)
