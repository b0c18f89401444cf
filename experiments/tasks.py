"""Returns of simple policies in every task: ``python -m experiments.tasks``.

In every true environment, from the same starts, there are three ways to act: do nothing, act at random, and plan by the
cross-entropy method in the true world. The planner is not optimal, but its returns show what control can gain.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console

from hnn_gym.agents.evaluate import Policy, play_episodes
from hnn_gym.agents.sampling import Cem, SamplingPlanner
from hnn_gym.agents.scripted import Idle, RandomActions
from hnn_gym.command import run
from hnn_gym.envs import build_simulator
from hnn_gym.errors import InputError
from hnn_gym.studies import Executing, Execution, Results, run_cells

HORIZONS = {"Spring-v0": 60, "IdealPendulum-v0": 60, "TwoBody-v0": 120, "ThreeBody-v0": 160}
"""Horizon of the planner, in steps."""
WAYS: dict[str, Callable[[str], Policy]] = {
    "nothing": lambda env_id: Idle(build_simulator(env_id).spaces()[1]),
    "random": lambda env_id: RandomActions(build_simulator(env_id).spaces()[1]),
    "planned": lambda env_id: SamplingPlanner(
        build_simulator(env_id), rule=Cem(elites=0.15), horizon=HORIZONS[env_id], samples=48
    ),
}
"""Ways to act, each a function from the id of an environment to a policy."""


@dataclass(frozen=True)
class Settings:
    """Measure the returns of doing nothing, of random actions and of planning in the true environments."""

    out: Path | None = Path("docs/results/tasks.json")
    """JSON file; results in it are not measured again. None: keep nothing."""
    environments: tuple[str, ...] = tuple(HORIZONS)
    """Which environments."""
    episodes: int = 10
    """Episodes of each, from starts of the seeds 0, 1, ..."""
    max_steps: int | None = None
    """Truncate episodes after this many steps; None: play to their end."""
    execution: Executing = field(default_factory=Execution)


def measure(settings: Settings, *, console: Console) -> Results:
    """Returns and lengths of every way to act in every environment, by ``env_id/way``.

    Raises:
        InputError: there is no such environment here.
    """
    unknown = [env_id for env_id in settings.environments if env_id not in HORIZONS]
    if unknown:
        raise InputError(f"There is no environment {unknown[0]!r} here: choose from {', '.join(HORIZONS)}.")
    results = Results(settings.out, command="python -m experiments.tasks")
    cells = {
        f"{env_id}/{way}": partial(_played, env_id, way, settings.episodes, settings.max_steps)
        for env_id in settings.environments
        for way in WAYS
    }
    with settings.execution.opened() as executor:
        run_cells(results, cells, executor=executor, console=console)
    for key in cells:
        returns, steps = (np.array(results[key][name]) for name in ("returns", "steps"))
        console.print(key, f"mean {returns.mean():.1f}, worst {returns.min():.1f}, {steps.mean():.0f} steps")
    return results


def _played(env_id: str, way: str, count: int, max_steps: int | None) -> dict[str, Any]:
    episodes = play_episodes(WAYS[way](env_id), env_id, seeds=range(count), max_steps=max_steps)
    return {"returns": episodes.returns.round(4).tolist(), "steps": episodes.lengths.tolist()}


def _main(settings: Settings) -> None:
    torch.set_num_threads(1)
    measure(settings, console=Console())


if __name__ == "__main__":
    run(_main, Settings, prog="python -m experiments.tasks")
