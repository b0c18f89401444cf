"""Model-free baselines: agents of stable-baselines3 that learn from the real environment, without a model of it.

Their settings are those that RL Baselines3 Zoo publishes as tuned (Raffin, *RL Baselines3 Zoo*, 2020,
hyperparams/{sac,td3,ppo}.yml), so that the comparison is with the best published settings, not with ours.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from stable_baselines3 import PPO, SAC, TD3
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.noise import NormalActionNoise
from stable_baselines3.common.vec_env import DummyVecEnv, VecEnv, VecNormalize

from hnn_gym.agents.evaluate import Policy
from hnn_gym.agents.sb3_store import load_unfinished, save_unfinished
from hnn_gym.errors import InputError


@dataclass(frozen=True)
class Published:
    """Settings that others have published as tuned.

    Attributes:
        algorithm: of stable-baselines3.
        copies: real environments side by side.
        arguments: of the algorithm.
        noise: standard deviation of action noise, in the action's own scale of [-1, 1]; None: none.
        normalized: whether observations and rewards are divided by the standard deviations of those seen so far.
    """

    algorithm: type[BaseAlgorithm]
    copies: int = 1
    arguments: Mapping[str, Any] = field(default_factory=dict)
    noise: float | None = None
    normalized: bool = False


PENDULUM = {
    "SAC": Published(SAC, arguments={"learning_rate": 1e-3}),
    "TD3": Published(
        TD3,
        arguments={
            "learning_rate": 1e-3,
            "gamma": 0.98,
            "buffer_size": 200_000,
            "learning_starts": 10_000,
            "train_freq": 1,
            "gradient_steps": 1,
            "policy_kwargs": {"net_arch": [400, 300]},
        },
        noise=0.1,
    ),
    "PPO": Published(
        PPO,
        copies=4,
        arguments={
            "learning_rate": 1e-3,
            "n_steps": 1024,
            "gae_lambda": 0.95,
            "gamma": 0.9,
            "n_epochs": 10,
            "ent_coef": 0.0,
            "clip_range": 0.2,
            "use_sde": True,
            "sde_sample_freq": 4,
        },
    ),
}
_SAVE_EVERY = 60.0


def learn_for_real(
    make_env: Callable[[], gymnasium.Env[Any, Any]],
    published: Published,
    *,
    milestones: Sequence[int],
    seed: int,
    report: Callable[[int, Policy], None],
    unfinished: Path | None = None,
) -> None:
    """Train in a real environment, and report the agent at given numbers of real steps.

    Args:
        make_env: makes the environment.
        published: the settings.
        milestones: real steps after which the agent is reported, rising; the last one ends the training.
        seed: of everything; stable-baselines3 seeds the global generators too.
        report: called with the real steps taken and the agent.
        unfinished: file for the training in progress, written every minute and when it is interrupted, and removed at
            the end. A training that is found there resumes with its weights, optimisers and replay buffer, with a new
            episode and other random numbers; only milestones before the step at which it was stopped are not reported
            again.

    Raises:
        InputError: there are no milestones, or they do not rise; the unfinished training had other settings.
    """
    if not milestones or list(milestones) != sorted(set(milestones)):
        raise InputError(f"Milestones are numbers of real steps that rise, not {list(milestones)}.")
    arguments = dict(published.arguments)
    envs = DummyVecEnv([make_env] * published.copies)
    if published.noise is not None:
        size = envs.action_space.shape or ()
        arguments["action_noise"] = NormalActionNoise(np.zeros(size), np.full(size, published.noise))
    seen: VecEnv = envs
    if published.normalized:
        seen = VecNormalize(envs, gamma=arguments.get("gamma", 0.99))
    agent = published.algorithm("MlpPolicy", seen, seed=seed, device="cpu", **arguments)
    about = {"algorithm": published.algorithm.__name__, "arguments": published.arguments, "seed": seed}
    about |= {"copies": published.copies, "noise": published.noise, "environment": str(envs.envs[0].spec)}
    about |= {"normalized": published.normalized}
    if unfinished is not None and unfinished.exists():
        load_unfinished(unfinished, agent, about)
        agent.set_random_seed(seed + agent.num_timesteps)
    left = [count for count in milestones if count >= agent.num_timesteps]
    keep = None if unfinished is None else (lambda: save_unfinished(unfinished, agent, about))
    begins, remaining = agent.num_timesteps == 0, milestones[-1] - agent.num_timesteps
    try:
        agent.learn(remaining, callback=_Milestones(left, report, keep), reset_num_timesteps=begins)
    except KeyboardInterrupt:
        if keep is not None:
            keep()
        raise
    finally:
        envs.close()
    if unfinished is not None:
        unfinished.unlink(missing_ok=True)


def _acting(agent: BaseAlgorithm) -> Policy:
    """The agent as it acts on observations that are not normalized."""
    normalizer = agent.get_vec_normalize_env()
    return agent if normalizer is None else _Normalizing(agent, normalizer)


class _Normalizing:
    """Normalizes observations as at this moment of the training, and lets the agent act on them."""

    def __init__(self, agent: BaseAlgorithm, normalizer: VecNormalize) -> None:
        self.agent, self.normalizer = agent, normalizer

    def predict(
        self, observation: np.ndarray, state: Any = None, episode_start: Any = None, deterministic: bool = True
    ) -> tuple[np.ndarray, Any]:
        """See :class:`hnn_gym.agents.evaluate.Policy`."""
        normalized = self.normalizer.normalize_obs(observation)
        assert isinstance(normalized, np.ndarray)
        return self.agent.predict(normalized, state, episode_start, deterministic)


class _Milestones(BaseCallback):
    """Reports the agent at every milestone, and keeps the training every minute."""

    def __init__(self, left: list[int], report: Callable[[int, Policy], None], keep: Callable[[], None] | None) -> None:
        super().__init__()
        self._left, self._report, self._keep = left, report, keep
        self._kept = time.monotonic()

    def _on_step(self) -> bool:
        while self._left and self.num_timesteps >= self._left[0]:
            self._report(self._left.pop(0), _acting(self.model))
        if self._keep is not None and time.monotonic() - self._kept > _SAVE_EVERY:
            self._keep()
            self._kept = time.monotonic()
        return True

    def _on_training_end(self) -> None:
        while self._left:  # the last batch of an on-policy algorithm
            self._report(self._left.pop(0), _acting(self.model))
