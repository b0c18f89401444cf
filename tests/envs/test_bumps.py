"""Energy as an action: channels, counterfactuals, time reversal, and bumps by force in the real world."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gymnasium
import imageio.v3 as imageio
import numpy as np
import pytest

import hnn_gym
from hnn_gym.agents.energy_shaping import EnergyShaping
from hnn_gym.envs.shipped import WEIGHTS, resolve_world
from hnn_gym.errors import InputError

WITH_ENERGY = ["Spring-v0", *sorted(p.name for p in WEIGHTS.iterdir() if p.name.startswith("HNN"))]
SMALL = dict.fromkeys(("HNNMountainCar-v0", "HNNMountainCarContinuous-v0"), 0.001)
"""Bumps of the worlds in which 0.125 J would exceed the speed limit."""


@pytest.mark.parametrize("env_id", WITH_ENERGY)
def test_a_bump_action_raises_the_energy_by_the_amount_in_info(env_id: str) -> None:
    env = gymnasium.make(env_id, actions="bump", bump_limit=0.2)
    assert env.action_space.shape == (1,)
    _, before = env.reset(seed=0)
    amount = SMALL.get(env_id, 0.125)
    *_, info = env.step(np.array([amount], np.float32))
    assert info["bump_requested"] == pytest.approx(amount)
    assert info["bump_realised"] == pytest.approx(amount, abs=1e-9)
    still = gymnasium.make(env_id)
    still.reset(seed=0)
    still.unwrapped.bump(np.float32(amount))  # type: ignore[attr-defined]
    table = still.unwrapped.coordinates.force_table  # type: ignore[attr-defined]
    if table is None:
        nothing: Any = np.zeros(still.action_space.shape or (), np.float32)
    elif (0.0,) in table:
        nothing = table.index((0.0,))
    else:  # an action of the cart-pole always pushes
        return
    *_, after = still.step(nothing)
    assert info["energy"] == pytest.approx(after["energy"], abs=1e-7)
    assert after["energy"] > before["energy"]


def test_force_and_bump_together_act_one_after_the_other() -> None:
    both = gymnasium.make("HNNPendulum-v0", actions="force+bump")
    assert both.action_space.shape == (2,)
    both.reset(seed=1)
    both.step(np.array([1.5, 0.3], np.float32))
    plain = gymnasium.make("HNNPendulum-v0")
    plain.reset(seed=1)
    plain.unwrapped.bump(np.float32(0.3))  # type: ignore[attr-defined]
    plain.step(np.array([1.5], np.float32))
    np.testing.assert_allclose(both.unwrapped.state, plain.unwrapped.state, atol=1e-12)  # type: ignore[attr-defined]


def test_a_bump_reduces_the_reward_by_its_cost_for_every_realised_joule() -> None:
    rewards = []
    for price in (0.0, 2.0):
        env = gymnasium.make("HNNPendulum-v0", actions="bump", bump_cost=price)
        env.reset(seed=0)
        rewards.append(env.step(np.array([-0.01], np.float32))[1])
    assert rewards[0] - rewards[1] == pytest.approx(2.0 * 0.01, rel=1e-4)


@pytest.mark.parametrize("env_id", ["HNNPendulum-v0", "HNNSpring-v0", "HNNIdealPendulum-v0", "HNNTwoBody-v0"])
def test_true_energy_changes_by_the_request_where_the_truth_is_known(env_id: str) -> None:
    env = gymnasium.make(env_id, actions="bump", max_episode_steps=10_000)
    env.reset(seed=0)
    rng, errors = np.random.default_rng(0), []
    for _ in range(300):
        *_, info = env.step(rng.uniform(-1, 1, 1))
        if abs(info["bump_realised"]) > 1e-3:
            errors.append(abs(info["bump_realised_truly"] / info["bump_realised"] - 1))
    assert len(errors) > 100
    assert np.quantile(errors, 0.95) < 0.01


def test_a_bump_that_would_exceed_the_speed_limit_is_clipped_and_reported() -> None:
    env = gymnasium.make("HNNPendulum-v0", actions="bump", bump_limit=5.0)
    env.reset(options={"state": [np.pi, 7.5]})
    *_, info = env.step(np.array([5.0], np.float32))
    assert 0 < info["bump_realised"] < 2.0
    assert abs(env.unwrapped.state[1]) <= 8.0  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("env_id", "kwargs", "words"),
    [
        ("BaselinePendulum-v0", {"actions": "bump"}, "baseline world has no energy.*HNNPendulum-v0"),
        ("HNNPendulum-v0", {"actions": "kick"}, "'force\\+bump' or 'bump-by-force', not 'kick'"),
        ("BaselinePendulum-v0", {"actions": "bump-by-force"}, "baseline world has no energy"),
        (
            "HNNPendulum-v0",
            {"actions": "bump", "bump_limit": -1.0},
            "limit, in J, must be a finite number greater than 0",
        ),
        (
            "HNNPendulum-v0",
            {"actions": "bump", "bump_cost": float("nan")},
            "bump_cost, per J, must be a finite number of at least 0",
        ),
    ],
)
def test_invalid_channels_are_refused(env_id: str, kwargs: Any, words: str) -> None:
    with pytest.raises(InputError, match=words):
        gymnasium.make(env_id, **kwargs)


def test_reversed_time_brings_every_state_back() -> None:
    env = gymnasium.make("HNNPendulum-v0").unwrapped
    env.reset(seed=3)
    rng = np.random.default_rng(0)
    actions = [rng.uniform(-1, 1, 1) for _ in range(60)]
    states = [env.state]  # type: ignore[attr-defined]
    for action in actions:
        env.step(action)
        states.append(env.state)  # type: ignore[attr-defined]
    env.reverse()  # type: ignore[attr-defined]
    for action, expected in zip(reversed(actions), reversed(states[:-1]), strict=True):
        env.step(action)
        np.testing.assert_allclose(env.state, expected, atol=1e-9)  # type: ignore[attr-defined]


def test_a_baseline_cannot_be_reversed_and_says_why() -> None:
    env = gymnasium.make("BaselinePendulum-v0").unwrapped
    env.reset(seed=0)
    with pytest.raises(InputError, match="cannot be run backwards"):
        env.reverse()  # type: ignore[attr-defined]


def test_a_cloned_state_brings_back_the_same_future() -> None:
    env = gymnasium.make("HNNPendulum-v0").unwrapped
    env.reset(seed=0)
    saved = env.clone_state()  # type: ignore[attr-defined]
    futures = []
    for _ in range(2):
        env.restore_state(saved)  # type: ignore[attr-defined]
        for _ in range(5):
            env.step(np.array([0.7]))
        futures.append((env.state.copy(), env.reset()[0]))  # type: ignore[attr-defined]
    np.testing.assert_array_equal(futures[0][0], futures[1][0])
    np.testing.assert_array_equal(futures[0][1], futures[1][1])  # the random generator came back too
    with pytest.raises(InputError, match="another kind of world"):
        gymnasium.make("HNNPendulum-v0", dt=0.01).unwrapped.restore_state(saved)  # type: ignore[attr-defined]


def test_a_counterfactual_differs_from_the_bump_on_and_leaves_the_environment_unchanged(tmp_path: Path) -> None:
    env = gymnasium.make("HNNPendulum-v0", render_mode="rgb_array")
    env.reset(options={"state": [np.pi - 0.6, 0.5]})
    before = env.unwrapped.state  # type: ignore[attr-defined]
    result = hnn_gym.counterfactual(env, np.zeros((30, 1)), bumps={10: 1.0})
    np.testing.assert_array_equal(env.unwrapped.state, before)  # type: ignore[attr-defined]
    np.testing.assert_array_equal(result.factual.state[:11], result.counterfactual.state[:11])
    assert result.realised[10] == pytest.approx(1.0, abs=1e-9)
    gain = result.counterfactual.energy[11:].mean() - result.factual.energy[11:].mean()
    assert gain == pytest.approx(1.0, abs=0.2)  # the ripple of symplectic Euler
    pictures = tmp_path / "a folder" / "that is made"
    result.save_figure(pictures / "futures.png")
    result.save_film(pictures / "futures.gif")
    assert imageio.imread(pictures / "futures.png").std() > 10
    assert len(imageio.imread(pictures / "futures.gif")) >= 2


def test_counterfactuals_with_invalid_arguments_are_refused() -> None:
    real = gymnasium.make("Pendulum-v1")
    real.reset(seed=0)
    with pytest.raises(InputError, match="learn its world first"):
        hnn_gym.counterfactual(real, np.zeros((3, 1)), bumps={})
    env = gymnasium.make("HNNPendulum-v0")
    env.reset(seed=0)
    with pytest.raises(InputError, match=r"bumps at \[7\]"):
        hnn_gym.counterfactual(env, np.zeros((3, 1)), bumps={7: 1.0})
    with pytest.raises(InputError, match="bumps must be a dict"):
        hnn_gym.counterfactual(env, np.zeros((3, 1)), bumps=[1.0])  # type: ignore[arg-type]


def test_bumps_by_force_swing_up_the_real_pendulum() -> None:
    world = resolve_world("HNNPendulum-v0")
    agent = EnergyShaping(world, target=0.0)
    reached = 0
    for seed in range(5):
        env = hnn_gym.BumpByForce(gymnasium.make("Pendulum-v1"), world)
        observation, _ = env.reset(seed=seed)
        for _ in range(200):
            observation, *_, info = env.step(agent.predict(observation)[0])
            if observation[0] > np.cos(0.2):
                reached += 1
                break
    assert reached == 5
    assert set(info) >= {"bump_requested", "bump_realised", "bump_outstanding"}


def test_a_single_request_is_pursued_until_it_is_realised() -> None:
    env = hnn_gym.BumpByForce(gymnasium.make("Pendulum-v1"), resolve_world("HNNPendulum-v0"))
    env.reset(seed=0)
    *_, info = env.step(np.array([1.0]))
    first = info["bump_outstanding"]
    for _ in range(40):
        *_, info = env.step(np.array([0.0]))
    assert first > 0.5
    assert abs(info["bump_outstanding"]) < 0.05


@pytest.mark.parametrize(
    ("world", "words"), [("BaselinePendulum-v0", "no energy to aim at"), ("HNNSpring-v0", "observations of 2")]
)
def test_bumps_by_force_need_a_world_that_fits(world: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        hnn_gym.BumpByForce(gymnasium.make("Pendulum-v1"), world)
    with pytest.raises(InputError, match="limit > 0 J and candidates >= 1"):
        hnn_gym.BumpByForce(gymnasium.make("Pendulum-v1"), "HNNPendulum-v0", limit=-1.0)


def test_bumps_by_force_in_a_world_are_those_of_the_wrapper_around_it_step_for_step() -> None:
    world, kwargs = resolve_world("HNNPendulum-v0"), {"actions": "bump-by-force", "bump_limit": 0.3}
    inside: Any = gymnasium.make("HNNPendulum-v0", **kwargs)
    around = hnn_gym.BumpByForce(gymnasium.make("HNNPendulum-v0"), world, limit=0.3)
    envs = gymnasium.make_vec("HNNPendulum-v0", num_envs=3, **kwargs)
    inside.reset(seed=2), around.reset(seed=2), envs.reset(seed=0)
    rng, realised = np.random.default_rng(0), 0.0
    for _ in range(100):
        requests = rng.uniform(-0.3, 0.3, (3, 1)).astype(np.float32)
        one, other, many = inside.step(requests[2]), around.step(requests[2]), envs.step(requests)
        np.testing.assert_allclose(one[0], other[0], atol=1e-6)  # the wrapper sees observations in float32
        np.testing.assert_allclose(one[0], many[0][2], atol=1e-6)
        assert one[1] == pytest.approx(other[1], abs=1e-5)
        last = one[-1]
        assert last["bump_realised"] == pytest.approx(other[-1]["bump_realised"], abs=1e-5)
        assert last["bump_realised_truly"] == pytest.approx(last["bump_realised"], abs=1e-3)  # the world is that good
        realised = max(realised, abs(last["bump_realised"]))
    assert realised > 0.1  # force did something


def test_a_feasible_request_by_force_is_met_to_the_resolution_of_its_candidates() -> None:
    env: Any = gymnasium.make("HNNPendulum-v0", actions="bump-by-force")
    env.reset(options={"state": [np.pi, 5.0]})  # fast, at the bottom: full force does 0.5 J a step
    for dE in (0.2, -0.3):
        *_, info = env.step([dE])
        assert info["bump_realised"] == pytest.approx(dE, abs=0.5 * 2 / 32)  # a candidate's spacing
    env.reset(options={"state": [np.pi, 0.0]})
    *_, info = env.step([1.0])
    assert info["bump_realised"] < 0.1  # at rest there is hardly any work
