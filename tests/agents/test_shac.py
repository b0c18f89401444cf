"""Policies trained by gradients through the world."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from hnn_gym.agents import shac
from hnn_gym.agents.agent_checkpoint import UNFINISHED
from hnn_gym.agents.shac import ShacSettings, train_shac
from hnn_gym.agents.shac_policy import ShacPolicy
from hnn_gym.agents.transfer import dream_episodes
from hnn_gym.envs.build import build_simulator
from hnn_gym.errors import InputError, MissingPathError

TINY = ShacSettings(updates=12, num_envs=8, window=4, hidden=(8,))


def test_a_policy_learns_to_damp_a_spring_in_a_few_seconds() -> None:
    simulator = build_simulator("HNNSpring-v0", reward=lambda seen, force, then: -(then[..., 1] ** 2))
    policy = train_shac(simulator, ShacSettings(updates=40, num_envs=16, hidden=(16,), learning_rate=1e-2))
    starts = np.array([[1.0, 0.0], [0.0, 1.0], [-0.5, 1.5]], np.float32)
    idle = replace(policy, parameters={**policy.parameters, "policy.w1": 0 * policy.parameters["policy.w1"]})
    learned, nothing = (dream_episodes(agent, simulator, starts, steps=200).returns for agent in (policy, idle))
    assert (learned > nothing / 2).all()  # half of the speed squared that the spring keeps on its own


def test_the_gradient_is_that_of_finite_differences() -> None:
    trainer = shac._Trainer(build_simulator("HNNPendulum-v0"), replace(TINY, noise=0.0))
    x = trainer._drawn(4)
    weight = trainer._policy["policy.w1"]

    def earned() -> torch.Tensor:
        point, total = x, torch.zeros(4)
        for _ in range(5):
            seen = trainer._seen(point, np.zeros(4))
            transition = trainer._simulator.transition(point, trainer._action(seen, 0.0))
            point, total = transition.x, total + transition.reward
        return total.sum()

    (slope,) = torch.autograd.grad(earned(), weight)
    step = 1e-2
    with torch.no_grad():
        weight[0, 0] += step
        above = earned()
        weight[0, 0] -= 2 * step
        below = earned()
    # float32 sums of about 100 over a difference of 2e-2: 1e-5 x 100 / 2e-2 = 5 % of a slope of order 1.
    assert float(slope[0, 0]) == pytest.approx(float(above - below) / (2 * step), rel=0.1, abs=0.02)


def test_an_interrupted_training_resumes_to_exactly_the_same_policy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    simulator = build_simulator("HNNPendulum-v0")
    straight = train_shac(simulator, TINY)

    def kill(update: int, _: float) -> None:
        if update == 9:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_shac(simulator, TINY, folder=tmp_path, save_every=0.0, report=kill)
    with pytest.raises(InputError, match="other settings"):
        train_shac(simulator, replace(TINY, seed=1), folder=tmp_path)
    seen: list[int] = []
    resumed = train_shac(simulator, TINY, folder=tmp_path, report=lambda update, _: seen.append(update))
    assert seen[0] == 10  # the interruption lost no update
    for name, value in straight.parameters.items():
        np.testing.assert_array_equal(resumed.parameters[name], value)
    resumed.save(tmp_path)
    assert not (tmp_path / UNFINISHED).exists()
    (tmp_path / UNFINISHED).write_bytes(b"not a training")
    with pytest.raises(InputError, match="cannot be read"):
        train_shac(simulator, TINY, folder=tmp_path)


def test_a_policy_comes_back_from_its_folder_and_foreign_ones_are_refused(tmp_path: Path) -> None:
    policy = train_shac(build_simulator("HNNTwoBody-v0"), TINY)
    policy.save(tmp_path / "agent", about={"note": "x"})
    loaded = ShacPolicy.load(tmp_path / "agent")
    observation = np.random.default_rng(0).normal(size=(5, 8))
    np.testing.assert_array_equal(loaded.predict(observation)[0], policy.predict(observation)[0])
    assert loaded.action_space.contains(loaded.predict(observation)[0][0])
    with pytest.raises(MissingPathError, match="nowhere"):
        ShacPolicy.load(tmp_path / "nowhere")
    card = tmp_path / "agent" / "agent.json"
    foreign = json.loads(card.read_text().replace('"shac"', '"stable-baselines3"'))
    del foreign["seal"]
    card.write_text(json.dumps(foreign))
    with pytest.raises(InputError, match="of kind"):
        ShacPolicy.load(tmp_path / "agent")


def test_dreams_get_longer_from_one_window_to_their_full_length() -> None:
    trainer = shac._Trainer(build_simulator("HNNPendulum-v0"), TINY)
    assert [trainer._dream_length(left) for left in (1.0, 0.75, 0.5, 0.0)] == [4, 102, 200, 200]
    trainer = shac._Trainer(build_simulator("HNNPendulum-v0"), replace(TINY, dream=10**6))
    assert trainer._dream_length(0.0) == 200  # no dream is longer than an episode


def test_the_disagreement_of_an_ensemble_reduces_the_reward_and_truncates_the_dream() -> None:
    pair = ["HNNPendulum-v0", "BaselinePendulum-v0"]
    trusting, paying, cut = (
        shac._Trainer(build_simulator(pair, **ensemble), TINY)  # type: ignore[arg-type]
        for ensemble in ({}, {"disagreement_penalty": 1e3}, {"disagreement_limit": 1e-12})
    )
    assert paying._unit > trusting._unit  # the size of a return under random actions
    for trainer in (trusting, paying, cut):
        trainer.window(0.0)
    assert (trusting._age > 0).all()
    assert (cut._age == 0).all()


def test_worlds_without_bounded_forces_are_refused() -> None:
    with pytest.raises(InputError, match="bounded forces"):
        train_shac(build_simulator("HNNPendulum-v0", actions="bump"), TINY)
    with pytest.raises(InputError, match="at least 1"):
        ShacSettings(window=0)
