"""Returns of model-free agents by real steps: SAC, TD3 and PPO of stable-baselines3, with the settings of the Zoo.

They learn from the real Pendulum-v1 through the same noisy sensors as worlds do; its rewards stay exact, which worlds
do not use. Their settings were found by others on exact observations.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from functools import partial
from typing import Any

import gymnasium
import numpy as np
from rich.console import Console

from hnn_gym.agents.evaluate import Policy, episode_returns
from hnn_gym.agents.sb3_real import PENDULUM, learn_for_real
from hnn_gym.data import ObservationNoise
from hnn_gym.errors import InputError
from hnn_gym.studies import Cell, Results, run_cells

MILESTONES: Mapping[str, tuple[int, ...]] = {
    "SAC": (1_000, 2_000, 5_000, 10_000, 20_000),
    "TD3": (5_000, 10_000, 15_000, 20_000),
    "PPO": (20_000, 50_000, 100_000),
}
"""Real steps after which each is measured. Half of TD3's published run is random exploration."""


def model_free(
    results: Results,
    *,
    noise: float,
    agents: Sequence[str] = tuple(MILESTONES),
    seeds: Sequence[int],
    starts: Sequence[int],
    milestones: Mapping[str, tuple[int, ...]] = MILESTONES,
    executor: Executor | None = None,
    console: Console,
) -> None:
    """Train each on the real Pendulum-v1 and store its ``returns`` from the shared starts on exact observations.

    With noise, ``noisy_returns`` from the same starts, observed as in training, are stored as well. A run that was
    stopped starts again; a finished one is not repeated.

    Args:
        results: store of the results.
        noise: standard deviation of observation noise, as a share of each observation's half-range.
        agents: names from ``milestones``.
        seeds: one training each.
        starts: seeds of the real environment.
        milestones: by agent, the real steps after which it is measured.
        executor: trains them; None: here.
        console: prints every mean.

    Raises:
        InputError: there is no such agent.
    """
    missing: dict[str, Cell] = {}
    for name in agents:
        if name not in milestones:
            raise InputError(f"There is no model-free agent {name!r}: choose from {', '.join(milestones)}.")
        for seed in seeds:
            if not all(agent_key(noise, name, count, seed) in results for count in milestones[name]):
                missing[f"{name}/{seed}"] = partial(_trained, noise, name, milestones[name], seed, starts)

    def report(_: str, found: dict[str, dict[str, list[float]]]) -> None:
        for key, returns in found.items():
            results[key] = returns
            console.print(key, {kind: round(float(np.mean(values)), 2) for kind, values in returns.items()})

    run_cells(Results(None, command="model-free"), missing, executor=executor, report=report, console=console)


def agent_key(noise: float, name: str, count: int, seed: int) -> str:
    """Key of an agent after ``count`` real steps."""
    return f"model-free/{noise}/{name}/{count}/{seed}"


def _trained(
    noise: float, name: str, milestones: tuple[int, ...], seed: int, starts: Sequence[int]
) -> dict[str, dict[str, list[float]]]:
    """Train one agent, and return its returns after each milestone by their keys."""
    found: dict[str, dict[str, list[float]]] = {}

    def make_env() -> gymnasium.Env[Any, Any]:
        env: gymnasium.Env[Any, Any] = gymnasium.make("Pendulum-v1")
        return ObservationNoise(env, noise) if noise else env

    def measure(count: int, agent: Policy) -> None:
        by_kind = {"returns": episode_returns(agent, "Pendulum-v1", seeds=starts)}
        if noise:
            by_kind["noisy_returns"] = episode_returns(agent, make_env, seeds=starts)
        key = agent_key(noise, name, count, seed)
        found[key] = {kind: returns.round(2).tolist() for kind, returns in by_kind.items()}

    learn_for_real(make_env, PENDULUM[name], milestones=milestones, seed=seed, report=measure)
    return found
