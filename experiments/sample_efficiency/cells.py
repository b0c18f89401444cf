"""One cell of the study: record, learn, plan to the optimum of the learned world, act in the real one, measure.

Planning is backward induction on the same grid for all (:mod:`hnn_gym.agents.dynamic_programming`), so that only the
world differs. ``loss`` is the return of the same planner with the true dynamics minus its return with the learned
ones; ``regret`` is against the optimum, from the same starts.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import gymnasium
import numpy as np

from experiments.sample_efficiency.contenders import Choice, Contender, learned
from hnn_gym.agents.dynamic_programming import DynamicProgramming, Grid
from hnn_gym.agents.evaluate import episode_returns
from hnn_gym.agents.kalman_filter import Filtered, KalmanFilter
from hnn_gym.data import ObservationNoise, TransitionDataset
from hnn_gym.envs.core import Simulator
from hnn_gym.errors import ConvergenceError
from hnn_gym.evaluation.metrics import unforced
from hnn_gym.systems import PendulumSwingUp, true_world
from hnn_gym.training import one_step_rms
from hnn_gym.worlds.world_model import WorldModel

DRIFT_STARTS, DRIFT_STEPS = 20, 10_000


def measured(
    contender: Contender,
    choice: Choice,
    dataset: TransitionDataset,
    clean: TransitionDataset,
    *,
    noise: float,
    seed: int,
    starts: tuple[int, ...],
    grid: Grid,
    drift_steps: int = DRIFT_STEPS,
) -> dict[str, Any]:
    """Learn from ``dataset``, plan, and act from the shared ``starts``.

    Args:
        contender: the kind of world.
        choice: the settings of its training.
        dataset: its training data.
        clean: exact transitions that no world is trained on, to measure its error.
        noise: share of observation noise in ``dataset``.
        seed: of the initial weights.
        starts: seeds of the real environment.
        grid: the grid for planning.
        drift_steps: unforced steps over which true energy is followed.

    Returns:
        The results of :func:`acted`; ``one_step_rms``; ``drift_J``, the largest change of true energy from each of 20
        starts in the first member; ``fit_seconds``. If the fit diverged, only ``failed``.
    """
    began = time.perf_counter()
    try:
        worlds = learned(contender, choice, dataset, noise=noise, seed=seed)
    except ConvergenceError as error:
        return {"failed": str(error)}
    seconds = time.perf_counter() - began
    return acted(worlds, noise=noise, starts=starts, grid=grid) | {
        "one_step_rms": float(np.mean([one_step_rms(world, clean) for world in worlds])),
        "drift_J": _rounded(drift(worlds[0], steps=drift_steps)),
        "fit_seconds": round(seconds, 2),
    }


def acted(
    worlds: Sequence[WorldModel], *, noise: float, starts: Sequence[int], grid: Grid
) -> dict[str, list[float | None]]:
    """Plan in worlds that are equally likely to be right, and act in the real one from ``starts``.

    Returns:
        ``returns`` from every start on exact observations; with noise also ``noisy_returns`` on noisy observations,
        and ``filtered_returns`` on the estimates of a filter in the first world.
    """
    with np.errstate(all="ignore"):  # a bad world may overflow in imagination
        policy = DynamicProgramming([Simulator(world, PendulumSwingUp()) for world in worlds], steps=200, grid=grid)
        by_kind = {"returns": _rounded(episode_returns(policy, "Pendulum-v1", seeds=starts))}
        if noise:
            steady = Filtered(policy, KalmanFilter(worlds[0], _noisy(noise).std))
            by_kind["noisy_returns"] = _rounded(episode_returns(policy, lambda: _noisy(noise), seeds=starts))
            by_kind["filtered_returns"] = _rounded(episode_returns(steady, lambda: _noisy(noise), seeds=starts))
    return by_kind


def drift(world: WorldModel, *, steps: int) -> np.ndarray:
    """Largest change of true energy in J ``(20,)``, unforced, from ``reset(seed=0..19)``; inf where it blew up."""
    env = gymnasium.make("Pendulum-v1")
    states = []
    for seed in range(DRIFT_STARTS):
        env.reset(seed=seed)
        states.append(env.unwrapped.state)  # type: ignore[attr-defined]
    q, v = np.split(np.array(states), 2, axis=1)
    return unforced(world, true_world("Pendulum-v1"), q, v, steps=steps).largest_change


def _noisy(noise: float) -> ObservationNoise:
    return ObservationNoise(gymnasium.make("Pendulum-v1"), noise)


def _rounded(values: np.ndarray) -> list[float | None]:
    """Round to numbers of JSON, None for values that are not finite."""
    return [float(f"{value:.6g}") if np.isfinite(value) else None for value in values]
