"""Declared coordinates turn observations into states and back, actions into forces, and survive JSON."""

import json
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hnn_gym.coordinates import Control, Coordinates, DegreeOfFreedom, LearnedReadout, Readout
from hnn_gym.coordinates.describe import describe
from hnn_gym.errors import InputError
from hnn_gym.systems import coordinates_of
from hnn_gym.trace import scalar_code, trace

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
GYM_CART_POLE = Coordinates(
    degrees=(DegreeOfFreedom(position=0, velocity=1), DegreeOfFreedom(position=2, velocity=3, angle=True)),
    controls=(Control(degree=0, scale=10.0),),
    force_table=((-1.0,), (1.0,)),
)
ACROBOT = Coordinates(
    degrees=(
        DegreeOfFreedom(cos=0, sin=1, velocity=4, speed_limit=4 * math.pi),
        DegreeOfFreedom(cos=2, sin=3, velocity=5, speed_limit=9 * math.pi),
    ),
    controls=(Control(degree=1),),
    force_table=((-1.0,), (0.0,), (1.0,)),
)
REACHER = Coordinates(
    degrees=(
        DegreeOfFreedom(cos=0, sin=2, velocity=6),
        DegreeOfFreedom(cos=1, sin=3, velocity=7, stops=(None, 3.0, 0.0)),
        DegreeOfFreedom(position=4, fixed=True),
        DegreeOfFreedom(position=5, fixed=True),
    ),
    controls=(Control(degree=0), Control(degree=None)),
    readouts=(
        Readout(8, (("cos(q0)", 0.1), ("cos(q0 + q1)", 0.11), ("q2", -1.0))),
        Readout(9, (("sin(q0)", 0.1), ("sin(q0 + q1)", 0.11), ("q3", -1.0))),
    ),
)
CHEETAH = Coordinates(
    degrees=(DegreeOfFreedom(velocity=0), DegreeOfFreedom(position=2, velocity=1, angle=True)),
    readouts=(
        LearnedReadout(
            3, ("v0", "cos(q1)"), ((0.1, -0.4, 1.0), (0.7, 0.2, -0.3)), (0.0, 0.1, 0.2), (1.0, -2.0, 0.5), 3.0
        ),
    ),
)
WRAPPED = Coordinates(
    degrees=(
        DegreeOfFreedom(position=1, velocity=2, angle=True, wraps=(-math.pi, math.pi), velocity_scale=-0.125),
        DegreeOfFreedom(position=0, velocity=3, speed_limit=0.07, stops=(-1.2, None, 0.5)),
    ),
    controls=(Control(degree=0),),
)
EVERY = {
    "wrapped": WRAPPED,
    "cheetah": CHEETAH,
    "pendulum": PENDULUM,
    "cart-pole": CART_POLE,
    "shuffled": SHUFFLED,
    "CartPole-v1": GYM_CART_POLE,
    "Acrobot-v1": ACROBOT,
    "Reacher-v5": REACHER,
}


def states(coordinates, *shape):
    """Random states with angles in (-pi, pi]."""
    rng = np.random.default_rng(0)
    q = rng.uniform(-3, 3, (*shape, coordinates.n))
    q = q * [degree.position is not None or degree.cos is not None for degree in coordinates.degrees]
    return q, rng.normal(size=q.shape) * ~np.array(coordinates.fixed)


@pytest.mark.parametrize("shape", [(), (3,), (2, 3)])
@pytest.mark.parametrize("name", EVERY)
def test_a_state_survives_being_observed(name, shape):
    coordinates = EVERY[name]
    q, v = states(coordinates, *shape)
    observation = coordinates.observation(q, v)
    assert observation.shape == (*shape, coordinates.observation_size)
    found_q, found_v = coordinates.state(observation)
    np.testing.assert_allclose(found_q, q, rtol=0, atol=1e-14)  # cos, sin and atan2 round once each
    np.testing.assert_allclose(found_v, v, rtol=1e-15)  # a scaled velocity rounds twice


@pytest.mark.parametrize("name", EVERY)
def test_every_entry_of_the_observation_is_as_declared(name):
    coordinates = EVERY[name]
    q, v = states(coordinates, 4)
    observation = coordinates.observation(q, v)
    for i, degree in enumerate(coordinates.degrees):
        if degree.velocity is not None:
            np.testing.assert_array_equal(observation[:, degree.velocity], degree.velocity_scale * v[:, i])
        if degree.cos is not None:
            np.testing.assert_array_equal(observation[:, degree.cos], np.cos(q[:, i]))
            np.testing.assert_array_equal(observation[:, degree.sin], np.sin(q[:, i]))
        elif degree.position is not None:
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


