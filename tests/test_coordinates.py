"""Declared coordinates turn observations into states and back, actions into forces, and survive JSON."""

import json
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hnn_gym.coordinates import Control, Coordinates, DegreeOfFreedom
from hnn_gym.errors import InputError
from hnn_gym.systems import coordinates_of

PENDULUM = coordinates_of("Pendulum-v1")
CART_POLE = Coordinates(
    (DegreeOfFreedom(position=0, velocity=1), DegreeOfFreedom(cos=2, sin=3, velocity=4)), (Control(degree=0),)
)
SHUFFLED = Coordinates(
    degrees=(
        DegreeOfFreedom(cos=6, sin=1, velocity=0, speed_limit=5.0),
        DegreeOfFreedom(position=3, velocity=4),
        DegreeOfFreedom(cos=7, sin=2, velocity=5, speed_limit=2.0),
    ),
    controls=(Control(degree=2, limit=1.0, unit="N m"), Control(degree=0, limit=3.0, unit="N m")),
)
EVERY = {"pendulum": PENDULUM, "cart-pole": CART_POLE, "shuffled": SHUFFLED}


def states(coordinates, *shape):
    """Random states with angles in (-pi, pi]."""
    rng = np.random.default_rng(0)
    q = rng.uniform(-3, 3, (*shape, coordinates.n))
    return q, rng.normal(size=q.shape)


@pytest.mark.parametrize("shape", [(), (3,), (2, 3)])
@pytest.mark.parametrize("name", EVERY)
def test_a_state_survives_being_observed(name, shape):
    coordinates = EVERY[name]
    q, v = states(coordinates, *shape)
    observation = coordinates.observation(q, v)
    assert observation.shape == (*shape, coordinates.observation_size)
    found_q, found_v = coordinates.state(observation)
    np.testing.assert_allclose(found_q, q, rtol=0, atol=1e-14)  # cos, sin and atan2 round once each
    np.testing.assert_array_equal(found_v, v)


@pytest.mark.parametrize("name", EVERY)
def test_every_entry_of_the_observation_is_what_was_declared(name):
    coordinates = EVERY[name]
    q, v = states(coordinates, 4)
    observation = coordinates.observation(q, v)
    for i, degree in enumerate(coordinates.degrees):
        np.testing.assert_array_equal(observation[:, degree.velocity], v[:, i])
        if degree.is_angle:
            np.testing.assert_array_equal(observation[:, degree.cos], np.cos(q[:, i]))
            np.testing.assert_array_equal(observation[:, degree.sin], np.sin(q[:, i]))
        else:
            np.testing.assert_array_equal(observation[:, degree.position], q[:, i])


@settings(deadline=None, max_examples=60)
@given(st.floats(-1e3, 1e3))
def test_an_angle_comes_back_in_one_turn_and_is_observed_the_same(angle):
    observation = PENDULUM.observation(np.array([angle]), np.array([0.0]))
    q, v = PENDULUM.state(observation)
    assert -math.pi <= q[0] <= math.pi
    # atan2 of rounded cos and sin is off by some eps.
    np.testing.assert_allclose(PENDULUM.observation(q, v), observation, rtol=0, atol=1e-15)


def test_a_position_is_not_wrapped():
    q, _ = CART_POLE.state(np.array([7.0, 0.0, 1.0, 0.0, 0.0]))
    assert q[0] == 7.0


@pytest.mark.parametrize("name", EVERY)
def test_torch_sees_the_same_states_observations_and_forces(name):
    coordinates = EVERY[name]
    q, v = states(coordinates, 4)
    observation = coordinates.observation(torch.tensor(q), torch.tensor(v))
    # The last bit of cos and sin may differ between libraries.
    np.testing.assert_allclose(observation.numpy(), coordinates.observation(q, v), rtol=0, atol=1e-15)
    np.testing.assert_allclose(coordinates.state(observation)[0].numpy(), q, rtol=0, atol=1e-14)
    action = np.random.default_rng(1).normal(size=(4, len(coordinates.controls))) * 3
    np.testing.assert_array_equal(coordinates.force(torch.tensor(action)).numpy(), coordinates.force(action))


def test_an_observation_of_pendulum_v1_reads_as_its_state():
    q, v = PENDULUM.state(np.array([np.cos(2.5), np.sin(2.5), -3.0]))
    assert q[0] == pytest.approx(2.5, abs=1e-15)
    assert v[0] == -3.0
    assert PENDULUM.speed_limits == (8.0,)
    assert PENDULUM.in_physical_units


