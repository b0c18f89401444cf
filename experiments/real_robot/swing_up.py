"""Swing-ups planned in the learned robot: ``python -m experiments.real_robot.swing_up``.

An agent that samples plans in the learned world is to swing it up and hold it with both motors, with that of the
shoulder alone, and with that of the elbow alone. It acts in that world, and in two that it does not know: the makers'
identified models, with other links and another friction, which stand in for the robot. Nothing was tried on the robot
itself.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from experiments.real_robot.makers import makers_world
from hnn_gym.agents.sampling import Mppi, SamplingPlanner
from hnn_gym.command import run
from hnn_gym.envs import SimulatorVectorEnv, build_simulator
from hnn_gym.envs.shipped import resolve_world
from hnn_gym.physics.integrators import Substeps
from hnn_gym.studies import Cell, Executing, Execution, Results, run_cells
from hnn_gym.systems import RealDoublePendulumSwingUp
from hnn_gym.worlds import WorldModel

LEARNED = "HNNRealDoublePendulum-v0"
MOTORS: Mapping[str, tuple[int, ...]] = {"both motors": (0, 1), "shoulder": (0,), "elbow": (1,)}
WORLDS = ("learned", "makers-1.0", "makers-2.0")
UPRIGHT = 0.95
"""Height of the tip, as a share of the largest, from which on it counts as upright."""
_STEPS = 500
_SPEED_COST = 1e-3
_FINE = 10
"""Steps of the makers' models in a step of the environment."""


@dataclass(frozen=True)
class Settings:
    """Swing up a real robot's world by sampled plans."""

    out: Path | None = Path("docs/results/real_robot.swing_up.json")
    """JSON file; results in it are not measured again. None: keep nothing."""
    starts: int = 2
    """Episodes of each, whose starts are drawn with seeds from 100 on; the settings were chosen with seed 0."""
    execution: Executing = field(default_factory=Execution)


def calm(observation: Any, force: Any, after: Any) -> Any:
    """The reward of the task less a cost of speed, which keeps plans near the speeds that were recorded."""
    return (_height(after) - 1) / 2 - 0.001 * (force * force).sum(-1) - _SPEED_COST * (after[..., 4:] ** 2).sum(-1)


def world_of(name: str) -> WorldModel:
    """The learned world, or a makers' model with the same observations and time step."""
    learned = resolve_world(LEARNED)
    if name == WORLDS[0]:
        return learned
    makers = makers_world(name.removeprefix("makers-"))
    return replace(
        makers, coordinates=learned.coordinates, integrator=Substeps(makers.integrator, _FINE), dt=learned.dt
    )


def swung_up(motors: str, world: str, *, starts: int, steps: int = _STEPS, samples: int = 256) -> dict[str, Any]:
    """Let the agent act in a world.

    Returns:
        By start: the return of the task, the time in s from which the tip stays upright (None: it does not), the
        lowest height in the second half of the episode, and the largest speeds of both joints in rad/s.
    """
    controls = MOTORS[motors]
    planner = SamplingPlanner(
        build_simulator(LEARNED, controls=controls, reward=calm),
        rule=Mppi(temperature=0.05),
        horizon=50,
        samples=samples,
        std=0.1,
        seed=0,
    )
    with warnings.catch_warnings(action="ignore"):  # the makers' models solve for M^-1, which is not compiled
        envs = SimulatorVectorEnv(world_of(world), num_envs=starts, task=RealDoublePendulumSwingUp(), controls=controls)
    seen, _ = envs.reset(seed=100)
    dt, plan, total, heights, speeds = resolve_world(LEARNED).dt, None, np.zeros(starts), [], np.zeros((starts, 2))
    for _ in range(steps):
        action, plan = planner.predict(seen, plan)
        seen, reward, *_ = envs.step(action.astype(np.float32))
        total += reward
        heights.append(_height(seen.astype(np.float64)))
        speeds = np.maximum(speeds, np.abs(seen[:, 4:]))
    height = np.array(heights)
    fallen = [int(np.max(np.flatnonzero(one < UPRIGHT), initial=-1)) + 1 for one in height.T]
    return {
        "return": [round(float(value), 2) for value in total],
        "upright_from_s": [round(first * dt, 2) if first < steps else None for first in fallen],
        "lowest_height": [round(float(value), 3) for value in height[steps // 2 :].min(axis=0)],
        "largest_speeds": [[round(float(value), 1) for value in pair] for pair in speeds],
    }


def cells_of(settings: Settings) -> dict[str, Cell]:
    """All measurements by name: ``<motors>/<world>``."""
    return {
        f"{motors}/{world}": partial(swung_up, motors, world, starts=settings.starts)
        for motors in MOTORS
        for world in WORLDS
    }


def _height(observation: Any) -> Any:
    """Height of the tip in [-1, 1] of observations ``(..., 6)``."""
    cos1, sin1, cos2, sin2 = (observation[..., i] for i in range(4))
    return -(0.2 * cos1 + 0.3 * (cos1 * cos2 - sin1 * sin2)) / 0.5


def _main(settings: Settings) -> None:
    console = Console()
    results = Results(settings.out, command="python -m experiments.real_robot.swing_up")
    cells = cells_of(settings)
    with settings.execution.opened() as executor:
        run_cells(results, cells, executor=executor, console=console)
    for name in cells:
        found = results[name]
        console.print(f"{name}: {found['return']}, upright from {found['upright_from_s']} s", highlight=False)


if __name__ == "__main__":
    run(_main, Settings, prog="python -m experiments.real_robot.swing_up")
