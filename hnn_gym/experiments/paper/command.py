"""The command: what has not been measured yet is measured, kept, and shown in one table."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import torch
from rich.console import Console

from hnn_gym.experiments.paper.results import Results
from hnn_gym.experiments.paper.runs import MODELS, RunSettings, Trained, run
from hnn_gym.experiments.paper.worlds import world_of

Task = Literal["spring", "pendulum", "real-pendulum", "two-body", "three-body", "many-bodies"]


@dataclass(frozen=True)
class Settings:
    """Train and score the paper's models and ours on its state-space tasks."""

    tasks: tuple[Task, ...] = ("spring", "pendulum", "real-pendulum", "two-body", "three-body", "many-bodies")
    """Which tasks, in this order."""
    models: tuple[str, ...] = ()
    """Which models; empty: all of a task's."""
    seeds: tuple[int, ...] = (0, 1, 2, 3, 4)
    """Training seeds, of data and weights."""
    out: Path | None = Path("docs/results/paper.json")
    """JSON file of the raw results; what it holds already is not measured again. None: keep nothing."""
    worlds: Path | None = None
    """Folder for the trained models, as checkpoints ``task/model/seed``; None: keep none."""
    sizes: RunSettings = field(default_factory=RunSettings)
    """Sizes of data, training and scoring."""


def main(settings: Settings) -> None:
    """Measure what is missing, then show the table."""
    torch.set_num_threads(1)
    console, results = Console(), Results(settings.out)
    for task in settings.tasks:
        if task in MODELS:
            for seed in settings.seeds:
                for model in MODELS[task]:
                    key = f"runs/{task}/{model}/{seed}"
                    if key in results or (settings.models and model not in settings.models):
                        continue
                    kept: list[Trained] = []
                    entry = results[key] = run(task, model, seed, settings.sizes, kept.append)
                    if settings.worlds is not None:
                        world = world_of(task, kept[0], card={"run": key, "train_seconds": entry["train_seconds"]})
                        world.save(settings.worlds / task / model / str(seed), overwrite=True)
                    console.print(
                        f"{task} {model} seed {seed}: energy MSE paper {entry['paper']['energy_mse']:.2e}, corrected "
                        f"{entry['inside']['energy_mse']:.2e}, trained in {entry['train_seconds']:.1f} s"
                    )
