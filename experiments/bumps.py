"""Measurements of energy bumps: ``python -m experiments.bumps --out docs/results/bumps.json``.

- exactness: 100,000 random feasible requests in every shipped world with an H, both number types;
- joules: true change of energy against the request in HNNPendulum-v0;
- momentum: the change of total momentum by impulses on bodies;
- tasks: energy hold and sweep, swing-up and orbit transfer by bumps, from the learned H alone;
- swing-up: the *real* Pendulum-v1, by energy shaping through bounded torque, learned from 200 real transitions.
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

from experiments.bump_tasks import measure_tasks
from hnn_gym.agents.energy_shaping import EnergyShaping
from hnn_gym.command import run
from hnn_gym.data import record_steps
from hnn_gym.envs import BumpByForce
from hnn_gym.envs.build import build_simulator
from hnn_gym.envs.shipped import WEIGHTS, resolve_world
from hnn_gym.envs.tasks import task_for
from hnn_gym.physics.bumps import bump
from hnn_gym.systems import Task, truth_of
from hnn_gym.training import train_world
from hnn_gym.worlds.world_model import WorldModel

_UPRIGHT_RAD, _UPRIGHT_RAD_PER_S = 0.2, 1.0


@dataclass(frozen=True)
class Settings:
    """Measure energy bumps: exactness, joules, momentum, rate, and swing-up of the real pendulum."""

    out: Path | None = None
    """JSON file for the results; None only prints them."""
    requests: int = 100_000
    """Random requests for each world."""
    swing_seeds: tuple[int, ...] = (0, 1, 2)
    """Seeds of the recordings from which the swing-up is learned."""
    starts: int = 100
    """Starts of every task and of the real pendulum: reset(seed=0), reset(seed=1), ..."""


def random_points(world: WorldModel, count: int, *, task: Task | None = None, seed: int = 0) -> np.ndarray:
    """Starts of the world's task, velocities scaled by random factors between 0.2 and 2, ``(count, 2n)``."""
    task, rng = task or task_for(world), np.random.default_rng(seed)
    starts = [task.initial(rng, {}) for _ in range(min(count, 2000))]
    q, v = (np.array(part)[rng.integers(len(starts), size=count)] for part in zip(*starts, strict=True))
    return world.phase_point(q, v * rng.uniform(0.2, 2, (count, 1)))


def measure_exactness(settings: Settings) -> dict[str, Any]:
    """Largest abs(realised - requested) in J, by the learned H itself.

    Requests do not exceed what can be removed. Bumps of a system at rest do not count: it has no direction of motion.
    """
    found: dict[str, Any] = {}
    for env_id in sorted(p.name for p in WEIGHTS.iterdir() if p.name.startswith("HNN")):
        for dtype in (np.float64, np.float32):
            world = resolve_world(env_id).like(np.zeros(1, dtype))
            x = random_points(resolve_world(env_id), settings.requests, task=build_simulator(env_id).task)
            rest = bump(resolve_world(env_id).dynamics.hamiltonian, x, -1e6).realised
            rng = np.random.default_rng(1)
            dE = np.where(rng.random(len(x)) < 0.5, rng.uniform(0, 1, len(x)), 0.95 * rng.random(len(x)) * rest)
            began = time.perf_counter()
            done = bump(world.dynamics.hamiltonian, x.astype(dtype), np.maximum(dE, -1.0).astype(dtype))
            rate = len(x) / (time.perf_counter() - began)
            error = np.abs(done.realised - np.maximum(dE, -1.0).astype(dtype))[rest < 0]
            found[f"{env_id}, {np.dtype(dtype)}"] = {
                "largest_error_J": float(error.max(initial=0.0)),
                "clipped": int(done.clipped.sum()),
                "bumps_per_second": rate,
            }
    return found


