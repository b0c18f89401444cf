"""The study from end to end; every result is written at once, so that a stopped run resumes where it was."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from rich.console import Console

from experiments.chains.scoring import cell, persistence, perturbed
from experiments.chains.systems import LINKS
from experiments.results import Results
from experiments.structures import STRUCTURES
from hnn_gym.errors import ConvergenceError

FEW = (10, 100)


@dataclass(frozen=True)
class Settings:
    """Measure how far ahead chains of rigid links are predicted."""

    out: Path | None = Path("docs/results/chains.json")
    """JSON file; results in it are not measured again. None: keep nothing."""
    links: tuple[int, ...] = LINKS
    """Numbers of links."""
    structures: tuple[str, ...] = tuple(STRUCTURES)
    """Which models."""
    pieces: tuple[int, ...] = (800,)
    """Numbers of recorded pieces of 5 points."""
    seeds: tuple[int, ...] = (0, 1, 2)
    """Seeds of the recordings and of the initial weights."""


def study(settings: Settings, *, console: Console) -> Results:
    """Measure the cells that are missing."""
    results = Results(settings.out, experiment="chains")
    for links in settings.links:
        for name, measure in (("persistence", persistence), ("perturbed", perturbed)):
            if f"{name}/{links}" not in results:
                results[f"{name}/{links}"] = measure(links)
    for structure in settings.structures:
        for links in settings.links:
            for count in settings.pieces:
                for seed in settings.seeds:
                    key = f"learned/{links}/{count}/{structure}/{seed}"
                    if key in results:
                        continue
                    try:
                        results[key] = cell(links, structure, count=count, seed=seed)
                    except ConvergenceError as error:
                        results[key] = {"failed": str(error)}
                    console.print(key, results[key])
    return results


def main(settings: Settings) -> None:
    """Run the study."""
    torch.set_num_threads(1)
    study(settings, console=Console())
