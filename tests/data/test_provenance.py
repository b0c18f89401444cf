"""Provenance survives JSON, and shows when two recordings do not belong in one dataset."""

import dataclasses
import json

import gymnasium
import numpy as np
import pytest
from gymnasium.spaces import Box, Dict, Discrete, MultiBinary, MultiDiscrete, Sequence, Text, Tuple

from hnn_gym.data import Provenance
from hnn_gym.errors import InputError


def test_it_survives_json_with_infinite_bounds_and_later_recordings(provenance):
    later = dataclasses.replace(provenance, seed=8)
    for case in (provenance, provenance.continued_by(later, first_episode=3)):
        again = Provenance.from_json(json.loads(json.dumps(case.to_json(), allow_nan=False)))
        assert again == case
        assert again.observation_space.low.dtype == np.float32
        np.testing.assert_array_equal(again.observation_space.low, case.observation_space.low)


@pytest.mark.parametrize(
    "space",
    [
        Box(0, 255, (8, 8, 3), np.uint8),
        Box(-np.inf, np.inf, (2,), np.float64),
        Box(np.array([-(2**60) - 1, 0]), np.array([2**60 + 1, 5]), dtype=np.int64),
        Box(np.array([0.1, -np.inf], np.float32), np.array([0.3, 0.7], np.float32)),
    ],
)
def test_the_bounds_of_a_space_are_kept_exactly(provenance, space):
    case = dataclasses.replace(provenance, observation_space=space)
    again = Provenance.from_json(json.loads(json.dumps(case.to_json()))).observation_space
    assert (again.shape, again.dtype) == (space.shape, space.dtype)
    np.testing.assert_array_equal(again.low, space.low)
    np.testing.assert_array_equal(again.high, space.high)


@pytest.mark.parametrize(
    "space",
    [
        Discrete(3),
        Discrete(5, start=-2, dtype=np.int32),
        MultiDiscrete([3, 2]),
        MultiDiscrete([[3, 2], [4, 5]], dtype=np.int16, start=[[1, 0], [-1, 0]]),
        MultiBinary(4),
        MultiBinary([2, 3]),
    ],
)
def test_a_space_of_discrete_actions_is_kept_exactly(provenance, space):
    case = dataclasses.replace(provenance, action_space=space)
    again = Provenance.from_json(json.loads(json.dumps(case.to_json()))).action_space
    assert again == space
    assert again.dtype == space.dtype


def test_a_box_that_was_written_before_spaces_had_a_kind_is_read(provenance):
    values = provenance.to_json()
    del values["action_space"]["kind"]
    assert Provenance.from_json(values) == provenance


@pytest.mark.parametrize("kind", ["Graph", 3, None])
def test_a_space_of_an_unknown_kind_is_refused(provenance, kind):
    values = provenance.to_json()
    values["action_space"]["kind"] = kind
    with pytest.raises(InputError, match="provenance cannot be read"):
        Provenance.from_json(values)


def test_it_names_the_environment_as_gymnasium_would_make_it():
    with gymnasium.make("Pendulum-v1", render_mode="rgb_array", g=np.float64(9.5)) as env:
        found = Provenance.of(env, seed=3, policy="random")
    assert (found.env_id, found.env_kwargs, found.dt) == ("Pendulum-v1", {"g": 9.5}, 0.05)
    assert set(found.versions) == {"python", "hnn_gym", "gymnasium", "numpy", "zarr"}
    with gymnasium.make(found.env_id, **found.env_kwargs) as again:
        assert again.unwrapped.g == 9.5
        assert again.observation_space == found.observation_space


def test_the_time_step_is_what_the_caller_says_before_what_the_environment_says(counter):
    assert Provenance.of(counter(dt=0.02)).dt == 0.02
    assert Provenance.of(counter(dt=0.02), dt=0.04).dt == 0.04
    for wrong in (0.0, -1.0, np.nan, np.inf, "0.1", True):
        with pytest.raises(InputError, match="positive number of seconds"):
            Provenance.of(counter(dt=wrong))


@pytest.mark.parametrize(
    ("name", "space", "message"),
    [
        ("observation_space", Discrete(3), r"this environment's is Discrete\(3\): wrap it in .*ObservationWrapper"),
        ("observation_space", Dict({"a": Dict({"b": Text(3)})}), "this environment has 'a/b' of Text"),
        ("observation_space", Tuple((Box(0, 1), Discrete(2))), r"this environment has '1' of Discrete\(2\)"),
        ("observation_space", Dict({}), "has no entries"),
        ("action_space", Sequence(Discrete(2)), r"this environment's is Sequence.*ActionWrapper"),
        ("action_space", Dict({"x": Box(0, 1)}), r"this environment's is Dict.*ActionWrapper"),
    ],
)
def test_a_space_that_cannot_be_recorded_is_named_with_a_remedy(counter, name, space, message):
    with pytest.raises(InputError, match=message):
        Provenance.of(counter(**{name: space}))


@pytest.mark.parametrize(
    "change",
    [
        {"env_id": "Other-v0"},
        {"env_kwargs": {}},
        {"action_space": Box(-1, 1, (1,), np.float32)},
        {"observation_space": Box(-1, 1, (3,), np.float32)},
        {"dt": None},
        {"time_unit": "step"},
        {"action_space": Discrete(2)},
        {"observation_names": ("a", "b")},
        {"coordinates": None},
    ],
)
def test_another_environment_is_not_continued(provenance, change):
    with pytest.raises(InputError, match=f"recorded with {next(iter(change))}"):
        provenance.continued_by(dataclasses.replace(provenance, **change), first_episode=3)


def test_a_later_recording_is_listed_only_where_it_differs(provenance):
    assert provenance.continued_by(provenance, first_episode=3) == provenance
    other = dataclasses.replace(provenance, seed=8, policy="random")
    once = provenance.continued_by(other, first_episode=3)
    assert [(entry.first_episode, entry.seed, entry.policy) for entry in once.appended] == [(3, 8, "random")]
    assert once.continued_by(other, first_episode=5) == once
    held = dataclasses.replace(other, policy_settings={"hold": 20})
    twice = once.continued_by(held, first_episode=5)
    assert [entry.policy_settings for entry in twice.appended] == [{}, {"hold": 20}]
    assert Provenance.from_json(json.loads(json.dumps(twice.to_json()))) == twice
    back = once.continued_by(provenance, first_episode=5)
    assert [entry.seed for entry in back.appended] == [8, 7]
    assert once.continued_by(provenance, first_episode=3) == provenance  # the other one wrote no episode


def test_what_is_not_a_provenance_is_refused(provenance):
    values = provenance.to_json()
    for broken in ({}, {**values, "extra": 1}, {**values, "action_space": {"low": 0}}, {**values, "appended": [1]}):
        with pytest.raises(InputError, match="provenance cannot be read"):
            Provenance.from_json(broken)
