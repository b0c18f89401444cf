"""Measure the forecasts of every contender, recording by recording."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import torch
from rich.console import Console

from experiments.real_robot.contenders import CANDIDATES, FAMILIES, HORIZONS, STILL, judged, pooled
from experiments.real_robot.recordings import DATA, read_recordings
from hnn_gym.studies import Cell, Executing, Execution, Results, run_cells

COMMAND = "python -m experiments.real_robot"
MAKERS = ("makers-1.0", "makers-2.0")


@dataclass(frozen=True)
class Settings:
    """Forecast recordings of a real two-link robot."""

    data: Path = DATA
    """Folder with the recordings."""
    aside: Path | None = None
    """Folder with further recordings of the machine, which worlds learned from all excitations forecast."""
    out: Path | None = Path("docs/results/real_robot.json")
    """JSON file; results in it are not measured again. None: keep nothing."""
    contenders: tuple[str, ...] = (STILL, *MAKERS, *CANDIDATES)
    """Which worlds."""
    execution: Executing = field(default_factory=Execution)


def cells_of(settings: Settings) -> dict[str, Cell]:
    """All measurements by name.

    ``left-out/<contender>/<recording>`` forecasts one excitation by a world learned from the others;
    ``inside/<contender>/<recording>`` compares candidates inside the training recordings of that fold: learned from all
    but one of them, judged on that one; ``other/<contender>`` forecasts all other recordings of the folder, and
    ``aside/<contender>`` those of another folder.
    """
    tables = read_recordings(settings.data, excitations=True)
    others = read_recordings(settings.data, excitations=False)
    aside = {} if settings.aside is None else read_recordings(settings.aside)
    names = list(tables)
    cells: dict[str, Cell] = {}
    for contender in settings.contenders:
        for number, name in enumerate(names):
            train = [n for n in names if n != name]
            chosen = [tables[n] for n in train]
            cells[f"left-out/{contender}/{name}"] = partial(judged, contender, chosen, {name: tables[name]})
            if any(contender in family for family in FAMILIES.values() if len(family) > 1):
                inner = train[number % len(train)]
                rest = [tables[n] for n in train if n != inner]
                cells[f"inside/{contender}/{name}"] = partial(judged, contender, rest, {inner: tables[inner]})
        for kind, further in (("other", others), ("aside", aside)):
            if further:
                cells[f"{kind}/{contender}"] = partial(judged, contender, list(tables.values()), further)
    return cells


def chosen_candidates(results: Results, family: str) -> dict[str, str]:
    """For every recording that is left out, the candidate with the least error inside the training recordings.

    In a family of one it is that one. The error is the mean over the horizons of each one's share of the least.
    """
    candidates = list(FAMILIES[family])
    chosen = {}
    for recording in results.below(f"left-out/{candidates[0]}/"):
        if len(candidates) == 1:
            chosen[recording] = candidates[0]
            continue
        errors = {name: np.array(pooled([results[f"inside/{name}/{recording}"]])) for name in candidates}
        least = np.min(list(errors.values()), axis=0)
        chosen[recording] = min(errors, key=lambda name: float((errors[name] / least).mean()))
    return chosen


def main(settings: Settings) -> None:
    """Measure what is missing, and print the errors."""
    torch.set_num_threads(1)
    console = Console()
    results = Results(settings.out, command=COMMAND)
    with settings.execution.opened() as executor:
        run_cells(results, cells_of(settings), executor=executor, console=console)
    for contender in settings.contenders:
        cells = list(results.below(f"left-out/{contender}/").values())
        errors = ", ".join(f"{h:g} s {e:.4f}" for h, e in zip(HORIZONS, pooled(cells), strict=True))
        console.print(f"{contender}: {errors}", highlight=False)
