"""A log as a world sees it: states from positions alone, rows that are not explained, and the balance of the energy."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hnn_gym.coordinates import Control, Coordinates, DegreeOfFreedom
from hnn_gym.data import LogSettings, TransitionDataset
from hnn_gym.evaluate import Evaluation, evaluate
from hnn_gym.evaluation.measured_motion import (
    MeasuredMotion,
    energy_balance,
    friction_force,
    mass_matrices,
    measured_motion,
    potential,
)
from hnn_gym.models import PlanarChainHNN, Variables
from hnn_gym.physics.integrators import InVelocities, Leapfrog
from hnn_gym.worlds.world_model import WorldModel

COORDINATES = Coordinates((DegreeOfFreedom(position=0, angle=True),), (Control(0, unit="N m"),))
DT, HIT = 0.02, 130


def world_with(*, viscous: float = 0.02, coulomb: float = 0.05) -> WorldModel:
    """A pendulum of 0.05 kg m^2 and 1.5 N m of weight that shows its angle alone."""
    variables = Variables((True,), (1.0,), (3.0,), (20.0,), (0,), (1.0,), in_physical_units=True)
    architecture = PlanarChainHNN(variables, damping=True, dry=True, symmetric=True)
    parameters = {
        "chain.diagonal": np.log([0.05]) / 2,
        "chain.cosines": np.array([-1.5]),
        "damping.log": np.log([viscous]),
        "dry.log": np.log([coulomb]),
    }
    return WorldModel.built(
        architecture, parameters, coordinates=COORDINATES, integrator=InVelocities(Leapfrog()), dt=DT
    )


TRUTH = world_with()


def log(*, hit: float = 0.0) -> TransitionDataset:
    """Angles of the pendulum in a log whose stamps jitter; at one row its velocity changes by ``hit`` rad/s."""
    rng = np.random.default_rng(0)
    durations = DT * rng.uniform(0.9, 1.1, 260)
    force = 0.8 * np.repeat(rng.choice([-1.0, 1.0], 26), 10)[:, None]
    x = [TRUTH.phase_point(np.array([0.4]), np.zeros(1))]
    for k, (u, seconds) in enumerate(zip(force, durations, strict=True)):
        x.append(TRUTH.step(x[-1], u, duration=np.array(seconds)))
        if k + 1 == HIT:
            q, v = TRUTH.state(x[-1])
            x[-1] = TRUTH.phase_point(q, v + hit)
    q, _ = TRUTH.state(np.array(x))
    time = np.concatenate([[0.0], np.cumsum(durations)])
    noisy = q + 1e-4 * rng.normal(size=q.shape)
    action = np.concatenate([force, force[-1:]])
    return TransitionDataset.from_arrays(time, noisy, action=action, settings=LogSettings(name="pendulum"))


@pytest.fixture(scope="module")
def motion() -> MeasuredMotion:
    return measured_motion(TRUTH, log())


def test_the_residuals_of_the_world_that_made_a_log_are_the_noise_of_its_sensor(motion: MeasuredMotion) -> None:
    assert motion.scale == pytest.approx(1e-4, rel=0.15)  # 261 rows, some of which a start takes up
    assert not motion.unexplained.any()
    assert motion.unexplained_spans() == []
    assert motion.time[-1, motion.windows.steps[-1]] == pytest.approx(5.2, abs=0.1)


@pytest.fixture(scope="module")
def struck() -> Evaluation:
    """The evaluation of the world that made a log in which something hit it once."""
    card = {"friction": [{"coulomb": {"value": 0.05, "standard_error": 0.001, "unit": "N m"}}]}
    return evaluate(replace(TRUTH, card=card), log(hit=1.5), energy_steps=20)


def test_a_collision_is_found_where_it_was(struck: Evaluation) -> None:
    assert struck.motion is not None
    (worst, *_) = struck.motion.unexplained_spans()
    episode, first, last, size = worst
    assert episode == 0
    assert first - 0.02 <= HIT * DT <= last + 0.02
    assert last - first < 1.0  # a piece lasts 0.4 s
    assert size > 20


def test_work_and_heat_explain_the_energy_in_the_world_that_made_a_log(motion: MeasuredMotion) -> None:
    balance = energy_balance(TRUTH, motion)
    assert balance is not None
    size = np.abs(balance.work).max()
    assert size > 0.5
    assert balance.heat[-1] > 0.1
    assert np.abs(balance.rest).max() < 0.05 * size  # the scheme of second order, at steps of 0.02 s
    without = energy_balance(world_with(coulomb=1e-9), motion)
    assert without is not None
    assert np.abs(without.rest).max() > 5 * np.abs(balance.rest).max()


def test_inertia_potential_and_friction_are_those_of_the_model() -> None:
    q = np.array([[0.0], [1.0]])
    np.testing.assert_allclose(mass_matrices(TRUTH, q)[:, 0, 0], 0.05)
    np.testing.assert_allclose(potential(TRUTH, q), 1.5 * (1 - np.cos(q[:, 0])))
    speed = np.array([-2.0, 3.0])
    np.testing.assert_allclose(friction_force(TRUTH, 0, speed), 0.02 * speed + 0.05 * np.sign(speed))


def test_forecasts_from_positions_alone_begin_with_the_velocity_that_the_steps_before_tell(struck: Evaluation) -> None:
    error = struck.forecasts.error
    assert np.median(error[:, 9]) < 0.02  # with velocities of 0 it is above 0.3
    assert error.shape[1] < 200


def test_the_report_of_a_log_names_what_is_not_explained_and_the_friction(struck: Evaluation) -> None:
    words = " ".join(struck.sentences)
    assert "look for a collision" in words
    assert "Coulomb friction of position 1: 0.05 +- 0.001 N m." in words