def measure_rate() -> dict[str, float]:
    """Bumps per second in a batch of 4,096, median of 20."""
    hamiltonian = resolve_world("HNNPendulum-v0").dynamics.hamiltonian
    x = random_points(resolve_world("HNNPendulum-v0"), 4096)
    seconds = []
    for _ in range(20):
        began = time.perf_counter()
        bump(hamiltonian, x, 0.1)
        seconds.append(time.perf_counter() - began)
    return {"batch": 4096, "bumps_per_second_median": 4096 / float(np.median(seconds))}


def measure_joules(settings: Settings) -> dict[str, float]:
    """Share of requests of at least 0.01 J whose change of true energy is within 1 % of the request."""
    world = resolve_world("HNNPendulum-v0")
    truth = truth_of(world)
    assert truth is not None
    x = random_points(world, settings.requests)
    dE = np.random.default_rng(2).uniform(-1, 1, settings.requests)
    done = bump(world.dynamics.hamiltonian, x, dE)
    kept = ~done.clipped & (np.abs(dE) >= 0.01)
    before, after = (truth.energy(truth.phase_point(*world.state(points))) for points in (x, done.x))
    error = np.abs((after - before)[kept] / dE[kept] - 1)
    return {
        "within_1_percent": float(np.mean(error <= 0.01)),
        "relative_error_95th_percentile": float(np.quantile(error, 0.95)),
    }


def measure_momentum(settings: Settings) -> dict[str, float]:
    """Largest change of total momentum in kg m/s by impulses on the learned bodies."""
    found = {}
    for env_id in ("HNNTwoBody-v0", "HNNThreeBody-v0"):
        world = resolve_world(env_id)
        x = random_points(world, settings.requests)
        x = x + np.random.default_rng(3).normal(size=x.shape) * 0.1
        after = bump(world.dynamics.hamiltonian, x, 0.2).x
        n = world.coordinates.n
        total = [points[:, n:].reshape(len(x), -1, 2).sum(1) for points in (x, after)]
        found[env_id] = float(np.abs(total[1] - total[0]).max())
    return found


def measure_swing_up(settings: Settings) -> list[dict[str, Any]]:
    """Real Pendulum-v1: starts that come within 0.2 rad of upright at less than 1 rad/s in 200 steps."""
    rows = []
    for seed in track(settings.swing_seeds, description="Swinging up"):
        world = train_world(record_steps(gymnasium.make("Pendulum-v1"), steps=200, seed=seed), "mechanical")
        agent = EnergyShaping(world, target=0.0)
        steps = [_steps_to_upright(world, agent, start) for start in range(settings.starts)]
        reached = [s for s in steps if s is not None]
        rows.append({"data_seed": seed, "upright": len(reached), "of": settings.starts, "steps": steps})
    return rows


def _steps_to_upright(world: WorldModel, agent: EnergyShaping, start: int) -> int | None:
    env = BumpByForce(gymnasium.make("Pendulum-v1"), world)
    observation, _ = env.reset(seed=start)
    for step in range(200):
        upright = observation[0] > np.cos(_UPRIGHT_RAD) and abs(observation[2]) < _UPRIGHT_RAD_PER_S
        if upright:
            return step
        observation, *_ = env.step(agent.predict(observation)[0])
    return None


def _main(settings: Settings) -> None:
    torch.set_num_threads(1)
    swing_up = measure_swing_up(settings)
    results = {
        "command": "python -m experiments.bumps --out docs/results/bumps.json",
        "exactness": measure_exactness(settings),
        "rate": measure_rate(),
        "joules": measure_joules(settings),
        "momentum": measure_momentum(settings),
        "tasks": measure_tasks(settings.starts),
        "swing_up": swing_up,
    }
    Console().print({name: value for name, value in results.items() if name != "swing_up"})
    Console().print([{k: v for k, v in row.items() if k != "steps"} for row in swing_up])
    if settings.out is not None:
        settings.out.parent.mkdir(parents=True, exist_ok=True)
        settings.out.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    run(_main, Settings, prog="python -m experiments.bumps")