def test_every_action_is_clipped_to_its_own_limit():
    action = np.array([[0.5, -2.5], [-7.0, 7.0]])
    np.testing.assert_array_equal(SHUFFLED.force(action), [[0.5, -2.5], [-1.0, 3.0]])
    np.testing.assert_array_equal(PENDULUM.force(np.array([-2.5])), [-2.0])
    np.testing.assert_array_equal(CART_POLE.force(np.array([1e6])), [1e6])


@pytest.mark.parametrize("scales", [(10.0,), (10.0, 10.0), (10.0, -2.0)])
def test_an_action_that_is_a_share_is_scaled_before_it_is_clipped(scales):
    coordinates = Coordinates(CART_POLE.degrees, tuple(Control(degree=0, limit=8.0, scale=s) for s in scales))
    action = np.array([[0.5] * len(scales), [1.0] * len(scales)])
    np.testing.assert_array_equal(coordinates.force(action), np.clip(action * scales, -8, 8))


@pytest.mark.parametrize(
    ("units", "physical"), [((), False), (("N",), True), (("N", None), False), (("N", "N m"), True)]
)
def test_energies_are_in_joules_only_if_every_control_has_a_unit(units, physical):
    coordinates = Coordinates(CART_POLE.degrees, tuple(Control(degree=0, unit=unit) for unit in units))
    assert coordinates.in_physical_units is physical


@pytest.mark.parametrize("name", EVERY)
def test_a_declaration_survives_json(name):
    assert Coordinates.from_json(json.loads(json.dumps(EVERY[name].to_json()))) == EVERY[name]


def test_an_environment_that_is_not_known_has_no_declaration():
    assert coordinates_of("Ant-v5") is None


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: DegreeOfFreedom(velocity=0), "position, or as cos and sin"),
        (lambda: DegreeOfFreedom(velocity=0, cos=1), "position, or as cos and sin"),
        (lambda: DegreeOfFreedom(velocity=0, sin=1), "position, or as cos and sin"),
        (lambda: DegreeOfFreedom(velocity=0, position=1, cos=2, sin=3), "position, or as cos and sin"),
        (lambda: DegreeOfFreedom(velocity=0, position=1, speed_limit=0.0), "speed limit"),
        (lambda: DegreeOfFreedom(velocity=0, position=1, speed_limit=float("nan")), "speed limit"),
        (lambda: Control(degree=0, limit=-2.0), "force limit"),
        (lambda: Control(degree=0, scale=0.0), "scale"),
        (lambda: Control(degree=0, scale=float("inf")), "scale"),
        (lambda: Coordinates(()), "at least one degree"),
        (lambda: Coordinates((DegreeOfFreedom(velocity=1, position=1),)), "exactly once"),
        (lambda: Coordinates((DegreeOfFreedom(velocity=2, position=0),)), "exactly once"),
        (lambda: Coordinates((DegreeOfFreedom(velocity=-1, position=0),)), "exactly once"),
        (
            lambda: Coordinates((DegreeOfFreedom(velocity=1, position=0), DegreeOfFreedom(velocity=1, position=2))),
            "exactly once",
        ),
        (lambda: Coordinates((DegreeOfFreedom(velocity=1.0, position=0),)), "whole numbers"),
        (lambda: Coordinates(CART_POLE.degrees, (Control(degree=2),)), "not there"),
        (lambda: Coordinates(CART_POLE.degrees, (Control(degree=-1),)), "not there"),
    ],
)
def test_a_declaration_that_makes_no_sense_is_refused(build, words):
    with pytest.raises(InputError, match=words):
        build()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 9) | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
FIELDS = ["velocity", "position", "cos", "sin", "speed_limit", "degree", "limit", "unit", "scale"]


@settings(deadline=None, max_examples=60)
@given(JSON | st.fixed_dictionaries({"degrees": JSON | st.lists(st.dictionaries(st.sampled_from(FIELDS), JSON))}))
def test_foreign_json_is_read_as_a_declaration_or_refused(data):
    try:
        coordinates = Coordinates.from_json(data)
    except InputError:
        return
    coordinates.observation(*states(coordinates, 2))  # what was accepted works


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(["degrees", "controls"]), st.sampled_from(FIELDS), JSON)
def test_a_declaration_with_one_value_changed_is_read_or_refused(part, field, value):
    data = SHUFFLED.to_json()
    data[part][0][field] = value
    try:
        coordinates = Coordinates.from_json(data)
    except InputError:
        return
    coordinates.observation(*states(coordinates, 2))
    coordinates.force(np.zeros(2))
