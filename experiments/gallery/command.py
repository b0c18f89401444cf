"""The command: train, follow one start, draw, and store the numbers that the figures show."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
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

Task = Literal["spring", "pendulum", "real-pendulum", "two-body", "three-body", "bump", "shipped"]
_COMMAND, _NUMBERS = "python -m experiments.gallery --data invar_datasets.zip", "figures.json"
_ALL: tuple[Task, ...] = ("spring", "pendulum", "real-pendulum", "two-body", "three-body", "bump", "shipped")


@dataclass(frozen=True)
class Settings:
    """Draw the figures of the Hamiltonian Neural Networks article from runs of one seed."""

    tasks: Annotated[tuple[Task, ...], tyro.conf.Positional] = _ALL
    """The tasks; bump is an energy bump of the learned spring, and shipped the film of the README."""
    out: Path = Path("docs/gallery")
    """Folder for the figures; those of other tasks are kept."""
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
    _kept(settings.out)
    try:
        settings.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{settings.out} cannot hold the figures ({error}): give another --out.") from None
    for task in settings.tasks:
        if task == "bump":
            draw_bump(settings.out)
            continue
        if task == "shipped":
            draw_shipped(settings.out, frames=settings.frames)
            continue
        subject = _subject(task, settings, console)
        draw(subject, settings.out, frames=settings.frames)
        _keep(subject, settings)
        console.print(task, subject.figures())


def _subject(task: str, settings: Settings, console: Console) -> Subject:
    if task == "real-pendulum":
        assert settings.data is not None
        recording = load_recording(settings.data)
        return real(recording, seed=settings.seed, sizes=settings.real, report=console.print)
    return simulated(task, seed=settings.seed, sizes=settings.sizes, report=console.print)


def _keep(subject: Subject, settings: Settings) -> None:
    """Put the numbers of a subject beside those of the others."""
    kept = _kept(settings.out)
    kept[subject.task] = {"seed": settings.seed, **subject.figures()}
    (settings.out / _NUMBERS).write_text(json.dumps({"command": _COMMAND, "tasks": kept}, indent=1) + "\n")


def _kept(out: Path) -> dict[str, Any]:
    """The numbers that are there already.

    Raises:
        InputError: the file holds something else.
    """
    path = out / _NUMBERS
    if not path.exists():
        return {}
    try:
        kept: dict[str, Any] = json.loads(path.read_text())["tasks"]
        return dict(kept)
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} does not hold the numbers of a gallery ({error!r}): give another --out.") from None
