"""The study from end to end; every result is written at once, so that a stopped run resumes where it was."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from rich.console import Console

from experiments.results import Results
from experiments.structures import STRUCTURES
from experiments.symoden.data import TASKS
from experiments.symoden.scoring import cell
from hnn_gym.errors import ConvergenceError


@dataclass(frozen=True)
class Settings:
    """Measure the errors of Symplectic ODE-Net's tasks."""

    out: Path | None = Path("docs/results/symoden.json")
    """JSON file; results in it are not measured again. None: keep nothing."""
    tasks: tuple[str, ...] = tuple(TASKS)
    """Which tasks."""
    structures: tuple[str, ...] = tuple(STRUCTURES)
    """Which models."""
    seeds: tuple[int, ...] = tuple(range(5))
    """Seeds of the trajectories and of the initial weights; the published data have seed 0."""
    starts: int | None = None
    """Training starts; None: all of the protocol."""


def study(settings: Settings, *, console: Console) -> Results:
    """Measure the cells that are missing."""
    results = Results(settings.out, experiment="symoden")
    for structure in settings.structures:
        for task in settings.tasks:
            for seed in settings.seeds:
                key = f"{task}/{structure}/{seed}"
                if key in results:
                    continue
                try:
                    found = cell(TASKS[task], structure, seed=seed, starts=settings.starts)
                except ConvergenceError as error:
                    results[key] = {"failed": str(error)}
                    continue
                results[key] = found
                console.print(key, found)
    return results


def main(settings: Settings) -> None:
    """Run the study."""
    torch.set_num_threads(1)
    study(settings, console=Console())
