"""The study from end to end, cell by cell: a run that was stopped computes what is missing."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import torch
from rich.console import Console

from experiments.friction_rl.agents import real_returns
from experiments.friction_rl.systems import SYSTEMS
from experiments.friction_rl.worlds import STEPS, model, one_step_error
from hnn_gym.errors import ConvergenceError, InputError
from hnn_gym.studies import Executing, Execution, Results, run_cells

COMMAND = "python -m experiments.friction_rl"


@dataclass(frozen=True)
class Settings:
    """Measure real returns of agents that were made in worlds learned from random steps."""

    out: Path | None = Path("docs/results/friction_rl.json")
    """JSON file; results in it are not measured again. None: keep nothing."""
    tasks: tuple[str, ...] = tuple(SYSTEMS)
    """Which tasks."""
    structures: tuple[str, ...] = ("truth", "chain", "second-order network")
    """Which worlds; "truth" is the true one."""
    seeds: tuple[int, ...] = tuple(range(5))
    """Seeds of the recordings, of the initial weights and of the first plans."""
    starts: int = 100
    """Real episodes, from those states to which ``reset(seed=0)``, ``reset(seed=1)``, ... lead."""
    execution: Executing = field(default_factory=Execution)


def study(settings: Settings, *, console: Console) -> Results:
    """Measure the cells that are missing."""
    results = Results(settings.out, command=COMMAND)
    cells = {
        f"{name}/{structure}/{seed}": partial(_cell, name, structure, seed, settings.starts)
        for structure in settings.structures
        for name in settings.tasks
        for seed in settings.seeds
    }
    with settings.execution.opened() as executor:
        run_cells(results, cells, executor=executor, report=console.print, console=console)
    return results


def _cell(name: str, structure: str, seed: int, starts: int) -> dict[str, object]:
    try:
        world, fit_seconds = model(name, structure, steps=STEPS[name], seed=seed)
        earned, seconds = real_returns(name, world, seed=seed, starts=range(starts))
    except (ConvergenceError, InputError, np.linalg.LinAlgError) as error:
        return {"failed": str(error)}
    return {
        "mean": round(float(earned.mean()), 2),
        "worst": round(float(earned.min()), 1),
        "returns": [round(float(r), 1) for r in earned],
        "steps": STEPS[name],
        "one_step_error": one_step_error(name, world),
        "fit_cpu_s": round(fit_seconds, 1),
        "agent_cpu_s": round(seconds, 1),
    }


def main(settings: Settings) -> None:
    """Run the study."""
    torch.set_num_threads(1)
    study(settings, console=Console())
