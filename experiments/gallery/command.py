"""The command: train, follow one start, draw, and store the numbers that the figures show, task by task."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

import torch
import tyro
from rich.console import Console

from experiments.gallery.pictures import draw, draw_bump, draw_shipped
from experiments.gallery.subjects import Subject, real, simulated
from experiments.paper.real_pendulum import load_recording
from experiments.paper.real_runs import RealRunSettings
from experiments.paper.runs import RunSettings
from hnn_gym.errors import InputError
from hnn_gym.studies import Cell, Executing, Execution, Results, run_cells

Task = Literal["spring", "pendulum", "real-pendulum", "two-body", "three-body", "bump", "shipped"]
_COMMAND, _NUMBERS = "python -m experiments.gallery", "figures.json"
_ALL: tuple[Task, ...] = ("spring", "pendulum", "real-pendulum", "two-body", "three-body", "bump", "shipped")


@dataclass(frozen=True)
class Settings:
    """Draw the figures of the Hamiltonian Neural Networks article from runs of one seed."""

    tasks: Annotated[tuple[Task, ...], tyro.conf.Positional] = _ALL
    """The tasks; bump is an energy bump of the learned spring, and shipped the film of the README."""
    out: Path = Path("docs/gallery")
    """Folder for the figures and their numbers; a task whose numbers are there is not drawn again. On a cluster all
    machines have to see it under the same path."""
    data: Path | None = None
    """The real pendulum's recording, yours: invar_datasets.zip of Schmidt and Lipson 2009, or its unpacked .txt."""
    seed: int = 0
    """Seed of the data and the weights."""
    frames: int = 121
    """Pictures of a film."""
    sizes: RunSettings = field(default_factory=RunSettings)
    """Sizes of data, training and scoring."""
    real: RealRunSettings = field(default_factory=RealRunSettings)
    """The same of the real pendulum."""
    execution: Executing = field(default_factory=Execution)


def main(settings: Settings) -> None:
    """Draw the figures of every requested task.

    Raises:
        InputError: the recording is missing, damaged or something else, or ``out`` is not a folder or holds other
            numbers.
    """
    torch.set_num_threads(1)
    console = Console()
    if "real-pendulum" in settings.tasks:
        if settings.data is None:
            raise InputError("The real pendulum's figures need its recording: give --data invar_datasets.zip.")
        load_recording(settings.data)
    try:
        settings.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{settings.out} cannot hold the figures ({error}): give another --out.") from None
    results = Results(settings.out / _NUMBERS, command=_COMMAND)
    cells: dict[str, Cell] = {task: partial(drawn, task, settings) for task in settings.tasks}
    with settings.execution.opened() as executor:
        run_cells(results, cells, executor=executor, report=console.print, console=console)


def drawn(task: str, settings: Settings) -> dict[str, Any]:
    """Draw the figures of a task, and return the numbers that they show."""
    torch.set_num_threads(1)
    if task == "bump":
        draw_bump(settings.out)
        return {}
    if task == "shipped":
        draw_shipped(settings.out, frames=settings.frames)
        return {}
    subject = _subject(task, settings)
    draw(subject, settings.out, frames=settings.frames)
    return {"seed": settings.seed, **subject.figures()}


def _subject(task: str, settings: Settings) -> Subject:
    if task == "real-pendulum":
        assert settings.data is not None
        return real(load_recording(settings.data), seed=settings.seed, sizes=settings.real)
    return simulated(task, seed=settings.seed, sizes=settings.sizes)
