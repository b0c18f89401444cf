"""The best returns in Pendulum-v1: ``python -m experiments.optimum``.

Backward induction in the true pendulum on a fine grid gives a policy, whose returns are measured in Gymnasium's own
environment from each start ``reset(seed=s)``. A finer grid earns a little more; regrets are measured against this one.
"""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path

import numpy as np
from rich.console import Console

from hnn_gym.agents.dynamic_programming import DynamicProgramming, Grid
from hnn_gym.agents.evaluate import episode_returns
from hnn_gym.command import run
from hnn_gym.envs.core import Simulator
from hnn_gym.studies import Executing, Execution, Results, run_cells
from hnn_gym.systems import PendulumSwingUp, true_world

STARTS = tuple(range(100))
"""Seeds of the starts, the same for all agents."""
FINE = Grid(positions=401, velocities=321, actions=61)
PLANNING = Grid(positions=251, velocities=201, actions=31)
"""The grid for planning in learned worlds."""
GRIDS = {"optimum": FINE, "planner": PLANNING}
"""What is computed, by the names in the results."""


@dataclass(frozen=True)
class Settings:
    """Compute the best returns in Pendulum-v1 from the shared starts."""

    out: Path = Path("docs/results/optimum.json")
    """JSON file; results in it are not computed again."""
    execution: Executing = field(default_factory=Execution)


def true_pendulum() -> Simulator:
    """Pendulum-v1 itself, for planning."""
    return Simulator(true_world("Pendulum-v1"), PendulumSwingUp())


def best_returns(path: Path | None) -> np.ndarray:
    """Best returns ``(100,)`` from the shared starts, kept in a file.

    Args:
        path: JSON file of the returns; None: they are not kept.

    Raises:
        InputError: the file holds something else.
    """
    return np.array(earned(path, "optimum")["optimum"])


def planned_returns(path: Path | None) -> np.ndarray:
    """Returns ``(100,)`` in the true world of the planner of learned worlds; see :func:`best_returns`."""
    return np.array(earned(path, "planner")["planner"])


def earned(path: Path | None, *names: str, executor: Executor | None = None, console: Console | None = None) -> Results:
    """The returns of the named grids, those of :data:`GRIDS`; they are computed where the file lacks them."""
    results = Results(path, command="python -m experiments.optimum")
    run_cells(results, {name: partial(_computed, GRIDS[name]) for name in names}, executor=executor, console=console)
    return results


@cache
def _computed(grid: Grid) -> list[float]:
    policy = DynamicProgramming([true_pendulum()], steps=200, grid=grid)
    returns: list[float] = episode_returns(policy, "Pendulum-v1", seeds=STARTS).round(4).tolist()
    return returns


def _main(settings: Settings) -> None:
    console = Console()
    with settings.execution.opened() as executor:
        results = earned(settings.out, *GRIDS, executor=executor, console=console)
    best, planned = (float(np.mean(results[name])) for name in GRIDS)
    console.print({"optimum": best, "the planner of the studies in the true world": planned})


if __name__ == "__main__":
    run(_main, Settings, prog="python -m experiments.optimum")
