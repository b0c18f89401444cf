"""Measure the forecasts of every contender, recording by recording."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console

from experiments.real_robot.contenders import FAMILIES, HORIZONS, STILL, judged, pooled
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
    contenders: tuple[str, ...] = (STILL, *MAKERS, *FAMILIES)
    """Which worlds; of a family the best one."""
    execution: Executing = field(default_factory=Execution)


def inside_cells(settings: Settings) -> dict[str, Cell]:
    """The measurements by which one candidate of a family is chosen, by name.

    ``inside/<candidate>/<recording>`` judges a candidate inside the training recordings of a fold: learned from all but
    one of them, judged on that one.
    """
    tables = read_recordings(settings.data, excitations=True)
    cells: dict[str, Cell] = {}
    for family in settings.contenders:
        candidates = FAMILIES.get(family, {})
        for name in candidates if len(candidates) > 1 else ():
            for number, recording in enumerate(tables):
                train = [other for other in tables if other != recording]
                inner = train[number % len(train)]
                rest = [tables[other] for other in train if other != inner]
                cells[f"inside/{name}/{recording}"] = partial(judged, name, rest, {inner: tables[inner]})
    return cells


def cells_of(settings: Settings, results: Results) -> dict[str, Cell]:
    """The measurements of the chosen candidates, by name.

    ``left-out/<contender>/<recording>`` forecasts one excitation by a world learned from the others;
    ``other/<contender>`` forecasts all other recordings of the folder by one learned from all excitations, and
    ``aside/<contender>`` those of another folder.

    Args:
        settings: of the command.
        results: with those of :func:`inside_cells`.
    """
    tables = read_recordings(settings.data, excitations=True)
    others = read_recordings(settings.data, excitations=False)
    aside = {} if settings.aside is None else read_recordings(settings.aside)
    cells: dict[str, Cell] = {}
    for contender in settings.contenders:
        for recording in tables:
            chosen = candidate(results, contender, recording)
            train = [tables[name] for name in tables if name != recording]
            cells[f"left-out/{chosen}/{recording}"] = partial(judged, chosen, train, {recording: tables[recording]})
        chosen = candidate(results, contender)
        for kind, further in (("other", others), ("aside", aside)):
            if further:
                learned = contender in FAMILIES and kind == "other"
                cells[f"{kind}/{chosen}"] = partial(judged, chosen, list(tables.values()), further, in_sample=learned)
    return cells


def candidate(results: Results, contender: str, recording: str | None = None) -> str:
    """The candidate of a family with the least error inside the training recordings, or the contender itself.

    The error is the mean over the horizons of each one's share of the least.

    Args:
        results: with those of :func:`inside_cells`.
        contender: a family, or a name of its own.
        recording: the one that is left out; None: whichever it is.
    """
    candidates = list(FAMILIES.get(contender, [contender]))
    if len(candidates) == 1:
        return candidates[0]
    cells = {name: results.below(f"inside/{name}/") for name in candidates}
    errors = {
        name: np.array([pooled([cell]) for fold, cell in found.items() if recording in (None, fold)])
        for name, found in cells.items()
    }
    least = np.min(list(errors.values()), axis=0)
    return min(errors, key=lambda name: float((errors[name] / least).mean()))


def main(settings: Settings) -> None:
    """Measure what is missing, and print the errors."""
    torch.set_num_threads(1)
    console = Console()
    results = Results(settings.out, command=COMMAND)
    with settings.execution.opened() as executor:
        run_cells(results, inside_cells(settings), executor=executor, console=console)
        cells = cells_of(settings, results)
        run_cells(results, cells, executor=executor, console=console)
    for contender in settings.contenders:
        found = left_out(results, contender).values()
        errors = ", ".join(f"{h:g} s {e:.4f}" for h, e in zip(HORIZONS, pooled(list(found)), strict=True))
        console.print(f"{contender}: {errors}", highlight=False)


def left_out(results: Results, contender: str) -> dict[str, Any]:
    """The measurements of a contender by the recording that was left out."""
    recordings = sorted({name.rpartition("/")[2] for name in results.below("left-out/")})
    return {name: results[f"left-out/{candidate(results, contender, name)}/{name}"] for name in recordings}
