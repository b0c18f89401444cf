"""Agents that learn from the real environment: a training that was stopped resumes where it was."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from stable_baselines3 import PPO

from hnn_gym.agents import sb3_real
from hnn_gym.agents.evaluate import Policy
from hnn_gym.agents.sb3_real import PENDULUM, Published, learn_for_real
from hnn_gym.errors import InputError


def test_a_training_that_was_stopped_resumes_with_what_it_had_learned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, reported = tmp_path / "folder" / "training", []

    def stop(count: int, agent: Policy) -> None:
        reported.append(count)
        if reported == [104]:
            raise KeyboardInterrupt

    def learn(seed: int = 0) -> None:
        learn_for_real(
            lambda: gymnasium.make("Pendulum-v1"),
            PENDULUM["SAC"],
            milestones=[104, 107],
            seed=seed,
            report=stop,
            unfinished=kept,
        )

    with pytest.raises(KeyboardInterrupt):
        learn()
    assert kept.exists()
    with pytest.raises(InputError, match="other settings"):
        learn(seed=1)
    steps: list[int] = []
    load = sb3_real.load_unfinished
    monkeypatch.setattr(
        sb3_real,
        "load_unfinished",
        lambda path, agent, about: (load(path, agent, about), steps.append(agent.num_timesteps)),
    )
    learn()
    assert (steps, reported) == ([104], [104, 104, 107])  # what was stopped while it was measured is measured
    assert not kept.exists()


def test_what_normalizes_observations_is_resumed_and_acts_on_observations_as_they_are(tmp_path: Path) -> None:
    kept, actions, counts = tmp_path / "training", [], []
    tiny = Published(PPO, arguments={"n_steps": 8, "batch_size": 8, "n_epochs": 1}, normalized=True)
    seen = np.array([[1.0, 0.0, 8.0]], np.float32)

    def report(count: int, agent: Any) -> None:
        counts.append((count, agent.normalizer.obs_rms.count))
        actions.append(agent.predict(seen))
        plain, normalized = agent.agent, agent.normalizer.normalize_obs(seen)
        np.testing.assert_array_equal(actions[-1][0], plain.predict(normalized, deterministic=True)[0])
        assert np.abs(normalized - seen).max() > 0.1
        if len(counts) == 1:
            raise KeyboardInterrupt

    def learn() -> None:
        learn_for_real(
            lambda: gymnasium.make("Pendulum-v1"), tiny, milestones=[16, 32], seed=0, report=report, unfinished=kept
        )

    with pytest.raises(KeyboardInterrupt):
        learn()
    learn()
    assert [count for count, _ in counts] == [16, 16, 32]
    stopped, resumed, ended = (seen for _, seen in counts)
    assert stopped < resumed < stopped + 3  # with a new start
    assert ended == resumed + 15
