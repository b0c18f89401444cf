"""Agents trained in a dream alone: ``python -m experiments.transfer``.

- Pendulum-v1: five recordings of 200 real transitions under random torque, a world learned from each, in each world
  agents of stable-baselines3 (SAC, TD3, PPO) and one trained by gradients through the world, and their real returns on
  the starts reset(seed=0..99), against the best returns from these (:mod:`experiments.optimum`);
- other tasks: the same call in the worlds that ship with the package, against doing nothing and against the same
  agent trained in the true environment.

The recipes were tuned in the dream of another recording (seed 100) on other starts. Every trained agent is reported.
If it is interrupted, the same command measures what is missing.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import torch
from rich.console import Console

from experiments.optimum import STARTS, best_returns
from hnn_gym.agents.evaluate import MakeEnv, Policy, episode_returns, paired_regret
from hnn_gym.agents.sb3 import RECIPES, AgentRecipe, train_agent
from hnn_gym.agents.scripted import Idle
from hnn_gym.agents.shac import ShacSettings, train_shac
from hnn_gym.command import run
from hnn_gym.data import record_steps
from hnn_gym.envs import BumpByForce
from hnn_gym.envs.build import build_simulator
from hnn_gym.envs.shipped import resolve_world
from hnn_gym.errors import InputError
from hnn_gym.studies import Executing, Execution, Results, run_cells
from hnn_gym.training import train_world
from hnn_gym.worlds.world_model import WorldModel

_REAL = "Pendulum-v1"
_BUMPED = "HNNPendulum-v0"


@dataclass(frozen=True)
class Settings:
    """Train agents in learned worlds alone, and measure them in the real ones."""

    out: Path | None = Path("docs/results/transfer.json")
    """JSON file; results in it are not measured again. None: keep nothing."""
    optimum: Path = Path("docs/results/optimum.json")
    """JSON file of the best returns."""
    transitions: int = 200
    """Real transitions from which a world is learned."""
    seeds: tuple[int, ...] = (0, 1, 2, 3, 4)
    """Seeds of the recordings; an agent has the seed of its recording."""
    agents: tuple[str, ...] = ("sac", "td3", "ppo", "shac")
    """How agents are trained: algorithms of stable-baselines3, or shac."""
    tasks: tuple[str, ...] = ("Spring-v0", "TwoBody-v0", "bump", "bump-by-force")
    """Other tasks; the last two are the swing-up of Pendulum-v1 by energy bumps, in the dream granted at once, or
    answered by bounded force as in reality."""
    starts: tuple[int, ...] = STARTS
    """Seeds of the starts of each agent's episodes."""
    execution: Executing = field(default_factory=Execution)


_ORBIT = {"gamma": 0.99, "n_steps": 32, "batch_size": 2048, "n_epochs": 6}
_BUMPS = AgentRecipe(256, 1_000_000, 1e-3, arguments={"gamma": 0.95, "n_steps": 32, "batch_size": 1024, "n_epochs": 8})
OTHER_RECIPES: dict[str, tuple[str, AgentRecipe]] = {
    "Spring-v0": ("sac", RECIPES["sac"]),
    "TwoBody-v0": ("ppo", AgentRecipe(256, 1_000_000, 1e-3, arguments=_ORBIT)),
    "bump": ("ppo", _BUMPS),
    "bump-by-force": ("ppo", _BUMPS),
}
"""Algorithm and recipe of the other tasks, chosen by the return in the dream from starts 1000 to 1039."""
BUMP_LIMIT = 0.3
"""Largest bump in J: bounded torque seldom gives more in one step."""


def pendulum_agent(settings: Settings, agent: str, seed: int) -> dict[str, Any]:
    """Record, learn, train in the dream, act in the real Pendulum-v1."""
    dataset = record_steps(gymnasium.make(_REAL), steps=settings.transitions, seed=seed)
    world, learning = _timed(lambda: train_world(dataset, "mechanical"))
    policy, training = _timed(lambda: _trained(world, agent, seed))
    real = episode_returns(policy, _REAL, seeds=settings.starts)
    dreamt = episode_returns(policy, "HNN-v0", seeds=settings.starts, env_kwargs={"world_model": world})
    return {"learning": learning, "training": training, **_statistics(real), "mean_in_the_dream": float(dreamt.mean())}


