"""Control for free: ``python -m hnn_gym.experiments.free_control --out docs/results/free_control.json``.

The real Pendulum-v1, swung up and balanced by :class:`hnn_gym.agents.swing_up.SwingUp` on worlds learned from 200 real
random-torque transitions: energy shaping and a Riccati equation on the learned H, no reinforcement learning. Beside
it the same controller on the true equations. The controller's two numbers, ``band`` and ``basin``, were chosen in the
dream, in a world learned from recording 100, from the starts 1000 to 1099; they make little difference there.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import torch
from rich.console import Console
from rich.progress import track

from hnn_gym.agents.swing_up import SwingUp
from hnn_gym.command import run
from hnn_gym.data import record_steps
from hnn_gym.envs.true_worlds import true_world
from hnn_gym.training import learn
from hnn_gym.world_model import WorldModel

_UPRIGHT_RAD, _UPRIGHT_RAD_PER_S = 0.2, 1.0
_OPTIMUM = -133.3
"""Mean return of the optimal policy on reset(seed=0..99), by backward induction on a grid with the exact map."""


@dataclass(frozen=True)
class Settings:
    """Swing up the real pendulum from the learned H alone."""

    out: Path | None = None
    """JSON file for the results; None only prints them."""
    transitions: int = 200
    """Real transitions to learn from."""
    seeds: tuple[int, ...] = (0, 1, 2, 3, 4)
    """Seeds of the recordings."""
    starts: int = 100
    """Starts of the real pendulum: reset(seed=0), reset(seed=1), ..."""


def measure(world: WorldModel, *, starts: int) -> dict[str, Any]:
    """Returns on the real Pendulum-v1, and how many starts come upright, and stay, within an episode of 200 steps."""
    began = time.perf_counter()
    agent = SwingUp(world, position=np.zeros(1))
    solving = time.perf_counter() - began
    envs = gymnasium.make_vec("Pendulum-v1", num_envs=starts, vectorization_mode="sync")
    observation, _ = envs.reset(seed=0)
    rewards, upright = [], []
    for _ in range(200):
        upright.append((observation[:, 0] > np.cos(_UPRIGHT_RAD)) & (np.abs(observation[:, 2]) < _UPRIGHT_RAD_PER_S))
        observation, reward, *_ = envs.step(agent.predict(observation)[0])
        rewards.append(reward)
    envs.close()
    returns, came = np.sum(rewards, axis=0), np.array(upright)
    first = np.where(came.any(0), came.argmax(0), -1)
    return {
        "upright_within_200_steps": int(came.any(0).sum()),
        "upright_in_all_of_the_last_50": int(came[-50:].all(0).sum()),
        "of": starts,
        "steps_to_upright_median": float(np.median(first[first >= 0])),
        "steps_to_upright_worst": int(first.max()),
        "return_mean": float(returns.mean()),
        "return_worst": float(returns.min()),
        "mean_regret_to_optimum": float(_OPTIMUM - returns.mean()) if starts == 100 else None,
        "solving_seconds": solving,
        "returns": [round(float(value), 2) for value in returns],
    }


def _main(settings: Settings) -> None:
    torch.set_num_threads(1)
    rows = []
    for seed in track(settings.seeds, description="Learning and swinging up"):
        began = time.perf_counter()
        world = learn(record_steps(gymnasium.make("Pendulum-v1"), steps=settings.transitions, seed=seed), "mechanical")
        learning = time.perf_counter() - began
        rows.append({"data_seed": seed, "learning_seconds": learning, **measure(world, starts=settings.starts)})
    truth = measure(true_world("Pendulum-v1"), starts=settings.starts)
    results = {
        "command": "python -m hnn_gym.experiments.free_control --out docs/results/free_control.json",
        "transitions": settings.transitions,
        "optimum_mean": _OPTIMUM,
        "bars": {"upright_within_200_steps": 98, "mean_regret_to_optimum": 40},
        "learned": rows,
        "true_equations": truth,
    }
    Console().print([{k: v for k, v in row.items() if k != "returns"} for row in [*rows, truth]])
    if settings.out is not None:
        settings.out.parent.mkdir(parents=True, exist_ok=True)
        settings.out.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    run(_main, Settings, prog="python -m hnn_gym.experiments.free_control")
