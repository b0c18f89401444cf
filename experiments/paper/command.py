"""The command: it measures what is missing, stores it, and shows everything in one table."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal

import torch
import tyro
from rich.console import Console

from experiments.paper.costs import measure_cost
from experiments.paper.floors import cramer_rao, perturbed_truth
from experiments.paper.many_bodies import ManyBodySettings, measure_many_bodies
from experiments.paper.pixel_floors import pixel_floors
from experiments.paper.pixel_runs import PIXEL_MODELS, PixelRunSettings, run_pixels
from experiments.paper.real_pendulum import load_recording
from experiments.paper.real_runs import REAL_MODELS, RealRunSettings, run_real
from experiments.paper.runs import MODELS, RunSettings, Trained, run
from experiments.paper.table import markdown, tables
from experiments.paper.tasks import SIMULATED
from experiments.paper.worlds import world_of
from hnn_gym.studies import Executing, Execution, Results, run_cells

Task = Literal["spring", "pendulum", "real-pendulum", "two-body", "three-body", "many-bodies", "pixels"]
_SHOWN = ("relative_energy_drift", "energy_mse_mean", "cpu_seconds_to_goal")
_Measurement = tuple[str, Callable[[], Any]]


@dataclass(frozen=True)
class Settings:
    """Train and score the paper's models and ours on its tasks."""

    tasks: tyro.conf.Positional[tuple[Task, ...]] = (
        "spring",
        "pendulum",
        "real-pendulum",
        "two-body",
        "three-body",
        "many-bodies",
        "pixels",
    )
    """The tasks, in this order."""
    models: tuple[str, ...] = ()
    """Which models, of baseline, hnn, best and best+mirror; empty: all of a task's."""
    seeds: tuple[int, ...] = (0, 1, 2, 3, 4)
    """Training seeds, of data and weights."""
    out: Path | None = Path("docs/results/paper.json")
    """JSON file of the raw results, and beside it the table as .md; results in the file are not measured again. None:
    keep nothing."""
    data: Path = Path("../shared/data/invar_datasets.zip")
    """The real pendulum's recording, yours: the supplementary zip of Schmidt and Lipson 2009, or its unpacked .txt."""
    worlds: Path | None = None
    """Folder for the trained models of simulated tasks, as checkpoints ``task/model/seed``; None: keep none."""
    sizes: RunSettings = field(default_factory=RunSettings)
    """Sizes of data, training and scoring."""
    real: RealRunSettings = field(default_factory=RealRunSettings)
    """The same of the real pendulum."""
    many: ManyBodySettings = field(default_factory=ManyBodySettings)
    """The same of the hundred bodies."""
    pixels: PixelRunSettings = field(default_factory=PixelRunSettings)
    """The same of the pixel pendulum."""
    execution: Executing = field(default_factory=Execution)


def main(settings: Settings) -> None:
    """Measure what is missing, then show the table.

    Raises:
        InputError: the recording or the results file is missing, damaged or something else.
    """
    torch.set_num_threads(1)
    console, results = Console(), Results(settings.out, command="python -m experiments.paper")
    cells = dict(_measurements(settings))

    def report(key: str, entry: dict[str, Any]) -> None:
        console.print(f"{key}: {_summary(entry)}")

    with settings.execution.opened() as executor:
        run_cells(results, cells, executor=executor, report=report, console=console)
    for table in tables(results):
        console.print(table)
    if settings.out is not None:
        settings.out.with_suffix(".md").write_text(markdown(results))


def _measurements(settings: Settings) -> Iterator[_Measurement]:
    """Yield every requested measurement by its key; a recording is read at once, so that errors come early."""
    chosen = set(settings.models)
    for task in settings.tasks:
        if task == "real-pendulum":
            recording = load_recording(settings.data)
            for seed in settings.seeds:
                for model in REAL_MODELS:
                    if not chosen or model in chosen:
                        measure = partial(_real, model, seed, recording, settings.real)
                        yield f"runs/real-pendulum/{model}/{seed}", measure
        elif task == "many-bodies":
            for seed in settings.seeds:
                yield f"many-bodies/{seed}", partial(measure_many_bodies, settings.many, seed=seed)
        elif task == "pixels":
            for seed in settings.seeds:
                yield f"floors/pixels/{seed}", partial(pixel_floors, seed, settings.pixels)
                for kind in PIXEL_MODELS:
                    if not chosen or kind in chosen:
                        yield f"runs/pixels/{kind}/{seed}", partial(run_pixels, kind, seed, settings.pixels)
        else:
            yield from _of_simulated(task, chosen, settings)


def _of_simulated(task: str, chosen: set[str], settings: Settings) -> Iterator[_Measurement]:
    if SIMULATED[task].noise:
        yield f"floors/cramer-rao/{task}", partial(cramer_rao, task, settings.sizes)
    yield f"floors/perturbed-truth/{task}", partial(perturbed_truth, task, settings.sizes)
    for seed in settings.seeds:
        for model in MODELS[task]:
            if not chosen or model in chosen:
                yield f"runs/{task}/{model}/{seed}", partial(_simulated, task, model, seed, settings)
    for model in MODELS[task]:
        if model.startswith("best") and task != "three-body" and (not chosen or model in chosen):
            yield f"costs/{task}/{model}", partial(measure_cost, task, model, settings.sizes, seed=settings.seeds[0])


def _simulated(task: str, model: str, seed: int, settings: Settings) -> dict[str, Any]:
    kept: list[Trained] = []
    entry = run(task, model, seed, settings.sizes, kept.append)
    if settings.worlds is not None:
        card = {"run": f"{task}/{model}/{seed}", "command": "python -m experiments.paper", "measured": entry}
        world_of(task, kept[0], card=card).save(settings.worlds / task / model / str(seed), overwrite=True)
    return entry


def _real(*arguments: Any) -> dict[str, Any]:
    return run_real(*arguments)[0]


def _summary(entry: dict[str, Any]) -> str:
    if "paper" in entry:
        corrected = f", corrected {entry['inside']['energy_mse']:.2e}" if "inside" in entry else ""
        return f"energy MSE {entry['paper']['energy_mse']:.2e}{corrected}, trained in {entry['train_seconds']:.1f} s"
    return ", ".join(f"{name} {entry[name]:.3g}" for name in _SHOWN if entry.get(name) is not None) or "done"
