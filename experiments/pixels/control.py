"""From the dream to reality by frames alone: real returns in Pendulum-v1 of agents made in a latent world."""

from __future__ import annotations

import time
from typing import Any

import gymnasium
import numpy as np

from hnn_gym.agents.dynamic_programming import DynamicProgramming, Grid
from hnn_gym.agents.evaluate import Policy, episode_returns
from hnn_gym.agents.sb3 import ALGORITHMS, train_agent
from hnn_gym.envs import LatentObservation
from hnn_gym.envs.build import build_simulator
from hnn_gym.worlds.pixel_world import PixelWorld

PLAN = "plan"
AGENTS = (PLAN, *ALGORITHMS)
"""The best policy of the dream, and algorithms of stable-baselines3, each by its recipe."""
GRID = Grid(positions=151, velocities=121, actions=21, velocity_range=(-8.0, 8.0))
_EPISODE = 200


def act(agent: str, seen: PixelWorld, *, seed: int, starts: int) -> dict[str, Any]:
    """Make an agent in the dream alone, by the dream's own learned reward, and let it act in dream and reality.

    Args:
        agent: one of :data:`AGENTS`.
        seen: the latent world.
        seed: of the agent's training.
        starts: number of starts in both: reset(seed=0), reset(seed=1), ...

    Returns:
        CPU seconds; returns in the real Pendulum-v1, seen through frames, and in the dream.
    """
    began = time.process_time()
    policy: Policy = planned(seen) if agent == PLAN else train_agent(seen, agent, seed=seed)
    seconds = time.process_time() - began
    real = real_returns(policy, seen, starts=starts)
    dreamt = episode_returns(policy, "HNN-v0", seeds=range(starts), env_kwargs={"world_model": seen})
    return {
        "cpu_seconds": round(seconds, 1),
        "real_from_frames": _summary(real) | {"all": np.round(real, 2).tolist()},
        "in_the_dream": _summary(dreamt),
    }


def planned(seen: PixelWorld) -> DynamicProgramming:
    """The best policy of the dream on a grid."""
    return DynamicProgramming([build_simulator(seen)], steps=_EPISODE, grid=GRID)


def real_returns(policy: Policy, seen: PixelWorld, *, starts: int) -> np.ndarray:
    """Returns ``(starts,)`` in the real Pendulum-v1 from ``reset(seed=0)`` and on, seen through frames."""

    def real() -> gymnasium.Env[Any, Any]:
        return LatentObservation(gymnasium.make("Pendulum-v1", render_mode="rgb_array"), seen)

    return episode_returns(policy, real, seeds=range(starts))


def _summary(returns: np.ndarray) -> dict[str, Any]:
    return {
        "starts": len(returns),
        "mean": float(returns.mean()),
        "median": float(np.median(returns)),
        "worst": float(returns.min()),
    }
