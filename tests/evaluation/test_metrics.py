"""Metrics: the true energy of learned motion, and prediction errors."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hnn_gym.errors import InputError
from hnn_gym.evaluation.metrics import prediction_error, unforced
from hnn_gym.physics.dynamics import PortHamiltonian
from hnn_gym.physics.hamiltonians import Pendulum
from hnn_gym.physics.integrators import Euler, Yoshida8
from hnn_gym.systems import true_world
from hnn_gym.worlds import WorldModel

TRUTH = true_world("Pendulum-v1")
Q, V = np.array([[2.0], [3.0], [1.0]]), np.array([[0.0], [0.5], [-0.3]])


def test_a_finely_stepped_truth_keeps_its_energy() -> None:
    fine = replace(TRUTH, integrator=Yoshida8(), dt=0.01)
    assert unforced(fine, TRUTH, Q, V, steps=500).band.max() < 1e-12  # order 8 at 150 steps a period: rounding


def test_the_band_is_the_full_width_and_the_change_is_counted_from_the_start() -> None:
    motion = unforced(TRUTH, TRUTH, Q, V, steps=300)
    np.testing.assert_allclose(motion.band, np.ptp(motion.true_energy, axis=0))
    np.testing.assert_allclose(motion.largest_change, np.abs(motion.true_energy - motion.true_energy[0]).max(axis=0))
    assert (motion.band >= motion.largest_change).all()
    assert motion.band.max() > 0.1  # symplectic Euler at dt = 0.05 ripples


def test_true_energy_does_not_depend_on_how_the_world_scales_its_momenta() -> None:
    scaled = PortHamiltonian(Pendulum(mass=1.0, gravity_torque=-15.0), control=3.0 * np.eye(1))  # p = dq/dt
    ours, theirs = (unforced(replace(TRUTH, dynamics=d), TRUTH, Q, V, steps=50) for d in (scaled, TRUTH.dynamics))
    np.testing.assert_allclose(ours.true_energy, theirs.true_energy, rtol=1e-9)  # rounding over 50 steps


def test_a_world_that_blows_up_has_an_infinite_error_and_raises_no_warning() -> None:
    motion = unforced(_wild(), TRUTH, Q, V, steps=5)
    assert np.isinf(motion.band).all()
    assert np.isinf(motion.largest_change).all()


def _wild() -> WorldModel:
    """A world in which a single step makes a speed whose square is no finite number."""
    degree = replace(TRUTH.coordinates.degrees[0], speed_limit=None)
    dynamics = PortHamiltonian(Pendulum(mass=1.0, gravity_torque=-1e300), control=1e300 * np.eye(1))
    coordinates = replace(TRUTH.coordinates, degrees=(degree,))
    return replace(TRUTH, coordinates=coordinates, dynamics=dynamics, integrator=Euler())


def test_the_truth_predicts_its_own_windows_and_another_step_does_not() -> None:
    rng = np.random.default_rng(0)
    action = rng.uniform(-2, 2, (4, 10, 1))
    x = TRUTH.rollout(TRUTH.phase_point(rng.normal(size=(4, 1)), np.zeros((4, 1))), np.moveaxis(action, 1, 0))
    observation = np.moveaxis(TRUTH.decode(x), 0, 1)
    scale = np.array([1.0, 1.0, 8.0])
    assert prediction_error(TRUTH, observation, action, scale=scale).max() < 1e-13
    other = prediction_error(TRUTH.with_dt(0.06), observation, action, scale=scale)
    assert other.shape == (4, 11)
    assert other[:, 0] == pytest.approx(0, abs=1e-15)
    assert (other[:, 10] > other[:, 1]).all()
    assert (other[:, 1] > 1e-4).all()


def test_the_prediction_error_is_the_scaled_rms_over_the_entries_of_an_observation() -> None:
    start = TRUTH.decode(TRUTH.phase_point(Q[:1], V[:1]))
    recorded = np.stack([start, TRUTH.decode(TRUTH.step(TRUTH.encode(start), np.zeros((1, 1))))], axis=1)
    recorded[:, 1] += np.array([0.3, 0.0, 0.0])
    recorded[:, 1, 2] += 8 * 0.4
    error = prediction_error(TRUTH, recorded, np.zeros((1, 1, 1)), scale=np.array([1.0, 1.0, 8.0]))
    np.testing.assert_allclose(error, [[0, np.sqrt((0.3**2 + 0.4**2) / 3)]], atol=1e-14)


def test_a_prediction_that_blows_up_has_an_infinite_error_from_there_on() -> None:
    error = prediction_error(_wild(), np.zeros((1, 6, 3)), np.zeros((1, 5, 1)) + 1, scale=np.ones(3))
    assert error[0, 0] < 1  # the start itself is no prediction
    assert np.isinf(error[0, -1])


def test_windows_with_the_wrong_number_of_actions_are_refused() -> None:
    with pytest.raises(InputError, match="one action less"):
        prediction_error(TRUTH, np.zeros((2, 3, 3)), np.zeros((2, 3, 1)), scale=np.ones(3))
