"""The study from end to end; every result is written at once, so that a stopped run resumes where it was."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import torch
from rich.console import Console

from experiments.long_task.cells import acted, planned
from experiments.long_task.page import NOTHING, TRUE, figure, page
from experiments.long_task.task import EnergyHold
from experiments.sample_efficiency.command import COMMAND as STUDY
from experiments.sample_efficiency.command import Panel, cell_key, choice_key, forget_if_changed
from experiments.sample_efficiency.contenders import CONTENDERS, Choice, learned, recorded
from hnn_gym.agents.dynamic_programming import Grid
from hnn_gym.agents.scripted import Idle
from hnn_gym.errors import ConvergenceError, InputError
from hnn_gym.evaluation import plots
from hnn_gym.studies import Cell, Executing, Execution, Results, run_cells
from hnn_gym.systems import true_world


@dataclass(frozen=True)
class Settings:
    """Compare worlds by the returns in a long real task after planning in them."""

    out: Path = Path("docs/results/long_task.json")
    """JSON file; results in it are not measured again."""
    page: Path = Path("docs/long-task.md")
    """Page for table and figure."""
    study: Path = Path("docs/results/sample_efficiency.json")
    """The study that chose, by held-out error, how worlds are trained."""
    panels: tuple[Panel, ...] = (Panel(0.0, (50, 100)), Panel(0.05, (400,)))
    """Noises, and numbers of transitions."""
    contenders: tuple[str, ...] = ("HNN", "second-order MLP")
    """Contenders to compare; also "first-order MLP"."""
    seeds: tuple[int, ...] = tuple(range(10))
    """Seeds of the recordings and of the initial weights."""
    starts: tuple[int, ...] = tuple(range(20))
    """Seeds of the real environment."""
    steps: int = EnergyHold.max_episode_steps
    """Length of an episode."""
    grid: Grid = field(default_factory=lambda: Grid(positions=301, velocities=241, actions=5))
    """To plan on."""
    execution: Executing = field(default_factory=Execution)


def study(settings: Settings, *, console: Console) -> Results:
    """Measure cell by cell, those of one data seed after the other.

    Raises:
        InputError: a contender is unknown, or the study of sample efficiency has not chosen its settings.
    """
    results = Results(settings.out, command="python -m experiments.long_task")
    choices = _choices(settings)
    cells: dict[str, Cell] = {
        NOTHING: partial(acted, Idle(EnergyHold.action_space), steps=settings.steps, starts=settings.starts),
        TRUE: partial(
            planned, true_world("Pendulum-v1"), steps=settings.steps, grid=settings.grid, starts=settings.starts
        ),
    }
    for seed in settings.seeds:
        for panel in settings.panels:
            for steps in panel.steps:
                for name in settings.contenders:
                    choice = choices[name, panel.noise, steps]
                    key = cell_key(panel.noise, steps, name, seed)
                    cells[key] = partial(_cell, settings, choice, panel.noise, steps, name, seed)
                    forget_if_changed(results, key, choice)

    def report(key: str, measured: dict[str, Any]) -> None:
        returns = measured.get("returns")
        console.print(key, "failed" if returns is None else round(sum(returns) / len(returns), 2))

    with settings.execution.opened() as executor:
        run_cells(results, cells, executor=executor, report=report, console=console)
    return results


def main(settings: Settings) -> None:
    """Run the study."""
    torch.set_num_threads(1)
    console = Console()
    results = study(settings, console=console)
    settings.page.write_text(page(results))
    picture = settings.page.with_suffix(".png")
    plots.save(figure(results), picture)
    plots.save_dark_twin(picture, picture.with_stem(f"{picture.stem}-dark"))  # the README shows it
    console.print(f"{settings.page} and its figure are written.")


def _cell(settings: Settings, choice: Choice, noise: float, steps: int, name: str, seed: int) -> dict[str, Any]:
    found: dict[str, Any] = {"choice": asdict(choice)}
    try:
        (world,) = learned(CONTENDERS[name], choice, recorded(noise, steps=steps, seed=seed), noise=noise, seed=seed)
    except ConvergenceError as error:
        return found | {"failed": str(error)}
    return found | planned(world, steps=settings.steps, grid=settings.grid, starts=settings.starts)


def _choices(settings: Settings) -> dict[tuple[str, float, int], Choice]:
    chosen = Results(settings.study, command=STUDY)
    found = {}
    for name in settings.contenders:
        if name not in CONTENDERS or CONTENDERS[name].members > 1:
            alone = ", ".join(other for other, contender in CONTENDERS.items() if contender.members == 1)
            raise InputError(f"There is no contender {name!r} here: choose from {alone}.")
        for panel in settings.panels:
            for steps in panel.steps:
                key = choice_key(name, panel.noise, steps)
                if key not in chosen:
                    raise InputError(f"{settings.study} holds no {key}: run {STUDY} first.")
                found[name, panel.noise, steps] = Choice(**chosen[key])
    return found
