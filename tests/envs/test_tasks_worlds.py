"""Connections of worlds, tasks and recordings: arguments, a user's own rewards, coordinates, the film."""

import gymnasium
import numpy as np
import pytest

import hnn_gym
from hnn_gym import Control, Coordinates, DegreeOfFreedom, FitSettings, InputError, SimulatorEnv
from hnn_gym.envs.shipped import resolve_world
from hnn_gym.envs.tasks import RewardedTask
from hnn_gym.systems import NBodyBound


def test_a_world_learned_from_n_bodies_gets_the_task_of_those_bodies():
    env = gymnasium.make("NBody-v0", masses=(2.0, 1.0, 1.0), softening=0.3)
    dataset = hnn_gym.record_steps(env, steps=40, seed=0)
    quick = FitSettings(adam_steps=2, lbfgs_steps=2)
    options = {"masses": (2.0, 1.0, 1.0), "softening": 0.3, "hidden": (4,)}
    world = hnn_gym.train_world(dataset, "pairwise", options=options, settings=quick)
    learned = SimulatorEnv(world)
    assert isinstance(learned.task, NBodyBound)
    assert learned.task.masses == (2.0, 1.0, 1.0)
    assert learned.task.truth.softening == 0.3
    assert np.allclose(learned.reset(seed=4)[0], env.reset(seed=4)[0], atol=1e-6)


def test_a_users_own_reward_replaces_that_of_the_task_and_nothing_else_changes():
    own = gymnasium.make("Spring-v0", reward=lambda observation, force, after: after[..., 0] - force[..., 0])
    usual = gymnasium.make("Spring-v0", render_mode="rgb_array")
    assert isinstance(own.unwrapped.task, RewardedTask)
    assert np.array_equal(own.reset(seed=2)[0], usual.reset(seed=2)[0])
    one, other = own.step(np.array([0.5])), usual.step(np.array([0.5]))
    assert np.array_equal(one[0], other[0])
    assert one[1] == pytest.approx(one[0][0] - 0.1, abs=1e-6)
    two = gymnasium.make("TwoBody-v0", reward=lambda *_: np.float64(0), render_mode="rgb_array").unwrapped
    two.reset(seed=0)
    assert two.render().shape == (500, 500, 3)
    with pytest.raises(InputError, match="both at"):
        two.reset(options={"state": np.zeros(8)})


def test_a_recording_of_this_package_contains_the_coordinates_of_the_environment():
    dataset = hnn_gym.record_steps(gymnasium.make("NBody-v0", n=2), steps=3, seed=0)
    coordinates = Coordinates.from_json(dataset.provenance.coordinates)
    assert coordinates == gymnasium.make("NBody-v0", n=2).unwrapped.coordinates
    assert [(control.degree, control.unit, control.scale) for control in coordinates.controls] == [
        (0, "N", 0.2),
        (1, "N", 0.2),
    ]


def test_an_action_that_is_a_share_of_a_force_is_scaled_before_it_is_clipped():
    degrees = (DegreeOfFreedom(position=0, velocity=2), DegreeOfFreedom(position=1, velocity=3))
    same = Coordinates(degrees, (Control(0, limit=0.2, scale=0.2), Control(1, limit=0.2, scale=0.2)))
    assert np.allclose(same.force(np.array([[0.5, -3.0]])), [[0.1, -0.2]])
    mixed = Coordinates(degrees, (Control(0, limit=1.0, scale=0.2), Control(1, scale=10.0)))
    assert np.allclose(mixed.force(np.array([8.0, -3.0])), [1.0, -30.0])
    assert Coordinates.from_json(mixed.to_json()) == mixed
    old = {"degrees": same.to_json()["degrees"], "controls": [{"degree": 0, "limit": 2.0, "unit": "N m"}]}
    assert Coordinates.from_json(old).controls[0].scale == 1.0


def test_a_known_port_adds_the_control_to_the_acceleration_and_to_nothing_else():
    dynamics = resolve_world("BaselineRealPendulum-v0").dynamics
    x = np.random.default_rng(0).normal(size=(5, 2))
    difference = dynamics.field(x, np.full((5, 1), 0.7)) - dynamics.field(x)
    assert np.allclose(difference, [0.0, 0.7], atol=1e-14)


def test_the_hypothetical_acceleration_is_not_learned():
    world = resolve_world("HNNRealPendulum-v0")
    assert world.parameters["control.gain"] == 1.0
    assert world.energy_unit == ""
