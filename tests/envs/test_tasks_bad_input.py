"""Bad input to the tasks' environments raises one clear error each, before the state changes."""

import gymnasium
import numpy as np
import pytest

from hnn_gym import InputError


@pytest.mark.parametrize(
    ("kwargs", "words"),
    [
        ({"n": 1}, "at least 2 bodies, got n=1"),
        ({"n": 0}, "at least 2 bodies, got n=0"),
        ({"n": -3}, "at least 2"),
        ({"n": 2.5}, "whole number"),
        ({"n": "three"}, "whole number"),
        ({"n": True}, "whole number"),
        ({"masses": ()}, "at least 2"),
        ({"masses": (1.0,)}, "at least 2"),
        ({"masses": (1.0, 0.0)}, "masses > 0"),
        ({"masses": (1.0, -1.0)}, "masses > 0"),
        ({"masses": (1.0, np.nan)}, "masses to be a tuple of numbers"),
        ({"masses": (1.0, np.inf)}, "masses > 0"),
        ({"masses": (1.0, "heavy")}, "must be numbers"),
        ({"masses": 3.0}, "must be numbers"),
        ({"n": 3, "masses": (1.0, 1.0)}, "do not fit"),
        ({"softening": -0.1}, "softening >= 0"),
        ({"softening": np.nan}, "softening"),
        ({"softening": np.inf}, "finite softening"),
        ({"softening": None}, "must be numbers"),
    ],
)
def test_n_bodies_refuse_invalid_numbers_masses_and_softenings(kwargs, words):
    with pytest.raises(InputError, match=words):
        gymnasium.make("NBody-v0", **kwargs)


@pytest.mark.parametrize("env_id", ["TwoBody-v0", "HNNTwoBody-v0", "BaselineTwoBody-v0"])
def test_coinciding_bodies_are_refused_and_leave_the_environment_as_it_was(env_id):
    env = gymnasium.make(env_id).unwrapped
    env.reset(seed=0)
    before = env.state
    with pytest.raises(InputError, match=r"Bodies 0 and 1 are both at \[0.5, 0.5\] m"):
        env.reset(options={"state": [0.5, 0.5, 0.5, 0.5, 0.0, 1.0, 0.0, -1.0]})
    with pytest.raises(InputError, match="both at"):
        env.state = np.zeros(8)
    assert np.array_equal(env.state, before)


@pytest.mark.parametrize("env_id", ["Spring-v0", "HNNIdealPendulum-v0", "ThreeBody-v0"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_start_that_is_not_finite_is_refused(env_id, value):
    env = gymnasium.make(env_id).unwrapped
    env.reset(seed=0)
    state = env.state
    state[-1] = value
    with pytest.raises(InputError, match="not finite"):
        env.reset(options={"state": state})


def test_a_start_of_another_number_of_bodies_is_refused():
    env = gymnasium.make("NBody-v0", n=4).unwrapped
    with pytest.raises(InputError, match=r"must have \(16,\)"):
        env.reset(options={"state": np.arange(12.0)})


def test_an_unknown_option_of_reset_is_refused():
    with pytest.raises(InputError, match="energy"):
        gymnasium.make("Spring-v0").unwrapped.reset(options={"energy": 1.0})