def test_an_angle_that_wraps_is_shown_in_its_interval_and_compared_the_short_way():
    degree = DegreeOfFreedom(position=0, velocity=1, angle=True, wraps=(-math.pi, math.pi))
    coordinates = Coordinates((degree,))
    q = np.array([[3.0], [3.2], [-10.0], [0.1]])
    shown = coordinates.observation(q, 0 * q)
    np.testing.assert_allclose(shown[:, 0], [3.0, 3.2 - 2 * np.pi, 4 * np.pi - 10.0, 0.1], rtol=0, atol=1e-14)
    np.testing.assert_array_equal(shown[[0, 3]], [[3.0, 0.0], [0.1, 0.0]])  # to the bit, where nothing is to wrap
    near = coordinates.unwrapped(shown[1], np.array([3.1, 0.0]))
    np.testing.assert_allclose(near, [3.2, 0.0], rtol=0, atol=1e-14)
    assert SHUFFLED.unwrapped(shown, shown) is shown


def test_walls_clip_a_position_and_remove_the_velocity_into_them():
    degrees = tuple(
        DegreeOfFreedom(position=i, velocity=i + 2, stops=(-1.2, 0.6, bounce)) for i, bounce in enumerate((0.0, 0.5))
    )
    coordinates = Coordinates(degrees)
    left = Coordinates((DegreeOfFreedom(position=0, velocity=1, stops=(-1.2, None, 0.0)),))
    np.testing.assert_array_equal(left.within_stops(np.array([[-2.0], [9.0]]), np.ones((2, 1)))[0], [[-1.2], [9.0]])
    q = np.array([[-1.3, -1.3], [-1.3, -1.3], [0.6, 0.7], [0.0, 0.0]])
    v = np.array([[-0.2, -0.2], [0.1, 0.1], [0.3, 0.4], [-9.0, 9.0]])
    for place in (np.asarray, torch.tensor):
        new_q, new_v = coordinates.within_stops(place(q), place(v))
        np.testing.assert_array_equal(new_q, [[-1.2, -1.2], [-1.2, -1.2], [0.6, 0.6], [0.0, 0.0]])
        np.testing.assert_array_equal(new_v, [[0.0, 0.1], [0.1, 0.1], [0.0, -0.2], [-9.0, 9.0]])


def test_a_readout_is_the_sum_of_its_terms():
    terms = {"1": 2.0, "q0": 3.0, "v1*v1": -1.0, "v0 * cos(q0 - 2*q1)": 0.5, "q1*sin(-q0)": 4.0}
    q, v = np.array([[0.3, -1.2]]), np.array([[0.7, 2.0]])
    value = 2 + 3 * 0.3 - 4.0 + 0.5 * 0.7 * np.cos(0.3 + 2.4) + 4 * -1.2 * np.sin(-0.3)
    readout = Readout(0, tuple(terms.items()))
    np.testing.assert_allclose(readout(q, v), [[value]], rtol=1e-15)
    np.testing.assert_array_equal(Readout(0, (("1", 2.0),))(q, v), [[2.0]])
    np.testing.assert_array_equal(Readout(0, ())(q, v), [[0.0]])
    assert set(readout.velocities) == {0, 1}


def test_an_unobserved_velocity_reads_as_zero():
    coordinates = Coordinates((DegreeOfFreedom(velocity=0), DegreeOfFreedom(position=1)))
    q, v = coordinates.state(np.array([5.0, 7.0]))
    np.testing.assert_array_equal([q, v], [[0.0, 7.0], [5.0, 0.0]])
    np.testing.assert_array_equal(coordinates.observation(q, v), [5.0, 7.0])
    assert coordinates.unobserved == (False, True)
    assert REACHER.unobserved == (False,) * 4


@pytest.mark.parametrize("name", EVERY)
def test_a_traced_observation_and_force_are_the_plain_ones(name):
    coordinates = EVERY[name]
    q, v = states(coordinates, 5)
    action = np.random.default_rng(1).normal(size=(5, len(coordinates.controls))) * 3

    def both(q, v, action):
        return {"seen": coordinates.observation(q, v), "force": coordinates.force(action)}

    program = trace(both, q=coordinates.n, v=coordinates.n, action=len(coordinates.controls))
    run = scalar_code.compiled(program, {})
    for row in range(5):
        seen, force = run(q[row].tolist(), v[row].tolist(), action[row].tolist())
        np.testing.assert_allclose(seen, coordinates.observation(q[row], v[row]), rtol=0, atol=1e-15)
        np.testing.assert_array_equal(force, coordinates.force(action[row]))


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


