"""Agents trained in a dream alone: ``python -m hnn_gym.experiments.transfer --out docs/results/transfer.json``.

- Pendulum-v1: five recordings of 200 real transitions under random torque, a world learned from each, in each world an
  agent of stable-baselines3 (SAC) and one trained by gradients through the world, and their real returns on the starts
  reset(seed=0..99), where -133.3 is the best mean;
- other tasks: the same call in the worlds that ship with the package, against doing nothing and against the same
  agent trained in the true environment.

The recipes were tuned in the dream of another recording (seed 100) on other starts. Every agent that is trained counts.
Interrupted, the same command goes on with what is missing.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import torch
from rich.console import Console

from hnn_gym.agents.analytic import AnalyticSettings, train_analytic
from hnn_gym.agents.evaluate import MakeEnv, Policy, episode_returns
from hnn_gym.agents.sb3 import RECIPES, Recipe, train_agent
from hnn_gym.command import run
from hnn_gym.data import record_steps
from hnn_gym.envs import BumpByForce
from hnn_gym.envs.build import build_simulator
from hnn_gym.envs.shipped import resolve_world
from hnn_gym.errors import InputError
from hnn_gym.training import learn
from hnn_gym.world_model import WorldModel

BEST = -133.3
"""Best mean return of Pendulum-v1 from reset(seed=0..99), by backward induction with the exact dynamics."""
COMMAND = "python -m hnn_gym.experiments.transfer --out docs/results/transfer.json"
_REAL = "Pendulum-v1"
_BUMPED = "HNNPendulum-v0"


@dataclass(frozen=True)
class Settings:
    """Train agents in learned worlds alone, and measure them in the real ones."""

    out: Path | None = None
    """JSON file for the results, and to go on from; None only prints them."""
    transitions: int = 200
    """Real transitions a world is learned from."""
    seeds: tuple[int, ...] = (0, 1, 2, 3, 4)
    """Seeds of the recordings; an agent has the seed of its recording."""
    agents: tuple[str, ...] = ("sac", "analytic")
    """How agents are trained: algorithms of stable-baselines3, or analytic."""
    tasks: tuple[str, ...] = ("Spring-v0", "TwoBody-v0", "bump")
    """Other tasks; bump is the swing-up of Pendulum-v1 by energy bumps."""
    starts: int = 100
    """Episodes of each agent."""


_ORBIT = {"gamma": 0.99, "n_steps": 32, "batch_size": 2048, "n_epochs": 6}
OTHER_RECIPES: dict[str, tuple[str, Recipe]] = {
    "Spring-v0": ("sac", RECIPES["sac"]),
    "TwoBody-v0": ("ppo", Recipe(256, 1_000_000, 1e-3, arguments=_ORBIT)),
    "bump": ("ppo", RECIPES["ppo"]),
}
"""Algorithm and recipe of the other tasks, chosen by the return in the dream from starts 1000 to 1039."""
BUMP_LIMIT = 0.3
"""Largest bump in J: more than that in a step bounded torque seldom gives."""


class Nothing:
    """Does nothing."""

    def __init__(self, size: int) -> None:
        """Give actions of so many entries."""
        self.size = size

    def predict(
        self, observation: np.ndarray, state: Any = None, episode_start: Any = None, deterministic: bool = True
    ) -> tuple[np.ndarray, Any]:
        """Return zeros."""
        return np.zeros((len(observation), self.size), np.float32), state


def pendulum_agent(settings: Settings, agent: str, seed: int) -> dict[str, Any]:
    """Record, learn, train in the dream, act in the real Pendulum-v1."""
    dataset = record_steps(gymnasium.make(_REAL), steps=settings.transitions, seed=seed)
    world, learning = _timed(lambda: learn(dataset, "mechanical"))
    policy, training = _timed(lambda: _trained(world, agent, seed))
    real = episode_returns(policy, _REAL, seeds=range(settings.starts))
    dreamt = episode_returns(policy, "HNN-v0", seeds=range(settings.starts), env_kwargs={"world_model": world})
    return {"learning": learning, "training": training, **_told(real), "mean_in_the_dream": float(dreamt.mean())}


def other_task(settings: Settings, task: str, way: str) -> dict[str, Any]:
    """Real returns in another task of doing nothing, or of an agent trained in the dream or in the true environment."""
    env_kwargs: dict[str, Any] = {"actions": "bump", "bump_limit": BUMP_LIMIT} if task == "bump" else {}
    algo, recipe = OTHER_RECIPES[task]
    dream, real = (_BUMPED, _REAL) if task == "bump" else (f"HNN{task}", task)
    made: str | MakeEnv = real
    if task == "bump":
        made = lambda: BumpByForce(gymnasium.make(_REAL), resolve_world(_BUMPED), limit=BUMP_LIMIT)  # noqa: E731
    if way == "nothing":
        space = build_simulator(dream, **env_kwargs).spaces()[1]
        return _told(episode_returns(Nothing((space.shape or (0,))[0]), made, seeds=range(settings.starts)))
    if way == "true":  # the true pendulum in our shell is the real map
        true = resolve_world(real)
        policy, training = _timed(lambda: train_agent(true, algo, recipe=recipe, env_kwargs=env_kwargs))
    else:
        policy, training = _timed(lambda: train_agent(dream, algo, recipe=recipe, env_kwargs=env_kwargs))
    return {"training": training, **_told(episode_returns(policy, made, seeds=range(settings.starts)))}


def summary(results: dict[str, Any], settings: Settings) -> dict[str, Any]:
    """What the rows say: mean and worst over the recordings."""
    found: dict[str, Any] = {}
    for agent in settings.agents:
        rows = [results["pendulum"][f"{agent}/{seed}"] for seed in settings.seeds]
        regret = [BEST - row["mean"] for row in rows]
        found[agent] = {
            "regret_mean": float(np.mean(regret)),
            "regret_worst_recording": max(regret),
            "regret_of_each_recording": regret,
            "training_wall_s_worst": max(row["training"]["wall_s"] for row in rows),
            "training_cpu_s_worst": max(row["training"]["cpu_s"] for row in rows),
        }
    return found


def _trained(world: WorldModel, agent: str, seed: int) -> Policy:
    if agent == "analytic":
        return train_analytic(build_simulator(world), AnalyticSettings(seed=seed))
    policy: Policy = train_agent(world, agent, seed=seed)
    return policy


def _timed(work: Callable[[], Any]) -> tuple[Any, dict[str, float]]:
    wall, cpu = time.perf_counter(), time.process_time()
    done = work()
    return done, {"wall_s": round(time.perf_counter() - wall, 1), "cpu_s": round(time.process_time() - cpu, 1)}


def _told(returns: np.ndarray) -> dict[str, Any]:
    return {
        "mean": float(returns.mean()),
        "worst": float(returns.min()),
        "returns": [round(float(value), 2) for value in returns],
    }


def _begun(settings: Settings) -> dict[str, Any]:
    """The results so far."""
    about = {"transitions": settings.transitions, "starts": settings.starts}
    fresh: dict[str, Any] = {"command": COMMAND, "settings": about, "pendulum": {}, "other_tasks": {}}
    if settings.out is None or not settings.out.exists():
        return fresh
    results: dict[str, Any] = json.loads(settings.out.read_text())
    if results.get("settings") != about:
        raise InputError(
            f"{settings.out} was measured with {results.get('settings')}: give the same, or another --out."
        )
    return results


def _main(settings: Settings) -> None:
    torch.set_num_threads(1)
    results, console = _begun(settings), Console()

    def measure(group: str, key: str, work: Callable[[], dict[str, Any]]) -> None:
        if key not in results[group]:
            results[group][key] = work()
            _write(settings.out, results)
        console.print(group, key, {k: v for k, v in results[group][key].items() if k != "returns"})

    for seed in settings.seeds:
        for agent in settings.agents:
            measure("pendulum", f"{agent}/{seed}", lambda a=agent, s=seed: pendulum_agent(settings, a, s))  # type: ignore[misc]
    results["summary"] = summary(results, settings)
    _write(settings.out, results)
    for task in settings.tasks:
        for way in ("nothing", "dream", "true"):
            measure("other_tasks", f"{task}/{way}", lambda t=task, w=way: other_task(settings, t, w))  # type: ignore[misc]
    console.print(results["summary"])


def _write(out: Path | None, results: dict[str, Any]) -> None:
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        partial = out.with_name(out.name + ".partial")
        partial.write_text(json.dumps(results, indent=1) + "\n")
        partial.replace(out)


if __name__ == "__main__":
    run(_main, Settings, prog="python -m hnn_gym.experiments.transfer")
