"""The study from end to end, cell by cell: a run that was stopped computes what is missing."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import torch
from rich.console import Console

from experiments.structures import STRUCTURES, structure_of
from experiments.symoden.data import TASKS
from experiments.symoden.scoring import cell
from hnn_gym.studies import Executing, Execution, Results, run_cells

COMMAND = "python -m experiments.symoden"


@dataclass(frozen=True)
class Settings:
    """Measure the errors of Symplectic ODE-Net's tasks."""

    out: Path | None = Path("docs/results/symoden.json")
    """JSON file; results in it are not measured again. None: keep nothing."""
    tasks: tuple[str, ...] = tuple(TASKS)
    """Which tasks."""
    structures: tuple[str, ...] = STRUCTURES
    """Which models."""
    seeds: tuple[int, ...] = tuple(range(5))
    """Seeds of the trajectories and of the initial weights; the published data have seed 0."""
    starts: int | None = None
    """Training starts; None: all of the protocol."""
    execution: Executing = field(default_factory=Execution)


def study(settings: Settings, *, console: Console) -> Results:
    """Measure the cells that are missing."""
    results = Results(settings.out, command=COMMAND)
    cells = {
        f"{task}/{name}/{seed}": partial(
            cell, TASKS[task], structure_of(name, f"symoden/{task}"), seed=seed, starts=settings.starts
        )
        for name in settings.structures
        for task in settings.tasks
        for seed in settings.seeds
    }
    with settings.execution.opened() as executor:
        run_cells(results, cells, executor=executor, report=console.print, console=console)
    return results


def main(settings: Settings) -> None:
    """Run the study."""
    torch.set_num_threads(1)
    study(settings, console=Console())
