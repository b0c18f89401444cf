"""Agents of stable-baselines3 that learn from the real environment, by settings that others have published as tuned."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import gymnasium
import numpy as np

from hnn_gym.agents.evaluate import Policy, play_episodes
from hnn_gym.agents.sb3_real import MUJOCO, learn_for_real
from hnn_gym.studies import Results


class Measured(NamedTuple):
    """How much an agent learns, and when it is measured.

    Attributes:
        milestones: real steps after which it acts, rising.
        trainings: how many are made, with the first seeds.
    """

    milestones: tuple[int, ...]
    trainings: int


MODEL_FREE = {
    ("InvertedPendulum-v5", "PPO"): Measured((10_000, 50_000, 100_000), 3),
    ("InvertedPendulum-v5", "SAC"): Measured((20_000, 50_000), 1),
    ("InvertedDoublePendulum-v5", "PPO"): Measured((10_000, 50_000, 100_000), 3),
    ("InvertedDoublePendulum-v5", "SAC"): Measured((20_000, 50_000), 1),
    ("Reacher-v5", "PPO"): Measured((10_000, 50_000, 100_000), 3),
    ("Reacher-v5", "SAC"): Measured((20_000, 50_000), 1),
    ("Swimmer-v5", "SAC"): Measured((100_000,), 1),
}
"""By environment and algorithm, with the settings :data:`hnn_gym.agents.sb3_real.MUJOCO`."""


def model_free_figures(env_id: str, algorithm: str, seed: int, starts: int, unfinished: Path) -> dict[str, Any]:
    """Train an agent in the real environment alone, and act there from the starts reset(seed=0), reset(seed=1), ...

    Args:
        env_id: the real environment.
        algorithm: of stable-baselines3.
        seed: of the training.
        starts: real episodes to act in.
        unfinished: folder in which a training that is stopped, and what it has earned, wait to be resumed.

    Returns:
        The returns ``each``, their ``mean`` and the ``worst``, by the number of real steps.
    """
    training = unfinished / f"{env_id}-{algorithm}-{seed}"
    so_far = Results(training.with_suffix(".json"), command="python -m experiments.classic")

    def measure(count: int, agent: Policy) -> None:
        returns = play_episodes(agent, env_id, seeds=range(starts)).returns
        each = [_short(value) for value in returns]
        so_far[str(count)] = {"mean": _short(returns.mean()), "worst": _short(returns.min()), "each": each}

    learn_for_real(
        lambda: gymnasium.make(env_id),
        MUJOCO[env_id, algorithm],
        milestones=MODEL_FREE[env_id, algorithm].milestones,
        seed=seed,
        report=measure,
        unfinished=training,
    )
    found = so_far.below("")
    training.with_suffix(".json").unlink()
    return found


def _short(value: Any) -> float:
    return float(np.round(float(value), 2))
