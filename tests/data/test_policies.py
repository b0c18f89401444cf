"""Policies: the actions that they draw, which a seed determines, and how misuse is refused."""

import sys

import gymnasium
import numpy as np
import pytest
from gymnasium.spaces import Box, Discrete, MultiBinary, MultiDiscrete

from hnn_gym.data import PolicyChoice, record_steps
from hnn_gym.errors import InputError

WIDE = Box(np.array([-1, 2], np.float32), np.array([1, 6], np.float32))
SPACES = [WIDE, Box(-1, 2, (3,), np.int8), Discrete(4, start=-1), MultiDiscrete([3, 2], start=[5, 0]), MultiBinary(3)]


def actions(choice, space, *, steps, seed=0):
    """Return the actions of one episode ``(steps, *space.shape)``."""
    act = choice.policy(space)(np.random.default_rng(seed))
    return np.array([act(np.zeros(1)) for _ in range(steps)])


def lengths(sequence):
    """Return for how many steps each action is kept, without the last, which may be cut."""
    changes = np.flatnonzero(np.any(np.diff(sequence, axis=0) != 0, axis=1)) + 1
    return np.diff(changes, prepend=0)


def test_random_actions_are_uniform_in_the_space():
    found = actions(PolicyChoice("random"), WIDE, steps=4000)
    assert found.dtype == np.float32
    assert all(WIDE.contains(action) for action in found[:100])
    # Mean and variance of 4,000 draws, within five standard errors.
    np.testing.assert_allclose(found.mean(axis=0), [0, 4], atol=5 * 2 / np.sqrt(3 * 4000))
    np.testing.assert_allclose(found.var(axis=0), [1 / 3, 4 / 3], rtol=5 * np.sqrt(0.8 / 4000))


def test_random_actions_of_finite_spaces_reach_every_value():
    for space in SPACES[1:]:
        found = actions(PolicyChoice("random"), space, steps=200)
        assert found.dtype == space.dtype
        assert all(space.contains(action) for action in found)
    assert set(actions(PolicyChoice("random"), Discrete(4, start=-1), steps=200)) == {-1, 0, 1, 2}
    assert set(actions(PolicyChoice("random"), Box(-1, 2, (3,), np.int8), steps=200).ravel()) == {-1, 0, 1, 2}


def test_held_actions_last_from_one_step_to_the_largest_hold_equally_often():
    found = lengths(actions(PolicyChoice("random", hold=4), WIDE, steps=4000))
    assert set(found) == {1, 2, 3, 4}
    # Some 1,600 lengths: each share of 1/4 within five standard errors.
    np.testing.assert_allclose(np.bincount(found)[1:] / len(found), 0.25, atol=5 * np.sqrt(0.1875 / len(found)))


@pytest.mark.parametrize("space", SPACES)
def test_bang_bang_takes_the_lowest_and_the_highest_actions_alone(space):
    found = actions(PolicyChoice("bang-bang", hold=3), space, steps=300).reshape(300, -1)
    assert found.dtype == space.dtype
    for column, (low, high) in zip(found.T, bounds(space), strict=True):
        assert set(column) == {low, high}
    # Two draws in a row may be equal, so that an action may stay longer than 3 steps.
    assert 1.5 < lengths(found).mean() < 6


def bounds(space):
    match space:
        case Box():
            return zip(space.low, space.high, strict=True)
        case Discrete():
            return [(-1, 2)]
        case MultiDiscrete():
            return [(5, 7), (0, 1)]
    return [(0, 1)] * 3


def test_a_sine_is_a_sine_with_a_period_between_the_two_and_the_range_of_the_space():
    for seed in range(20):
        found = actions(PolicyChoice("sine", periods=(8, 40)), WIDE, steps=200, seed=seed).astype(np.float64)
        assert found.dtype == np.float64
        for column, centre, half in zip(found.T, (0, 4), (1, 2), strict=True):
            wave = column - centre
            assert np.abs(wave).max() <= half
            # s(t + 1) + s(t - 1) = 2 cos(2 pi / P) s(t) for any sine of period P; the actions are float32.
            cosine = (wave[2:] + wave[:-2]) @ wave[1:-1] / (wave[1:-1] @ wave[1:-1]) / 2
            np.testing.assert_allclose(wave[2:] + wave[:-2], 2 * cosine * wave[1:-1], atol=1e-5)
            assert 8 - 1e-3 <= 2 * np.pi / np.arccos(cosine) <= 40 + 1e-1


