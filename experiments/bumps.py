"""Measurements of energy bumps: ``python -m experiments.bumps``.

- exactness: 100,000 random feasible requests in every shipped world with an H, both number types;
- joules: true change of energy against the request in HNNPendulum-v0;
- momentum: the change of total momentum by impulses on bodies;
- tasks: energy hold and sweep, swing-up and orbit transfer by bumps, from the learned H alone;
- swing-up: the *real* Pendulum-v1, by energy shaping through bounded torque, learned from 200 real transitions.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import torch
from rich.console import Console

from experiments.bump_tasks import BUMP_TASKS, measure_task
from hnn_gym.agents.energy_shaping import EnergyShaping
from hnn_gym.command import run
from hnn_gym.data import record_steps
from hnn_gym.envs import BumpByForce
from hnn_gym.envs.build import build_simulator
from hnn_gym.envs.shipped import WEIGHTS, resolve_world
from hnn_gym.envs.tasks import task_for
from hnn_gym.physics.bumps import bump
from hnn_gym.studies import Cell, Executing, Execution, Results, run_cells
from hnn_gym.systems import Task, truth_of
from hnn_gym.training import train_world
from hnn_gym.worlds.world_model import WorldModel

COMMAND = "python -m experiments.bumps"
_UPRIGHT_RAD, _UPRIGHT_RAD_PER_S = 0.2, 1.0


@dataclass(frozen=True)
class Settings:
    """Measure energy bumps: exactness, joules, momentum, rate, and swing-up of the real pendulum."""

    out: Path | None = Path("docs/results/bumps.json")
    """JSON file; results in it are not measured again. None: keep nothing."""
    requests: int = 100_000
    """Random requests for each world."""
    swing_seeds: tuple[int, ...] = (0, 1, 2)
    """Seeds of the recordings from which the swing-up is learned."""
    starts: int = 100
    """Starts of every task and of the real pendulum: reset(seed=0), reset(seed=1), ..."""
    execution: Executing = field(default_factory=Execution)


def cells_of(settings: Settings) -> dict[str, Cell]:
    """All measurements by name."""
    cells: dict[str, Cell] = {}
    for env_id in sorted(p.name for p in WEIGHTS.iterdir() if p.name.startswith("HNN")):
        for dtype in ("float64", "float32"):
            cells[f"exactness/{env_id}/{dtype}"] = partial(measure_exactness, env_id, dtype, settings.requests)
    cells["rate"] = measure_rate
    cells["joules"] = partial(measure_joules, settings.requests)
    for env_id in ("HNNTwoBody-v0", "HNNThreeBody-v0"):
        cells[f"momentum/{env_id}"] = partial(measure_momentum, env_id, settings.requests)
    for env_id in BUMP_TASKS:
        cells[f"tasks/{env_id}"] = partial(measure_task, env_id, settings.starts)
    for seed in settings.swing_seeds:
        cells[f"swing-up/{seed}"] = partial(measure_swing_up, seed, settings.starts)
    return cells


def random_points(world: WorldModel, count: int, *, task: Task | None = None, seed: int = 0) -> np.ndarray:
    """Starts of the world's task, velocities scaled by random factors between 0.2 and 2, ``(count, 2n)``."""
    task, rng = task or task_for(world), np.random.default_rng(seed)
    starts = [task.initial(rng, {}) for _ in range(min(count, 2000))]
    q, v = (np.array(part)[rng.integers(len(starts), size=count)] for part in zip(*starts, strict=True))
    return world.phase_point(q, v * rng.uniform(0.2, 2, (count, 1)))


def measure_exactness(env_id: str, dtype: str, requests: int) -> dict[str, Any]:
    """Largest abs(realised - requested) in J, by the learned H itself.

    Requests do not exceed what can be removed. Bumps of a system at rest do not count: it has no direction of motion.
    """
    number = np.dtype(dtype).type
    world = resolve_world(env_id).like(np.zeros(1, number))
    x = random_points(resolve_world(env_id), requests, task=build_simulator(env_id).task)
    rest = bump(resolve_world(env_id).dynamics.hamiltonian, x, -1e6).realised
    rng = np.random.default_rng(1)
    dE = np.where(rng.random(len(x)) < 0.5, rng.uniform(0, 1, len(x)), 0.95 * rng.random(len(x)) * rest)
    began = time.perf_counter()
    done = bump(world.dynamics.hamiltonian, x.astype(number), np.maximum(dE, -1.0).astype(number))
    rate = len(x) / (time.perf_counter() - began)
    error = np.abs(done.realised - np.maximum(dE, -1.0).astype(number))[rest < 0]
    return {
        "largest_error_J": float(error.max(initial=0.0)),
        "clipped": int(done.clipped.sum()),
        "bumps_per_second": rate,
    }


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


def measure_joules(requests: int) -> dict[str, float]:
    """Share of requests of at least 0.01 J whose change of true energy is within 1 % of the request."""
    world = resolve_world("HNNPendulum-v0")
    truth = truth_of(world)
    assert truth is not None
    x = random_points(world, requests)
    dE = np.random.default_rng(2).uniform(-1, 1, requests)
    done = bump(world.dynamics.hamiltonian, x, dE)
    kept = ~done.clipped & (np.abs(dE) >= 0.01)
    before, after = (truth.energy(truth.phase_point(*world.state(points))) for points in (x, done.x))
    error = np.abs((after - before)[kept] / dE[kept] - 1)
    return {
        "within_1_percent": float(np.mean(error <= 0.01)),
        "relative_error_95th_percentile": float(np.quantile(error, 0.95)),
    }


def measure_momentum(env_id: str, requests: int) -> float:
    """Largest change of total momentum in kg m/s by impulses on the learned bodies."""
    world = resolve_world(env_id)
    x = random_points(world, requests)
    x = x + np.random.default_rng(3).normal(size=x.shape) * 0.1
    after = bump(world.dynamics.hamiltonian, x, 0.2).x
    n = world.coordinates.n
    total = [points[:, n:].reshape(len(x), -1, 2).sum(1) for points in (x, after)]
    return float(np.abs(total[1] - total[0]).max())


def measure_swing_up(seed: int, starts: int) -> dict[str, Any]:
    """Real Pendulum-v1: starts that come within 0.2 rad of upright at less than 1 rad/s in 200 steps."""
    world = train_world(record_steps(gymnasium.make("Pendulum-v1"), steps=200, seed=seed), "mechanical")
    steps = [steps_to_upright(world, start) for start in range(starts)]
    return {"upright": sum(s is not None for s in steps), "of": starts, "steps": steps}


def steps_to_upright(world: WorldModel, start: int) -> int | None:
    """Steps until the real pendulum is upright, by the energy of a learned world; None: more than 200."""
    env, agent = BumpByForce(gymnasium.make("Pendulum-v1"), world), EnergyShaping(world, target=0.0)
    observation, _ = env.reset(seed=start)
    for step in range(200):
        upright = observation[0] > np.cos(_UPRIGHT_RAD) and abs(observation[2]) < _UPRIGHT_RAD_PER_S
        if upright:
            return step
        observation, *_ = env.step(agent.predict(observation)[0])
    return None


def _main(settings: Settings) -> None:
    torch.set_num_threads(1)
    results, console = Results(settings.out, command=COMMAND), Console()
    cells = cells_of(settings)
    with settings.execution.opened() as executor:
        run_cells(results, cells, executor=executor, console=console)
    for name in cells:
        found = results[name]
        console.print(name, {k: v for k, v in found.items() if k != "steps"} if isinstance(found, dict) else found)


if __name__ == "__main__":
    run(_main, Settings, prog="python -m experiments.bumps")
