"""The study from end to end, cell by cell: a run that was stopped computes what is missing."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import torch
from rich.console import Console

from experiments.chains.scoring import cell, persistence, perturbed
from experiments.chains.systems import LINKS
from experiments.structures import STRUCTURES, structure_of
from hnn_gym.studies import Cell, Executing, Execution, Results, run_cells

COMMAND = "python -m experiments.chains"


@dataclass(frozen=True)
class Settings:
    """Measure how far ahead chains of rigid links are predicted."""

    out: Path | None = Path("docs/results/chains.json")
    """JSON file; results in it are not measured again. None: keep nothing."""
    links: tuple[int, ...] = LINKS
    """Numbers of links."""
    structures: tuple[str, ...] = STRUCTURES
    """Which models."""
    pieces: tuple[int, ...] = (800,)
    """Numbers of recorded pieces of 5 points."""
    seeds: tuple[int, ...] = (0, 1, 2)
    """Seeds of the recordings and of the initial weights."""
    execution: Executing = field(default_factory=Execution)


def study(settings: Settings, *, console: Console) -> Results:
    """Measure the cells that are missing."""
    results = Results(settings.out, command=COMMAND)
    cells: dict[str, Cell] = {}
    for links in settings.links:
        cells |= {f"persistence/{links}": partial(persistence, links), f"perturbed/{links}": partial(perturbed, links)}
    for structure in settings.structures:
        for links in settings.links:
            for count in settings.pieces:
                model = structure_of(structure, f"chains/{links}")
                for seed in settings.seeds:
                    key = f"learned/{links}/{count}/{structure}/{seed}"
                    cells[key] = partial(cell, links, model, count=count, seed=seed)
    with settings.execution.opened() as executor:
        run_cells(results, cells, executor=executor, report=console.print, console=console)
    return results


def main(settings: Settings) -> None:
    """Run the study."""
    torch.set_num_threads(1)
    study(settings, console=Console())
