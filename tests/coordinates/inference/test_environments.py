"""Maps inferred with nothing declared are those of the environments: classic control, MuJoCo and this package's own."""

from dataclasses import replace
from importlib.util import find_spec

import gymnasium
import numpy as np
import pytest

import hnn_gym  # noqa: F401 (registers its environments)
from hnn_gym.coordinates import Coordinates, DegreeOfFreedom, Readout
from hnn_gym.data import ObservationNoise, PolicyChoice, record_steps
from hnn_gym.data.inferred_map import infer_dataset_map


def straight(n):
    """Degrees of freedom whose positions come first, then the velocities."""
    return tuple(DegreeOfFreedom(position=i, velocity=n + i) for i in range(n))


POSITION = straight(1)
ANGLE = (DegreeOfFreedom(cos=0, sin=1, velocity=2),)
CART_POLE = (DegreeOfFreedom(position=0, velocity=1), DegreeOfFreedom(position=2, velocity=3, angle=True))
ACROBOT = (DegreeOfFreedom(cos=0, sin=1, velocity=4), DegreeOfFreedom(cos=2, sin=3, velocity=5))
ROWS = {  # the policy, the steps; degrees, what the actions act on, the table, dt
    "CartPole-v1": ("random", 600, CART_POLE, [0], ((-1.0,), (1.0,)), 0.02),
    "Acrobot-v1": ("random", 1000, ACROBOT, [None], ((-1.0,), (0.0,), (1.0,)), 0.2),
    "MountainCar-v0": ("random", 600, POSITION, [0], ((-1.0,), (0.0,), (1.0,)), 1.0),
    "MountainCarContinuous-v0": ("bang-bang", 1000, POSITION, [0], None, 1.0),
    "Pendulum-v1": ("random", 400, ANGLE, [0], None, 0.05),
    "Spring-v0": ("random", 200, POSITION, [0], None, 0.05),
    "IdealPendulum-v0": ("random", 200, ANGLE, [0], None, 0.05),
    "TwoBody-v0": ("random", 400, straight(4), [0, 1], None, 0.1),
    "ThreeBody-v0": ("random", 600, straight(6), [0, 1], None, 0.02),
    "NBody-v0": ("random", 600, straight(10), [0, 1], None, 0.02),
}
MUJOCO = {
    "InvertedPendulum-v5": (
        (DegreeOfFreedom(position=0, velocity=2), DegreeOfFreedom(position=1, velocity=3, angle=True)),
        [0],
        (),
        0.04,
    ),
    "InvertedDoublePendulum-v5": (
        (
            DegreeOfFreedom(position=0, velocity=5),
            DegreeOfFreedom(cos=3, sin=1, velocity=6),
            DegreeOfFreedom(cos=4, sin=2, velocity=7),
        ),
        [None],
        (Readout(8, ()),),
        0.05,
    ),
    "Reacher-v5": (
        (
            DegreeOfFreedom(cos=0, sin=2, velocity=6),
            DegreeOfFreedom(cos=1, sin=3, velocity=7),
            DegreeOfFreedom(position=4, fixed=True),
            DegreeOfFreedom(position=5, fixed=True),
        ),
        [0, 1],
        (
            Readout(8, (("q2", -1.0), ("cos(q0)", 0.1), ("cos(q0 + q1)", 0.11))),
            Readout(9, (("q3", -1.0), ("sin(q0)", 0.1), ("sin(q0 + q1)", 0.11))),
        ),
        0.02,
    ),
    "Swimmer-v5": (
        (
            *(DegreeOfFreedom(position=i, velocity=5 + i) for i in range(3)),
            DegreeOfFreedom(velocity=3),
            DegreeOfFreedom(velocity=4),
        ),
        [None] * 2,
        (),
        0.04,
    ),
    "HalfCheetah-v5": (
        (
            *(DegreeOfFreedom(position=i, velocity=9 + i) for i in range(8)),
            DegreeOfFreedom(velocity=8),
        ),
        [None] * 6,
        (),
        0.05,
    ),
}


def recording(env, *, steps, policy="random", seed=0):
    """A recording that declares nothing."""
    dataset = record_steps(env, steps=steps, policy=PolicyChoice(policy), seed=seed)
    dataset.provenance = replace(dataset.provenance, coordinates=None)
    return dataset


def without_limits(coordinates):
    return tuple(replace(degree, speed_limit=None, stops=None) for degree in coordinates.degrees)


@pytest.mark.parametrize("env_id", ROWS)
def test_the_map_of_an_environment_is_inferred(env_id):
    policy, steps, degrees, acts_on, table, dt = ROWS[env_id]
    inferred = infer_dataset_map(recording(gymnasium.make(env_id), steps=steps, policy=policy))
    assert without_limits(inferred.coordinates) == degrees
    assert [control.degree for control in inferred.coordinates.controls] == acts_on
    assert inferred.coordinates.force_table == table
    assert inferred.coordinates.readouts == ()
    assert inferred.dt == pytest.approx(dt, rel=1e-6)
    assert all(sentence.endswith(".") for sentence in inferred.sentences)


@pytest.mark.skipif(find_spec("mujoco") is None, reason="MuJoCo is not installed (the extra mujoco)")
@pytest.mark.parametrize("env_id", MUJOCO)
def test_the_map_of_a_mujoco_environment_is_inferred(env_id):
    degrees, acts_on, readouts, dt = MUJOCO[env_id]
    inferred = infer_dataset_map(recording(gymnasium.make(env_id), steps=1500))
    assert without_limits(inferred.coordinates) == degrees
    assert [control.degree for control in inferred.coordinates.controls] == acts_on
    assert inferred.coordinates.readouts == readouts
    assert inferred.dt == pytest.approx(dt)


@pytest.mark.parametrize("env_id", ["Pendulum-v1", "Acrobot-v1"])
def test_one_per_cent_of_noise_hides_no_map(env_id):
    _, _, degrees, acts_on, table, dt = ROWS[env_id]
    inferred = infer_dataset_map(recording(ObservationNoise(gymnasium.make(env_id), 0.01), steps=1000))
    assert without_limits(inferred.coordinates) == degrees
    assert [control.degree for control in inferred.coordinates.controls] == acts_on
    assert inferred.coordinates.force_table == table
    assert inferred.dt == dt


def test_the_speed_clip_of_pendulum_v1_shows():
    inferred = infer_dataset_map(recording(gymnasium.make("Pendulum-v1"), steps=600))
    assert inferred.coordinates.degrees[0].speed_limit == 8.0
    assert inferred.coordinates.controls[0].limit == 2.0


def test_the_wall_and_the_speed_clip_of_the_mountain_car_show():
    inferred = infer_dataset_map(
        recording(gymnasium.make("MountainCarContinuous-v0"), steps=2000, policy="bang-bang", seed=1)
    )
    # What meets the limits does not count as a force, in which sin(q) could explain more than powers of q.
    assert inferred.coordinates.degrees == (replace(POSITION[0], stops=(-1.2, None, 0.0), speed_limit=0.07),)


@pytest.mark.parametrize("env_id", ["CartPole-v1", "Acrobot-v1", "Pendulum-v1"])
def test_an_inferred_map_reads_and_shows_what_was_recorded(env_id):
    dataset = recording(gymnasium.make(env_id), steps=300)
    coordinates = infer_dataset_map(dataset).coordinates
    observation = dataset.transitions().observation.astype(np.float64)
    # cos and sin were rounded to float32.
    np.testing.assert_allclose(coordinates.observation(*coordinates.state(observation)), observation, atol=1e-6)
    assert Coordinates.from_json(coordinates.to_json()) == coordinates
