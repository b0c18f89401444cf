"""One cell: plan to the optimum of a world over the whole long episode, act in reality, compare with what was promised.

The agent is backward induction on one grid for every world (:mod:`hnn_gym.agents.dynamic_programming`), so that nothing
but the world differs, and no chance is in it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from hnn_gym.agents.dynamic_programming import DynamicProgramming, Grid
from hnn_gym.agents.evaluate import Episodes, Policy, play_episodes
from hnn_gym.coordinates import Coordinates
from hnn_gym.envs.core import Simulator
from hnn_gym.experiments.long_task.task import TARGET, EnergyHold, WeakMotor, true_energy
from hnn_gym.world_model import WorldModel

_HOLD = 4
"""Steps that an action is held for: 0.2 s, a quarter of a small half swing."""
_LAST = 0.2
"""Share of an episode, its end, over which holding is judged."""


def planned(world: WorldModel, *, steps: int, grid: Grid, starts: tuple[int, ...]) -> dict[str, Any]:
    """Plan in a world, and act in the real environment.

    Args:
        world: to plan in, learned or true.
        steps: length of an episode.
        grid: to plan on.
        starts: seeds of the real environment.

    Returns:
        What :func:`acted` tells, and ``promised``, the returns that the world foretold ``(starts,)``.
    """
    with np.errstate(all="ignore"):  # a bad world may leave the finite numbers in imagination
        policy = DynamicProgramming([Simulator(world, EnergyHold())], steps=steps, grid=grid, hold=_HOLD)
    first = [WeakMotor(steps=steps).reset(seed=seed)[0] for seed in starts]
    promised = policy.value(world.encode(np.array(first, np.float64)))
    return acted(policy, steps=steps, starts=starts) | {"promised": _rounded(promised)}


def acted(policy: Policy, *, steps: int, starts: tuple[int, ...]) -> dict[str, Any]:
    """Act in the real environment: ``returns`` and ``energy_error_J``, each ``(starts,)``.

    The latter is the RMS of E - E* over the last fifth of an episode.
    """
    episodes = play_episodes(policy, lambda: WeakMotor(steps=steps), seeds=starts)
    return {"returns": _rounded(episodes.returns), "energy_error_J": _rounded(_energy_error(episodes))}


class Nothing:
    """No torque, ever; speaks stable-baselines3's ``predict``."""

    def predict(
        self, observation: np.ndarray, state: Any = None, episode_start: Any = None, deterministic: bool = True
    ) -> tuple[np.ndarray, Any]:
        """Return zeros ``(rows, 1)`` and the state."""
        return np.zeros((len(observation), 1), np.float32), state


def _energy_error(episodes: Episodes) -> np.ndarray:
    last = episodes.observation[-round(_LAST * len(episodes.action)) :].astype(np.float64)
    coordinates = Coordinates.for_environment("Pendulum-v1")
    assert coordinates is not None
    error = true_energy(*coordinates.state(last)) - TARGET
    return np.asarray(np.sqrt((error * error).mean(axis=0)))


def _rounded(values: np.ndarray) -> list[float]:
    return [float(f"{value:.6g}") for value in values]