@pytest.mark.parametrize("choice", [PolicyChoice("random", 5), PolicyChoice("bang-bang", 3), PolicyChoice("sine")])
def test_a_seed_decides_the_actions_of_every_episode(choice):
    with gymnasium.make("Pendulum-v1", max_episode_steps=15) as env:
        one, two, other = (record_steps(env, policy=choice, steps=40, seed=seed) for seed in (1, 1, 2))
    assert one.content_hash() == two.content_hash() != other.content_hash()
    first, second = (one.episode(index).action for index in (0, 1))
    assert not np.array_equal(first, second)


def test_the_provenance_names_the_policy_and_its_settings(counter):
    for choice, settings in [
        (PolicyChoice("random"), {}),
        (PolicyChoice("zero"), {}),
        (PolicyChoice("random", hold=7), {"hold": 7}),
        (PolicyChoice("bang-bang"), {"hold": 20}),
        (PolicyChoice("sine", periods=(5, 6.5)), {"periods": [5, 6.5]}),
    ]:
        provenance = record_steps(counter(), policy=choice, steps=3).provenance
        assert (provenance.policy, provenance.policy_settings) == (choice.name, settings)


@pytest.fixture
def own_policies(tmp_path, monkeypatch):
    """A module of policies in the working directory."""
    (tmp_path / "own_policies.py").write_text(
        "import numpy as np\n"
        "def brake(observation, rng):\n    return np.clip(-observation[2:] + 0.1 * rng.normal(size=1), -2, 2)\n"
        "def of_one(observation):\n    return 0\n"
        "def wrong(observation, rng):\n    return 'left'\n"
        "number = 3\n"
    )
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.chdir(tmp_path)
    yield
    sys.modules.pop("own_policies", None)


def test_a_users_own_function_chooses_the_actions_and_is_identified(own_policies):
    with gymnasium.make("Pendulum-v1") as env:
        data = record_steps(env, policy="own_policies:brake", steps=25, seed=3)
        again = record_steps(env, policy="own_policies:brake", steps=25, seed=3)
    transitions = data.transitions()
    expected = np.clip(-transitions.observation[:, 2:], -2, 2)
    assert 0 < np.abs(transitions.action - expected).max() < 1  # the noise of the generator
    assert data.content_hash() == again.content_hash()
    assert data.provenance.policy == "own_policies:brake"
    assert len(data.provenance.policy_settings["sha256"]) == 64


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("own_policies:of_one", r"must be a function of \(observation, rng\), and takes \(observation\)"),
        ("own_policies:nothing", "has no 'nothing'"),
        ("own_policies:number", r"--policy own_policies:number is 3: it must be a function f\(observation, rng\)"),
        ("nowhere_at_all:f", "no module 'nowhere_at_all'"),
        ("own_policies:wrong", "action at step 0 is 'left'"),
    ],
)
def test_a_function_that_is_not_a_policy_is_refused(own_policies, counter, name, message):
    with pytest.raises(InputError, match=message):
        record_steps(counter(), policy=name, steps=3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"name": "wise"}, "no policy 'wise': choose one of random, bang-bang, sine, zero, or .* module:function"),
        ({"name": "zero", "hold": 3}, "random and bang-bang hold actions, and zero does not"),
        ({"name": "mine:f", "hold": 3}, "hold actions, and mine:f does not"),
        ({"name": "random", "hold": 0}, "hold, .* at least 1, got 0"),
        ({"name": "random", "periods": (1, 2)}, "sine has periods, and random has none"),
        ({"name": "sine", "periods": (0, 2)}, r"both positive, and are \(0, 2\)"),
        ({"name": "sine", "periods": (5, 4)}, "shortest and the longest"),
        ({"name": "sine", "periods": (5, np.inf)}, "shortest and the longest"),
    ],
)
def test_a_policy_or_a_setting_that_does_not_exist_is_refused(options, message):
    with pytest.raises(InputError, match=message):
        PolicyChoice(**options)


@pytest.mark.parametrize(
    ("name", "space", "message"),
    [
        ("random", Box(-np.inf, np.inf, (1,)), "bounded action space"),
        ("bang-bang", Box(0, np.inf, (1,)), "bounded action space"),
        ("sine", Discrete(3), r"needs a Box of real numbers, and the actions are of Discrete\(3\): use bang-bang"),
        ("sine", Box(-1, 2, (3,), np.int8), "needs a Box of real numbers"),
        ("zero", Box(1, 2, (1,)), "Zero is not an action"),
        ("zero", Discrete(3), r"which action of Discrete\(3\) does nothing"),
    ],
)
def test_a_policy_that_does_not_suit_the_space_is_refused(name, space, message):
    with pytest.raises(InputError, match=message):
        PolicyChoice(name).policy(space)
