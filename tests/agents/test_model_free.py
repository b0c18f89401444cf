"""Agents that learn from the real environment: a training that was stopped resumes where it was."""

from __future__ import annotations

from pathlib import Path

import gymnasium
import pytest

from hnn_gym.agents import sb3_real
from hnn_gym.agents.evaluate import Policy
from hnn_gym.agents.sb3_real import PENDULUM, learn_for_real
from hnn_gym.errors import InputError


def test_a_training_that_was_stopped_resumes_with_what_it_had_learned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, reported = tmp_path / "folder" / "training", []

    def stop(count: int, agent: Policy) -> None:
        reported.append(count)
        if count == 104:
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
    assert (steps, reported) == ([104], [104, 107])
    assert not kept.exists()
