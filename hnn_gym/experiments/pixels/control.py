"""From the dream to reality by frames alone: what a policy found in a latent world earns in the real Pendulum-v1."""

from __future__ import annotations

from typing import Any, Protocol

import gymnasium
import numpy as np

from hnn_gym.envs import LatentObservation
from hnn_gym.envs.batch import Batch
from hnn_gym.envs.build import build_simulator
from hnn_gym.pixel_world import PixelWorld


class Agent(Protocol):
    """Whatever speaks stable-baselines3's ``predict``."""

    def predict(self, observation: np.ndarray, *, deterministic: bool = True) -> tuple[np.ndarray, Any]:
        """Actions ``(..., m)`` of observations ``(..., d)``."""


def real_returns(agent: Agent, seen: PixelWorld, *, starts: int) -> np.ndarray:
    """Returns ``(starts,)`` in the real Pendulum-v1 from ``reset(seed=0)`` and on, seen through frames."""
    envs = [LatentObservation(gymnasium.make("Pendulum-v1", render_mode="rgb_array"), seen) for _ in range(starts)]
    observations = np.array([env.reset(seed=seed)[0] for seed, env in enumerate(envs)])
    returns = np.zeros(starts)
    done = False
    while not done:
        actions = agent.predict(observations, deterministic=True)[0]
        outcomes = [env.step(action) for env, action in zip(envs, actions, strict=True)]
        observations = np.array([outcome[0] for outcome in outcomes])
        returns += [float(outcome[1]) for outcome in outcomes]
        done = bool(outcomes[0][3])
    for env in envs:
        env.close()
    return returns


def dreamt_returns(agent: Agent, seen: PixelWorld, *, starts: int, seed: int = 0) -> np.ndarray:
    """Returns ``(starts,)`` in the dream itself, by its own learned reward."""
    simulator = build_simulator(seen)
    batch = Batch(simulator, starts, max_episode_steps=simulator.task.max_episode_steps)
    batch.seed(range(seed, seed + starts))
    batch.start(np.ones(starts, bool))
    observations = batch.told()["observation"]
    returns, ended = np.zeros(starts), False
    while not ended:
        outcome, truncated = batch.advance(agent.predict(observations, deterministic=True)[0])
        returns += outcome.reward
        observations, ended = outcome.observation, bool(truncated.all())
    return returns


def summary(returns: np.ndarray) -> dict[str, Any]:
    """Mean, median and worst of returns, and their number."""
    return {
        "starts": len(returns),
        "mean": float(returns.mean()),
        "median": float(np.median(returns)),
        "worst": float(returns.min()),
    }
