"""Agents of stable-baselines3 that learn from the real environment, by settings that others have published as tuned."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import gymnasium
import numpy as np
from stable_baselines3 import PPO, SAC

from hnn_gym.agents.evaluate import Policy, play_episodes
from hnn_gym.agents.sb3_real import Published, learn_for_real
from hnn_gym.studies import Results


class Measured(NamedTuple):
    """What an agent learns by, and when it is measured.

    Attributes:
        published: the settings.
        source: the file of RL Baselines3 Zoo that has them, and the environment for which it has them.
        milestones: real steps after which it acts, rising.
        trainings: how many are made, with the first seeds.
    """

    published: Published
    source: str
    milestones: tuple[int, ...]
    trainings: int


def _ppo(env_id: str, milestones: tuple[int, ...], **arguments: Any) -> Measured:
    return Measured(Published(PPO, arguments=arguments, normalized=True), f"ppo.yml, {env_id}", milestones, 3)


MODEL_FREE = {
    ("InvertedPendulum-v5", "PPO"): _ppo(
        "InvertedPendulum-v2",
        (2_000, 5_000, 10_000),
        batch_size=64,
        n_steps=32,
        gamma=0.999,
        learning_rate=0.000222425,
        ent_coef=1.37976e-07,
        clip_range=0.4,
        n_epochs=5,
        gae_lambda=0.9,
        max_grad_norm=0.3,
        vf_coef=0.19816,
    ),
    ("InvertedDoublePendulum-v5", "PPO"): _ppo(
        "InvertedDoublePendulum-v2",
        (5_000, 10_000, 20_000),
        batch_size=512,
        n_steps=128,
        gamma=0.98,
        learning_rate=0.000155454,
        ent_coef=1.05057e-06,
        clip_range=0.4,
        n_epochs=10,
        gae_lambda=0.8,
        max_grad_norm=0.5,
        vf_coef=0.695929,
    ),
    ("Reacher-v5", "PPO"): _ppo(
        "Reacher-v2",
        (5_000, 10_000, 20_000),
        batch_size=32,
        n_steps=512,
        gamma=0.9,
        learning_rate=0.000104019,
        ent_coef=7.52585e-08,
        clip_range=0.3,
        n_epochs=5,
        gae_lambda=1.0,
        max_grad_norm=0.9,
        vf_coef=0.950368,
    ),
    ("Swimmer-v5", "SAC"): Measured(
        Published(SAC, arguments={"learning_starts": 10_000, "gamma": 0.9999}), "sac.yml, Swimmer-v3", (100_000,), 1
    ),
}
"""By environment and algorithm. The source has settings that were tuned for earlier versions of the environments."""


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
    measured = MODEL_FREE[env_id, algorithm]
    training = unfinished / f"{env_id}-{algorithm}-{seed}"
    so_far = Results(training.with_suffix(".json"), command="python -m experiments.classic")

    def measure(count: int, agent: Policy) -> None:
        returns = play_episodes(agent, env_id, seeds=range(starts)).returns
        each = [_short(value) for value in returns]
        so_far[str(count)] = {"mean": _short(returns.mean()), "worst": _short(returns.min()), "each": each}

    learn_for_real(
        lambda: gymnasium.make(env_id),
        measured.published,
        milestones=measured.milestones,
        seed=seed,
        report=measure,
        unfinished=training,
    )
    found = so_far.below("")
    training.with_suffix(".json").unlink()
    return found


def _short(value: Any) -> float:
    return float(np.round(float(value), 2))