def other_task(settings: Settings, task: str, way: str) -> dict[str, Any]:
    """Real returns in another task of doing nothing, or of an agent trained in the dream or in the true environment."""
    bumps = task.startswith("bump")
    env_kwargs: dict[str, Any] = {"actions": task, "bump_limit": BUMP_LIMIT} if bumps else {}
    algo, recipe = OTHER_RECIPES[task]
    dream, real = (_BUMPED, _REAL) if bumps else (f"HNN{task}", task)
    made: str | MakeEnv = real
    if bumps:
        made = lambda: BumpByForce(gymnasium.make(_REAL), resolve_world(_BUMPED), limit=BUMP_LIMIT)  # noqa: E731
    if way == "nothing":
        idle = Idle(build_simulator(dream, **env_kwargs).spaces()[1])
        return _statistics(episode_returns(idle, made, seeds=settings.starts))
    if way == "true":  # the true pendulum in our shell is the real map
        true = resolve_world(real)
        policy, training = _timed(lambda: train_agent(true, algo, recipe=recipe, env_kwargs=env_kwargs))
    else:
        policy, training = _timed(lambda: train_agent(dream, algo, recipe=recipe, env_kwargs=env_kwargs))
    return {"training": training, **_statistics(episode_returns(policy, made, seeds=settings.starts))}


def regrets(results: Results, agent: str, best: np.ndarray) -> list[float]:
    """Mean paired regret in Pendulum-v1 of the agents of one kind, one a recording."""
    rows = results.below(f"pendulum/{agent}/").values()
    return [float(paired_regret(np.array(row["returns"]), best).mean()) for row in rows]


def _trained(world: WorldModel, agent: str, seed: int) -> Policy:
    if agent == "shac":
        return train_shac(build_simulator(world), ShacSettings(seed=seed))
    policy: Policy = train_agent(world, agent, seed=seed)
    return policy


def _timed(work: Callable[[], Any]) -> tuple[Any, dict[str, float]]:
    wall, cpu = time.perf_counter(), time.process_time()
    done = work()
    return done, {"wall_s": round(time.perf_counter() - wall, 1), "cpu_s": round(time.process_time() - cpu, 1)}


def _statistics(returns: np.ndarray) -> dict[str, Any]:
    return {
        "mean": float(returns.mean()),
        "worst": float(returns.min()),
        "returns": [round(float(value), 2) for value in returns],
    }


def measure(settings: Settings, *, console: Console) -> Results:
    """Train and play what is missing in the results, by ``pendulum/agent/seed`` and ``other-tasks/task/way``.

    Raises:
        InputError: there is no such task or agent.
    """
    unknown = [task for task in settings.tasks if task not in OTHER_RECIPES]
    if unknown:
        raise InputError(f"There is no task {unknown[0]!r} here: choose from {', '.join(OTHER_RECIPES)}.")
    results = Results(settings.out, command="python -m experiments.transfer")
    wanted: dict[str, Callable[[], dict[str, Any]]] = {}
    for seed in settings.seeds:
        for agent in settings.agents:
            wanted[f"pendulum/{agent}/{seed}"] = partial(pendulum_agent, settings, agent, seed)
    for task in settings.tasks:
        for way in ("nothing", "dream", "true"):
            wanted[f"other-tasks/{task}/{way}"] = partial(other_task, settings, task, way)
    with settings.execution.opened() as executor:
        run_cells(results, wanted, executor=executor, console=console)
    for key in wanted:
        console.print(key, {k: v for k, v in results[key].items() if k != "returns"})
    return results


def _main(settings: Settings) -> None:
    torch.set_num_threads(1)
    console = Console()
    results, best = measure(settings, console=console), best_returns(settings.optimum)
    for agent in settings.agents:
        found = regrets(results, agent, best)
        console.print(agent, f"regret: mean {np.mean(found):.2f}, of each recording {np.round(found, 2).tolist()}")


if __name__ == "__main__":
    run(_main, Settings, prog="python -m experiments.transfer")
