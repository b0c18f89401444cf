"""One cell: plan the optimum of a world over the whole long episode, act in reality, and compare with the promise.

The agent is backward induction on one grid for every world (:mod:`hnn_gym.agents.dynamic_programming`), so that only
the world differs, and the result is deterministic.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from experiments.long_task.task import TARGET, EnergyHold, WeakMotor, true_energy
from hnn_gym.agents.dynamic_programming import DynamicProgramming, Grid
from hnn_gym.agents.evaluate import Episodes, Policy, play_episodes
from hnn_gym.envs.core import Simulator
from hnn_gym.evaluation.metrics import unforced
from hnn_gym.physics.hamiltonians import Pendulum
from hnn_gym.systems import coordinates_of, true_world
from hnn_gym.worlds.world_model import WorldModel

_HOLD = 4
"""Steps for which an action is held: 0.2 s, a quarter of a small half swing."""
_LAST = 0.2
"""Share of an episode, its end, over which holding is judged."""
_SWINGS, _UNFORCED = np.arange(1.0, 6.0), 400


def planned(world: WorldModel, *, steps: int, grid: Grid, starts: tuple[int, ...]) -> dict[str, Any]:
    """Plan in a world, and act in the real environment.

    Args:
        world: the world for planning, learned or true.
        steps: length of an episode.
        grid: the grid for planning.
        starts: seeds of the real environment.

    Returns:
        The results of :func:`acted`; ``promised``, the returns that the world predicted ``(starts,)``; and
        ``own_energy_mJ``, see :func:`own_energy`.
    """
    with np.errstate(all="ignore"):  # a bad world may overflow in imagination
        policy = DynamicProgramming([Simulator(world, EnergyHold())], steps=steps, grid=grid, hold=_HOLD)
    env = WeakMotor(steps=steps)
    first = np.array([env.reset(seed=seed)[0] for seed in starts], np.float64)
    promised = policy.value(world.encode(first))
    outcome = acted(policy, steps=steps, starts=starts)
    return outcome | {"promised": _rounded(promised), "own_energy_mJ": _rounded(1e3 * own_energy(world))}


def own_energy(world: WorldModel) -> np.ndarray:
    """True energy in J that each step of an unforced dream gains or loses on its own, on the average over 20 s.

    Returns:
        ``(5,)``, for dreams that begin hanging with 1, 2, ... 5 J: the slope of true energy over time. The ripple of
        the real map, measured in this way, is some 0.1 mJ.
    """
    q = np.full((len(_SWINGS), 1), np.pi)
    v = np.sqrt(2 * _SWINGS / Pendulum.of_gymnasium().mass)[:, None]
    energy = unforced(world, true_world("Pendulum-v1"), q, v, steps=_UNFORCED).true_energy
    slope: np.ndarray = np.polyfit(np.arange(_UNFORCED + 1), energy, 1)[0]
    return slope


def acted(policy: Policy, *, steps: int, starts: tuple[int, ...]) -> dict[str, Any]:
    """Act in the real environment: ``returns`` and ``energy_error_J``, each ``(starts,)``.

    The latter is the RMS of E - E* over the last fifth of an episode.
    """
    episodes = play_episodes(policy, lambda: WeakMotor(steps=steps), seeds=starts)
    return {"returns": _rounded(episodes.returns), "energy_error_J": _rounded(_energy_error(episodes))}


def _energy_error(episodes: Episodes) -> np.ndarray:
    last = episodes.observation[-round(_LAST * len(episodes.action)) :].astype(np.float64)
    coordinates = coordinates_of("Pendulum-v1")
    assert coordinates is not None
    error = true_energy(*coordinates.state(last)) - TARGET
    return np.asarray(np.sqrt((error * error).mean(axis=0)))


def _rounded(values: np.ndarray) -> list[float]:
    return [float(f"{value:.6g}") for value in values]
