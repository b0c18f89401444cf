"""The best returns in Pendulum-v1: ``python -m experiments.optimum``.

Backward induction in the true pendulum on a fine grid gives a policy, whose returns are measured in Gymnasium's own
environment from each start ``reset(seed=s)``. A finer grid earns a little more; regrets are measured against this one.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from rich.console import Console

from hnn_gym.agents.dynamic_programming import DynamicProgramming, Grid
from hnn_gym.agents.evaluate import episode_returns
from hnn_gym.command import run
from hnn_gym.envs.core import Simulator
from hnn_gym.studies import Results
from hnn_gym.systems import PendulumSwingUp, true_world

STARTS = tuple(range(100))
"""Seeds of the starts, the same for all agents."""
FINE = Grid(positions=401, velocities=321, actions=61)
PLANNING = Grid(positions=251, velocities=201, actions=31)
"""The grid for planning in learned worlds."""


@dataclass(frozen=True)
class Settings:
    """Compute the best returns in Pendulum-v1 from the shared starts."""

    out: Path = Path("docs/results/optimum.json")
    """JSON file; results in it are not computed again."""


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
    return _earned(path, "optimum", FINE)


def planned_returns(path: Path | None) -> np.ndarray:
    """Returns ``(100,)`` in the true world of the planner of learned worlds; see :func:`best_returns`."""
    return _earned(path, "planner", PLANNING)


def _earned(path: Path | None, key: str, grid: Grid) -> np.ndarray:
    results = Results(path, command="python -m experiments.optimum")
    if key not in results:
        results[key] = _computed(grid).round(4).tolist()
    return np.array(results[key])


@cache
def _computed(grid: Grid) -> np.ndarray:
    policy = DynamicProgramming([true_pendulum()], steps=200, grid=grid)
    return episode_returns(policy, "Pendulum-v1", seeds=STARTS)


def _main(settings: Settings) -> None:
    best, planned = best_returns(settings.out), planned_returns(settings.out)
    Console().print({"optimum": best.mean(), "the planner of the studies in the true world": planned.mean()})


if __name__ == "__main__":
    run(_main, Settings, prog="python -m experiments.optimum")
