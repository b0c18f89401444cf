"""Rewards and terminations learned from recorded steps: exact where formulas are simple, honest where they are not."""

from __future__ import annotations

import json

import gymnasium
import numpy as np
import pytest
import torch

from hnn_gym.errors import InputError
from hnn_gym.models.task_heads import LearnedReward, NetworkScore, PolynomialScore, TaskHeads
from hnn_gym.trace import scalar_code, trace
from hnn_gym.training.task_heads import Steps, fit_task_heads, fit_termination


def recorded(env_id: str, count: int, *, seed: int) -> tuple[Steps, np.ndarray]:
    """Random steps of an environment, and the number of the episode that each belongs to."""
    env = gymnasium.make(env_id)
    env.action_space.seed(seed)
    observation, _ = env.reset(seed=seed)
    rows, episodes, episode = [], [], 0
    for _ in range(count):
        action = env.action_space.sample()
        after, reward, terminated, truncated, _ = env.step(action)
        force = np.eye(env.action_space.n)[action] if isinstance(action, np.integer | int) else action
        rows.append((observation, force, after, reward, terminated))
        episodes.append(episode)
        observation = after
        if terminated or truncated:
            observation, _ = env.reset()
            episode += 1
    columns = [np.array(column, np.float64) for column in zip(*rows, strict=True)]
    return Steps(*columns[:4], columns[4].astype(bool)), np.array(episodes)


def swinging(count: int, *, seed: int) -> Steps:
    """A made-up task on two angles: it ends where a tip is high, and pays for nothing but the torque."""
    rng = np.random.default_rng(seed)
    q, v, u = rng.uniform(-np.pi, np.pi, (count, 2)), rng.normal(size=(count, 2)), rng.normal(size=(count, 1))
    seen = np.stack([np.cos(q[:, 0]), np.sin(q[:, 0]), np.cos(q[:, 1]), np.sin(q[:, 1]), *v.T], axis=-1)
    ended = -np.cos(q[:, 0]) - np.cos(q.sum(-1)) > 1
    return Steps(rng.normal(size=(count, 6)), u, seen, -0.1 * u[:, 0] ** 2 + 50.0 * ended, ended)


def every_fifth(steps: Steps) -> np.ndarray:
    return np.arange(len(steps)) % 5 == 0


def test_cart_pole_is_rewarded_one_and_terminates_at_gymnasiums_angle() -> None:
    steps, episodes = recorded("CartPole-v1", 1000, seed=0)
    heads, figures = fit_task_heads(steps, held_out=episodes % 5 == 0)
    assert figures.reward_rms == 0.0
    assert figures.false_alarms == 0.0
    fresh, _ = recorded("CartPole-v1", 3000, seed=1)
    ends = heads.termination(fresh.next_observation)
    assert not ends[~fresh.terminated].any()
    assert (~ends[fresh.terminated]).mean() <= 0.03  # a threshold lies somewhere between two recorded angles
    (rule,) = heads.termination.scores
    assert isinstance(rule, PolynomialScore)
    assert rule.terms == ((2, 2),)
    assert np.sqrt(-rule.constant) == pytest.approx(12 * 2 * np.pi / 360, rel=5e-3)


def test_a_bonus_at_the_end_is_found_beside_a_quadratic_cost() -> None:
    steps = swinging(1500, seed=0)
    heads, figures = fit_task_heads(steps, held_out=every_fifth(steps))
    assert heads.reward.jump == pytest.approx(50.0)
    assert figures.terminations == steps.terminated.sum()
    fresh = swinging(3000, seed=1)
    wrong = heads.termination(fresh.next_observation) != fresh.terminated
    assert wrong.mean() < 0.03  # 27 weights from 1,500 steps leave an error of about 27 / 1,500
    error = heads.reward(fresh.observation, fresh.force, fresh.next_observation) - fresh.reward
    assert np.abs(error[~wrong]).max() < 1e-9


def test_heads_are_the_same_after_json_on_torch_and_traced() -> None:
    rng, odd = np.random.default_rng(0), swinging(500, seed=0)
    network = {name: rng.normal(size=shape).tolist() for name, shape in {"w0": (5, 13), "b0": 5, "w1": (1, 5)}.items()}
    paid_by = NetworkScore((0.1,) * 13, (2.0,) * 13, 0.5, 3.0, network)
    termination = fit_termination(odd.next_observation, odd.terminated)
    heads = TaskHeads(LearnedReward(paid_by, 7.0, termination), termination)
    again = TaskHeads.from_json(json.loads(json.dumps(heads.to_json())))
    before, force, after = (array[:20] for array in (odd.observation, odd.force, odd.next_observation))
    paid, ends = heads.reward(before, force, after), heads.termination(after)
    np.testing.assert_array_equal(again.reward(before, force, after), paid)
    np.testing.assert_array_equal(again.termination(after), ends)
    tensors = [torch.as_tensor(array) for array in (before, force, after)]
    np.testing.assert_allclose(again.reward(*tensors).numpy(), paid, rtol=1e-12)
    program = trace(lambda o, u, n: {"r": again.reward(o, u, n), "end": again.termination(n)}, o=6, u=1, n=6)
    run = scalar_code.compiled(program, {})
    for row in range(20):
        reward, end = run(before[row].tolist(), force[row].tolist(), after[row].tolist())
        assert float(reward) == pytest.approx(paid[row], rel=1e-12)
        assert bool(end) == ends[row]


def test_without_a_recorded_termination_nothing_terminates_and_a_sentence_says_so() -> None:
    learned = fit_termination(np.random.default_rng(0).normal(size=(50, 3)), np.zeros(50, bool))
    assert not learned(np.full((4, 3), 1e9)).any()
    assert "only truncated" in learned.in_words(("a", "b", "c"))


def test_a_termination_that_no_polynomial_separates_is_learned_by_a_network() -> None:
    rng = np.random.default_rng(0)
    seen = rng.uniform(-1, 1, (1500, 2))
    ended = np.sin(4 * seen[:, 0]) * np.sin(4 * seen[:, 1]) > 0.3
    learned = fit_termination(seen[:1000], ended[:1000])
    assert isinstance(learned.scores[-1], NetworkScore)
    wrong = (learned(seen[1000:]) != ended[1000:]).mean()
    assert wrong < 0.5 * min(ended.mean(), 1 - ended.mean())  # guessing the commoner answer errs twice as often


def test_steps_that_are_all_or_none_held_out_are_refused() -> None:
    steps = swinging(20, seed=0)
    for everything in (True, False):
        with pytest.raises(InputError, match="have to be held out"):
            fit_task_heads(steps, held_out=np.full(20, everything))
    with pytest.raises(InputError, match="cannot be read"):
        TaskHeads.from_json({"termination": [{"kind": "oracle"}], "reward": {}, "jump": 0.0})
