"""An ensemble steps its first member, and all members measure their disagreement."""

from __future__ import annotations

import gymnasium
import numpy as np
import pytest
import torch

import hnn_gym
from hnn_gym.envs.build import build_simulator
from hnn_gym.envs.shipped import resolve_world
from hnn_gym.errors import InputError

PAIR = ["HNNPendulum-v0", "BaselinePendulum-v0"]
ACTIONS = np.random.default_rng(0).uniform(-2, 2, (20, 1)).astype(np.float32)


def followed(**options: object) -> tuple[list[np.ndarray], list[float], list[bool], list[float]]:
    """Observations, rewards, whether truncated, and disagreements of the steps of one episode from ``seed=0``."""
    env = gymnasium.make("HNN-v0", **options)
    env.reset(seed=0)
    seen, rewards, ends, doubts = [], [], [], []
    for action in ACTIONS:
        observation, reward, terminated, truncated, info = env.step(action)
        assert not terminated
        seen.append(observation)
        rewards.append(float(reward))
        ends.append(truncated)
        doubts.append(info.get("disagreement", np.nan))
        if truncated:
            break
    return seen, rewards, ends, doubts


def test_the_first_member_is_stepped_and_info_contains_the_disagreement() -> None:
    seen, rewards, _, doubts = followed(world_model=PAIR)
    alone, earned, _, silence = followed(world_model=PAIR[0])
    np.testing.assert_array_equal(seen, alone)
    assert rewards == earned
    assert all(ensemble > 0 for ensemble in doubts)
    assert np.isnan(silence).all()


def test_disagreement_is_the_spread_of_the_members_predictions() -> None:
    simulator = build_simulator(PAIR)
    x = simulator.world.phase_point(np.array([[0.4], [2.0]]), np.array([[1.0], [-3.0]]))
    action = np.array([[1.0], [-2.0]])
    predicted = []
    for name in PAIR:
        world = resolve_world(name)
        predicted.append(world.decode(world.step(world.phase_point(*simulator.world.state(x)), action)))
    spread = np.std(predicted, axis=0) / [1, 1, 8]
    np.testing.assert_allclose(
        simulator.transition(x, action).disagreement, np.sqrt((spread**2).mean(-1)), rtol=1e-9, atol=1e-15
    )


def test_equal_worlds_do_not_disagree() -> None:
    *_, doubts = followed(world_model=[PAIR[0], PAIR[0]])
    assert max(doubts) < 1e-15  # p = I v and back may round


def test_worlds_that_agree_exactly_have_a_finite_gradient() -> None:
    simulator = build_simulator([PAIR[0], PAIR[0]], disagreement_penalty=1.0)
    x = torch.tensor([[0.3, 0.1]], dtype=torch.float64)
    simulator = simulator.like(x)
    action = torch.zeros(1, 1, dtype=torch.float64, requires_grad=True)
    simulator.transition(x, action).reward.sum().backward()
    assert action.grad is not None
    assert torch.isfinite(action.grad).all()


def test_disagreement_reduces_the_reward_by_the_penalty() -> None:
    _, rewards, _, doubts = followed(world_model=PAIR)
    _, priced, _, _ = followed(world_model=PAIR, disagreement_penalty=100.0)
    np.testing.assert_allclose(priced, np.array(rewards) - 100 * np.array(doubts), rtol=1e-9)


def limited() -> tuple[dict[str, object], int]:
    """An ensemble with a limit, and how many steps of ACTIONS are within it."""
    *_, doubts = followed(world_model=PAIR)
    limit = float(np.median(doubts))
    return {"world_model": PAIR, "disagreement_limit": limit}, int(np.argmax(np.array(doubts) > limit))


def test_the_episode_is_truncated_and_not_terminated_where_the_members_disagree_too_much() -> None:
    options, first = limited()
    _, _, ends, _ = followed(**options)
    assert ends == [False] * first + [True]


@pytest.mark.parametrize("mode", ["NextStep", "SameStep"])
@pytest.mark.parametrize("device", [None, "cpu"])
def test_a_batch_is_truncated_where_the_single_environment_is(device: str | None, mode: str) -> None:
    options, first = limited()
    seen, *_ = followed(**options)
    envs = gymnasium.make_vec("HNN-v0", num_envs=2, device=device, autoreset_mode=mode, **options)
    envs.reset(seed=[0, 0])
    for step, action in enumerate(ACTIONS[: first + 1]):
        observation, _, terminated, truncated, infos = envs.step(np.stack([action, action]))
        assert np.asarray(truncated).tolist() == [step == first] * 2
        assert not np.asarray(terminated).any()
    last = infos["final_obs"][0] if mode == "SameStep" else observation[0]
    np.testing.assert_allclose(last, seen[-1], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("device", [None, "cpu"])
def test_an_episode_that_restarts_is_not_truncated_for_a_step_that_it_did_not_take(device: str | None) -> None:
    envs = gymnasium.make_vec("HNN-v0", num_envs=2, device=device, world_model=PAIR, disagreement_limit=1e-9)
    envs.reset(seed=0)
    cuts = [np.asarray(envs.step(np.zeros((2, 1)))[3]).tolist() for _ in range(4)]
    assert cuts == [[True] * 2, [False] * 2] * 2


def test_stable_baselines_gets_a_truncation_with_its_terminal_observation() -> None:
    options, first = limited()
    seen, *_ = followed(**options)
    envs = hnn_gym.make_sb3_vec("HNN-v0", 2, seed=0, **options)
    envs.reset()
    for action in ACTIONS[: first + 1]:
        _, _, dones, infos = envs.step(np.stack([action, action]))
    assert dones[0]
    assert infos[0]["TimeLimit.truncated"] is True
    np.testing.assert_array_equal(infos[0]["terminal_observation"], seen[-1])


@pytest.mark.parametrize("device", [None, "cpu"])
def test_vector_and_single_environments_disagree_equally(device: str | None) -> None:
    *_, doubts = followed(world_model=PAIR)
    envs = gymnasium.make_vec(
        "HNN-v0", num_envs=2, vectorization_mode="vector_entry_point", world_model=PAIR, device=device
    )
    envs.reset(seed=[0, 1])
    found = [np.asarray(envs.step(np.stack([action, action]))[4]["disagreement"])[0] for action in ACTIONS]
    np.testing.assert_allclose(found, doubts, rtol=1e-6, atol=1e-12)  # a difference of numbers that nearly agree
    assert hnn_gym.make_sb3_vec("HNN-v0", 2, world_model=PAIR).num_envs == 2


@pytest.mark.parametrize(
    "options",
    [
        {"world_model": []},
        {"world_model": PAIR[0], "disagreement_penalty": 1.0},
        {"world_model": PAIR, "disagreement_penalty": -1.0},
        {"world_model": PAIR, "disagreement_limit": 0.0},
        {"world_model": ["HNNPendulum-v0", "HNNSpring-v0"]},
        {"world_model": ["Spring-v0", "Spring-v0"]},
    ],
)
def test_invalid_ensembles_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(InputError):
        gymnasium.make("HNN-v0", **options)
