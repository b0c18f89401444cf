"""Encoders that count from where a machine stood when it was switched on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hnn_gym.coordinates import Control, Coordinates, DegreeOfFreedom
from hnn_gym.data import LogSettings, TransitionDataset
from hnn_gym.errors import InputError
from hnn_gym.evaluation.zeros import without_zeros
from hnn_gym.physics.dynamics import PortHamiltonian
from hnn_gym.physics.hamiltonians import Link, PlanarChain
from hnn_gym.physics.integrators import InVelocities, Leapfrog
from hnn_gym.training import FitSettings, train_world
from hnn_gym.training.determination import physical_words
from hnn_gym.training.preparation import windows_of
from hnn_gym.training.zeros import Zeros, estimated_zeros
from hnn_gym.worlds.world_model import WorldModel

ZEROS = np.array([0.12, -0.08])
FIT = FitSettings(
    loss="shooting", horizon=10, adam_steps=0, lbfgs_steps=0, least_squares_steps=6, decay=1e-8, zeros=True
)
CARD = {"zeros": [[0.1], [-0.1]], "figures": {"sensor_noise": [1e-3]}}
OPTIONS = {"damping": True, "symmetric": True}
SCHEME = InVelocities(Leapfrog())


@pytest.fixture(scope="module")
def pendulum() -> WorldModel:
    """One link with a motor and viscous friction, in steps of 0.02 s."""
    coordinates = Coordinates((DegreeOfFreedom(position=0, angle=True),), (Control(0, unit="N m"),))
    chain = PlanarChain.of_links((Link(0.5, 0.4, 0.2, 0.01),), gravity=9.81, upright=False)
    return WorldModel(coordinates, PortHamiltonian(chain, np.eye(1), np.array([0.02])), SCHEME, 0.02)


@pytest.fixture(scope="module")
def log(pendulum: WorldModel) -> TransitionDataset:
    """Its angles in two episodes of 40 steps, each with a zero of its own."""
    rng = np.random.default_rng(0)
    torque = np.repeat(rng.uniform(-0.4, 0.4, (4, 2, 1)), 10, axis=0)
    start = pendulum.phase_point(rng.uniform(-1, 1, (2, 1)), np.zeros((2, 1)))
    q, _ = pendulum.state(pendulum.rollout(start, torque))
    shown = [q[:, i] + zero for i, zero in enumerate(ZEROS)]
    stamps = [0.02 * np.arange(41)] * 2
    actions = [np.concatenate([torque[:, i], torque[-1:, i]]) for i in range(2)]
    return TransitionDataset.from_arrays(stamps, shown, action=actions, settings=LogSettings(angle_unit="rad"))


def test_zeros_of_episodes_are_learned_with_the_model(pendulum: WorldModel, log: TransitionDataset) -> None:
    world = train_world(log, "chain", settings=FIT, options=OPTIONS, integrator=SCHEME)
    # The log is exact, so that decay is all that is left: with zeros of 0 the errors are 0.01 and more.
    assert np.abs(np.ravel(world.card["zeros"]) - ZEROS).max() < 1e-4
    assert max(world.card["figures"]["sensor_noise"]) < 1e-4
    assert "The encoder of position 1 shows -0.08 to 0.12 at the zero of the model" in physical_words(world.card)[0]
    at = np.linspace(-1, 1, 5)[:, None]
    np.testing.assert_allclose(world.dynamics.momentum(at, at), pendulum.dynamics.momentum(at, at), rtol=1e-3)


def test_a_known_world_finds_the_zeros_of_further_episodes(pendulum: WorldModel, log: TransitionDataset) -> None:
    windows = windows_of(log, pendulum.coordinates, pendulum.dt, replace(FIT, horizon=40))
    learned = replace(pendulum, card=CARD)
    np.testing.assert_allclose(estimated_zeros(learned, windows)[:, 0], ZEROS, atol=1e-3)
    # Where the errors of a fit are as large as its zeros, two windows tell little.
    rough = replace(pendulum, card={**CARD, "figures": {"sensor_noise": [0.1]}})
    assert np.abs(estimated_zeros(rough, windows)).max() < 0.08


def test_a_report_of_a_log_takes_the_zeros_of_its_encoders_away(pendulum: WorldModel, log: TransitionDataset) -> None:
    same, words = without_zeros(pendulum, log)
    assert same is log
    assert not words
    plain, words = without_zeros(replace(pendulum, card=CARD), log)
    assert "-0.08 to 0.12" in words[0]
    still = [episode.observation[0] - other.observation[0] for episode, other in zip(log, plain, strict=True)]
    np.testing.assert_allclose(np.ravel(still), ZEROS, atol=0.02)


def test_zeros_are_refused_where_they_mean_nothing(log: TransitionDataset) -> None:
    with pytest.raises(InputError, match="needs loss='shooting', which --noisy sets"):
        replace(FIT, loss="prediction")
    circle = Coordinates((DegreeOfFreedom(cos=0, sin=1, velocity=2),))
    seen = TransitionDataset.from_arrays(0.02 * np.arange(60), np.sin(0.1 * np.arange(60)), settings=LogSettings())
    windows = windows_of(seen, Coordinates((DegreeOfFreedom(position=0, angle=True),)), 0.02, FIT)
    with pytest.raises(InputError, match="is a cosine and a sine: leave out zeros=True"):
        Zeros(windows, circle, scale=np.ones(3), device="cpu")