@pytest.mark.parametrize("library", [np.asarray, torch.tensor])
def test_a_whole_number_action_is_looked_up_in_the_table(library):
    np.testing.assert_array_equal(ACROBOT.force(library([[2], [0], [1]])), [[1.0], [-1.0], [0.0]])
    np.testing.assert_array_equal(GYM_CART_POLE.force(library([1])), [10.0])
    np.testing.assert_array_equal(GYM_CART_POLE.control_vector(library([1])), [1.0])
    np.testing.assert_array_equal(GYM_CART_POLE.force(np.array([0.5])), [5.0])  # a control vector
    np.testing.assert_array_equal(SHUFFLED.control_vector(np.array([9.0, 9.0])), [9.0, 9.0])


def test_actions_of_several_whole_numbers_add_their_rows():
    table = ((-1.0, 0.0), (1.0, 0.0), (0.0, -2.0), (0.0, 0.0), (0.0, 2.0))
    both = Coordinates(CART_POLE.degrees, (Control(0), Control(1)), force_table=table, action_counts=(2, 3))
    np.testing.assert_array_equal(both.force(np.array([[0, 2], [1, 1]])), [[-1.0, 2.0], [1.0, 0.0]])
    for action, words in (([0, 3], "2 x 3 values"), ([-1, 0], "2 x 3 values"), ([0, 1, 1], r"shape \(\.\.\., 2\)")):
        with pytest.raises(InputError, match=words):
            both.force(np.array(action))
    with pytest.raises(InputError, match="whole numbers"):
        both.control_vector(np.array([0.5, 0.5]))


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


def test_an_unknown_environment_has_no_declaration():
    assert coordinates_of("Ant-v5") is None


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: DegreeOfFreedom(), "by its velocity alone"),
        (lambda: DegreeOfFreedom(velocity=0, cos=1), "position, or as cos and sin"),
        (lambda: DegreeOfFreedom(velocity=0, sin=1), "position, or as cos and sin"),
        (lambda: DegreeOfFreedom(velocity=0, position=1, cos=2, sin=3), "position, or as cos and sin"),
        (lambda: DegreeOfFreedom(velocity=0, position=1, speed_limit=0.0), "speed limit"),
        (lambda: DegreeOfFreedom(velocity=0, position=1, speed_limit=float("nan")), "speed limit"),
        (lambda: DegreeOfFreedom(velocity=0, position=1, fixed=True), "no velocity"),
        (lambda: DegreeOfFreedom(velocity=0, angle=True), "observed position"),
        (lambda: DegreeOfFreedom(velocity=0, position=1, angle=1), "angle=True or angle=False"),
        (lambda: DegreeOfFreedom(velocity=0, position=1, wraps=(-math.pi, math.pi)), "set angle=True"),
        (lambda: DegreeOfFreedom(velocity=0, position=1, angle=True, wraps=(0, 1)), "one turn"),
        (lambda: DegreeOfFreedom(velocity=0, position=1, stops=(1, -1, 0)), "low < high"),
        (lambda: DegreeOfFreedom(velocity=0, position=1, stops=(None, None, 0)), "one of them None"),
        (lambda: DegreeOfFreedom(velocity=0, position=1, stops=(-1, 1, 2)), "restitution"),
        (
            lambda: DegreeOfFreedom(velocity=0, position=1, angle=True, wraps=(0, 2 * math.pi), stops=(0, 1, 0)),
            "wraps has no stops",
        ),
        (lambda: DegreeOfFreedom(velocity=0, position=1, velocity_scale=0.0), "scale of a velocity"),
        (lambda: DegreeOfFreedom(position=1, velocity_scale=2.0), "no observed velocity"),
        (lambda: Control(degree=None, unit="N"), "where its degree of freedom is known"),
        (lambda: Control(degree=0, limit=-2.0), "force limit"),
        (lambda: Control(degree=0, scale=0.0), "scale"),
        (lambda: Control(degree=0, scale=float("inf")), "scale"),
        (lambda: Coordinates(()), "at least one degree"),
        (lambda: Coordinates((DegreeOfFreedom(velocity=1, position=1),)), "exactly once"),
        (lambda: Coordinates((DegreeOfFreedom(velocity=2, position=0),)), "exactly once"),
        (lambda: Coordinates((DegreeOfFreedom(velocity=-1, position=0),)), "at least 0"),
        (
            lambda: Coordinates((DegreeOfFreedom(velocity=1, position=0), DegreeOfFreedom(velocity=1, position=2))),
            "exactly once",
        ),
        (lambda: Coordinates((DegreeOfFreedom(velocity=1.0, position=0),)), "a whole number"),
        (lambda: Coordinates(CART_POLE.degrees, force_table=((1.0,),)), "one number for each of the 0 controls"),
        (lambda: Coordinates(CART_POLE.degrees, (Control(0),), force_table=((1.0, 2.0),)), "one number for each"),
        (lambda: Coordinates(CART_POLE.degrees, (Control(0),), force_table=((math.inf,),)), "finite"),
        (lambda: Coordinates(CART_POLE.degrees, (Control(0),), force_table=((1.0,),), action_counts=(2,)), "1 rows"),
        (lambda: Coordinates(CART_POLE.degrees, (Control(0),), action_counts=(2,)), "needs a force_table"),
        (lambda: Coordinates(CART_POLE.degrees, readouts=(Readout(5, (("q2", 1.0),)),)), "not there"),
        (lambda: Coordinates(CART_POLE.degrees, readouts=(Readout(3, (("q1", 1.0),)),)), "exactly once"),
        (lambda: Readout(0, (("q0", math.nan),)), "NaN is not a number"),
        (lambda: Readout(0, (("exp(q0)", 1.0),)), "not a term"),
        (lambda: Readout(0, (("cos(q0 q1)", 1.0),)), "not a term"),
        (lambda: Readout(0, (("cos(x)", 1.0),)), "not a term"),
        (lambda: Readout(0, (("", 1.0),)), "not a term"),
        (lambda: LearnedReadout(0, ("q0",), ((1.0, 2.0),), (0.0,), (1.0,), 0.0), "one column"),
        (lambda: LearnedReadout(0, ("q0",), ((math.nan,),), (0.0,), (1.0,), 0.0), "NaN is not a number"),
        (lambda: LearnedReadout(0, ("exp(q0)",), ((1.0,),), (0.0,), (1.0,), 0.0), "not a term"),
        (lambda: Coordinates(CART_POLE.degrees, (Control(degree=2),)), "not there"),
        (lambda: Coordinates(CART_POLE.degrees, (Control(degree=-1),)), "at least 0"),
    ],
)
def test_an_invalid_declaration_is_refused(build, words):
    with pytest.raises(InputError, match=words):
        build()


