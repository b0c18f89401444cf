"""The study from end to end, cell by cell: a run that was stopped computes what is missing."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import torch
from rich.console import Console

from experiments.lagrangian_rl.control import STEPS, earned, goal_error, model
from experiments.lagrangian_rl.figure import returns_of_both
from experiments.lagrangian_rl.systems import PUBLISHED, SYSTEMS
from experiments.structures import STRUCTURES
from hnn_gym.errors import ConvergenceError, InputError
from hnn_gym.evaluation.plots.style import save
from hnn_gym.studies import Executing, Execution, Results, run_cells

COMMAND = "python -m experiments.lagrangian_rl"


@dataclass(frozen=True)
class Settings:
    """Measure real returns of plans made in worlds that were learned from random steps."""

    out: Path | None = Path("docs/results/lagrangian_rl.json")
    """JSON file; results in it are not measured again. None: keep nothing."""
    tasks: tuple[str, ...] = tuple(SYSTEMS)
    """Which tasks."""
    structures: tuple[str, ...] = ("truth", *STRUCTURES)
    """Which worlds; "truth" plans in the true one."""
    steps: int = STEPS
    """Random real steps."""
    seeds: tuple[int, ...] = (0, 1, 2)
    """Seeds of the recordings, of the initial weights and of the first plans."""
    picture: Path | None = None
    """PNG file of the returns in worlds with and without physics."""
    execution: Executing = field(default_factory=Execution)


def study(settings: Settings, *, console: Console) -> Results:
    """Measure the cells that are missing."""
    results = Results(settings.out, command=COMMAND)
    cells = {
        f"{name}/{settings.steps}/{structure}/{seed}": partial(_cell, name, structure, seed, settings)
        for structure in settings.structures
        for name in settings.tasks
        for seed in settings.seeds
    }
    with settings.execution.opened() as executor:
        run_cells(results, cells, executor=executor, report=console.print, console=console)
    return results


def _cell(name: str, structure: str, seed: int, settings: Settings) -> dict[str, object]:
    try:
        world, seconds = model(name, structure, steps=settings.steps, seed=seed)
        found = earned(name, world, seed=seed)
    except (ConvergenceError, InputError, np.linalg.LinAlgError) as error:
        return {"failed": str(error)}
    return {**found, "fit_cpu_s": round(seconds, 1), "error_at_the_goal": goal_error(name, world)}


def main(settings: Settings) -> None:
    """Run the study."""
    torch.set_num_threads(1)
    results = study(settings, console=Console())
    if settings.picture is not None:
        settings.picture.parent.mkdir(parents=True, exist_ok=True)
        save(returns_of_both(results, {task: theirs for task, (theirs, _) in PUBLISHED.items()}), settings.picture)
