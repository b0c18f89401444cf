"""That the tasks are control problems: ``python -m hnn_gym.experiments.tasks --out docs/results/tasks.json``.

In every true environment, from the same starts, three ways to act: do nothing, act at random, and plan. The planner
knows the world: the cross-entropy method over actions held for some steps, replanned after each, on a batch of
dreams. It is no optimum, but what it earns above doing nothing can be earned.

Source of the planner: Rubinstein and Kroese, *The Cross-Entropy Method*, 2004, chapter 5.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import track

from hnn_gym.command import run
from hnn_gym.envs.core import Simulator
from hnn_gym.envs.shipped import resolve_world
from hnn_gym.envs.tasks import task_for

PLANS = {"Spring-v0": (20, 4), "IdealPendulum-v0": (25, 4), "TwoBody-v0": (15, 10), "ThreeBody-v0": (12, 20)}
"""Actions of a plan, and the steps each is held."""
WAYS = ("nothing", "random", "planned")
_DREAMS, _ROUNDS, _ELITE = 48, 3, 8


@dataclass(frozen=True)
class Settings:
    """Measure what doing nothing, random actions and planning earn in the true environments."""

    out: Path | None = None
    """JSON file for the results; None only prints them."""
    episodes: int = 10
    """Episodes of each, from starts of the seeds 0, 1, ..."""


def plan(simulator: Simulator, x: np.ndarray, mean: np.ndarray, *, hold: int, rng: np.random.Generator) -> np.ndarray:
    """Improve a plan ``(horizon, m)`` of actions from the phase point ``(2n,)``, each held for ``hold`` steps."""
    spread = np.full(mean.shape, 0.7)
    for _ in range(_ROUNDS):
        plans = np.clip(mean + spread * rng.normal(size=(_DREAMS, *mean.shape)), -1, 1)
        plans[0], plans[1] = mean, 0.0
        elite = plans[np.argsort(-_earned(simulator, x, plans, hold=hold))[:_ELITE]]
        mean, spread = elite.mean(0), elite.std(0) + 0.05
    best: np.ndarray = elite[0]
    return best


def _earned(simulator: Simulator, x: np.ndarray, plans: np.ndarray, *, hold: int) -> np.ndarray:
    """Return of every plan ``(plans,)``, up to its termination."""
    x, returns = np.repeat(x[None], len(plans), axis=0), np.zeros(len(plans))
    running = np.ones(len(plans), bool)
    with np.errstate(all="ignore"):  # dreams that ended go on unheeded, and may meet themselves
        for actions in np.moveaxis(plans, 1, 0):
            for _ in range(hold):
                transition = simulator.transition(x, actions)
                x = transition.x
                returns += np.where(running, np.nan_to_num(transition.reward), 0.0)
                running &= ~transition.terminated
    return returns


def episode(env_id: str, way: str, *, seed: int) -> tuple[float, int]:
    """Return and length of one episode of a true environment."""
    world = resolve_world(env_id)
    task, rng = task_for(world), np.random.default_rng([seed, 1])
    simulator, (horizon, hold) = Simulator(world, task), PLANS[env_id]
    size = task.action_space.shape[0]
    x = world.phase_point(*task.initial(np.random.default_rng(seed), {}))
    mean, action, total = np.zeros((horizon, size)), np.zeros(size), 0.0
    assert task.max_episode_steps is not None
    for step in range(task.max_episode_steps):
        if way == "random":
            action = rng.uniform(-1, 1, size)
        elif way == "planned" and step % hold == 0:
            mean = plan(simulator, x, mean, hold=hold, rng=rng)
            action, mean = mean[0], np.concatenate([mean[1:], np.zeros((1, size))])
        transition = simulator.transition(x, action)
        x, total = transition.x, total + float(transition.reward)
        if transition.terminated:
            return total, step + 1
    return total, task.max_episode_steps


def _main(settings: Settings) -> None:
    results: dict[str, Any] = {"command": "python -m hnn_gym.experiments.tasks --out docs/results/tasks.json"}
    for env_id in PLANS:
        results[env_id] = {}
        for way in WAYS:
            seeds = track(range(settings.episodes), description=f"{env_id}: {way}", transient=True)
            outcomes = [episode(env_id, way, seed=seed) for seed in seeds]
            returns, lengths = (np.array(values) for values in zip(*outcomes, strict=True))
            results[env_id][way] = {
                "return_mean": float(returns.mean()),
                "return_worst": float(returns.min()),
                "steps_mean": float(lengths.mean()),
                "returns": returns.tolist(),
            }
            Console().print(env_id, way, {k: v for k, v in results[env_id][way].items() if k != "returns"})
    if settings.out is not None:
        settings.out.parent.mkdir(parents=True, exist_ok=True)
        settings.out.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    run(_main, Settings, prog="python -m hnn_gym.experiments.tasks")
