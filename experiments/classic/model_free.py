"""Agents of stable-baselines3 that learn from the real environment, by settings that others have published as tuned."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gymnasium
import numpy as np

from hnn_gym.agents.evaluate import Policy, play_episodes
from hnn_gym.agents.sb3_real import SWIMMER, learn_for_real

MODEL_FREE = {("Swimmer-v5", "SAC"): (SWIMMER["SAC"], 100_000)}
"""Settings and real steps, by environment and algorithm."""


def model_free_figures(env_id: str, algorithm: str, seed: int, starts: int, unfinished: Path) -> dict[str, Any]:
    """Train an agent in the real environment alone, and act there from the starts reset(seed=0), reset(seed=1), ...

    Args:
        env_id: the real environment.
        algorithm: of stable-baselines3.
        seed: of the training.
        starts: real episodes to act in.
        unfinished: folder in which a training that is stopped waits to be resumed.
    """
    published, steps = MODEL_FREE[env_id, algorithm]
    found: dict[str, Any] = {}

    def measure(count: int, agent: Policy) -> None:
        returns = play_episodes(agent, env_id, seeds=range(starts)).returns
        found.update(real_steps=count, mean=_short(returns.mean()), worst=_short(returns.min()))
        found["each"] = [_short(value) for value in returns]

    learn_for_real(
        lambda: gymnasium.make(env_id),
        published,
        milestones=[steps],
        seed=seed,
        report=measure,
        unfinished=unfinished / f"{env_id}-{algorithm}-{seed}",
    )
    return found


def _short(value: Any) -> float:
    return float(np.round(float(value), 2))
