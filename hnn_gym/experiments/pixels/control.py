"""From the dream to reality by frames alone: what a plan made in a latent world earns in the real Pendulum-v1."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np

from hnn_gym.agents.dynamic_programming import DynamicProgramming, Grid
from hnn_gym.agents.evaluate import episode_returns
from hnn_gym.envs import LatentObservation
from hnn_gym.envs.build import build_simulator
from hnn_gym.pixel_world import PixelWorld

SPEED = 8.0
"""Largest abs(v) of the grid in rad/s."""
_EPISODE = 200


def planned(seen: PixelWorld, *, positions: int = 151, velocities: int = 121, actions: int = 21) -> DynamicProgramming:
    """The best policy of the dream, by its own learned reward."""
    grid = Grid(positions=positions, velocities=velocities, actions=actions, velocity_range=(-SPEED, SPEED))
    return DynamicProgramming([build_simulator(seen)], steps=_EPISODE, grid=grid)


def real_returns(policy: DynamicProgramming, seen: PixelWorld, *, starts: int) -> np.ndarray:
    """Returns ``(starts,)`` in the real Pendulum-v1 from ``reset(seed=0)`` and on, seen through frames."""

    def real() -> gymnasium.Env[Any, Any]:
        return LatentObservation(gymnasium.make("Pendulum-v1", render_mode="rgb_array"), seen)

    return episode_returns(policy, real, seeds=range(starts))


def dreamt_returns(policy: DynamicProgramming, seen: PixelWorld, *, starts: int) -> np.ndarray:
    """Returns ``(starts,)`` in the dream itself, by its own learned reward."""
    return episode_returns(policy, "HNN-v0", seeds=range(starts), env_kwargs={"world_model": seen})


def summary(returns: np.ndarray) -> dict[str, Any]:
    """Mean, median and worst of returns, and their number."""
    return {
        "starts": len(returns),
        "mean": float(returns.mean()),
        "median": float(np.median(returns)),
        "worst": float(returns.min()),
    }