def test_a_sentence_about_a_learned_readout_names_few_of_many_inputs():
    degrees = tuple(DegreeOfFreedom(position=2 * i, velocity=2 * i + 1) for i in range(6))
    inputs = tuple(f"{kind}{i}" for kind in "qv" for i in range(6))
    readout = LearnedReadout(12, inputs, ((1.0,),) * 12, (0.0,), (1.0,), 0.0)
    assert "q5, v0, v1 and 4 more terms of the state." in describe(Coordinates(degrees, readouts=(readout,)))[-1]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 9) | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
OWN = ["velocity_scale", "velocity", "position", "cos", "sin", "speed_limit", "angle", "wraps", "stops", "fixed"]
FIELDS = [*OWN, "degree", "limit", "unit", "scale", "entry", "terms"]


@settings(deadline=None, max_examples=60)
@given(JSON | st.fixed_dictionaries({"degrees": JSON | st.lists(st.dictionaries(st.sampled_from(FIELDS), JSON))}))
def test_foreign_json_is_read_as_a_declaration_or_refused(data):
    try:
        coordinates = Coordinates.from_json(data)
    except InputError:
        return
    coordinates.observation(*states(coordinates, 2))  # what was accepted works


@settings(deadline=None, max_examples=60)
@given(
    st.sampled_from([SHUFFLED, REACHER]),
    st.sampled_from(["degrees", "controls", "readouts"]),
    st.sampled_from(FIELDS),
    JSON,
)
def test_a_declaration_with_one_value_changed_is_read_or_refused(declaration, part, field, value):
    data = {"readouts": [{}]} | declaration.to_json()
    data[part][0][field] = value
    try:
        coordinates = Coordinates.from_json(data)
    except InputError:
        return
    coordinates.observation(*states(coordinates, 2))
    coordinates.force(np.zeros(2))


def test_stops_that_give_way_move_nothing_and_survive_json() -> None:
    soft = Coordinates((DegreeOfFreedom(position=0, velocity=1, stops=(-1.2, None, "soft")),))
    assert Coordinates.from_json(soft.to_json()) == soft
    assert (soft.has_walls, soft.soft_stops) == (False, ((0, -1.2, None),))
    q, v = np.array([-2.0]), np.array([-1.0])
    assert soft.within_stops(q, v) == (q, v)
    assert "stops that give way are at -1.2" in describe(soft)[0]
    for wrong, why in (("hard", "or 'soft'"), ("soft", "observed position")):
        with pytest.raises(InputError, match=why):
            DegreeOfFreedom(velocity=0, position=1 if wrong == "hard" else None, stops=(-1.0, 1.0, wrong))  # type: ignore[arg-type]
