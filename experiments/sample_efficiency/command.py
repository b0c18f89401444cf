"""The study from end to end; every result is written at once, so that a stopped run resumes where it was."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from dataclasses import asdict, dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import torch
from rich.console import Console

from experiments.optimum import PLANNING, STARTS, best_returns, planned_returns
from experiments.sample_efficiency.cells import DRIFT_STEPS, acted, drift, measured
from experiments.sample_efficiency.choices import TRUE_ERROR_KEY
from experiments.sample_efficiency.choosing import Candidate, error_of, search
from experiments.sample_efficiency.contenders import (
    CONTENDERS,
    HELD_OUT_SEED,
    HELD_OUT_STEPS,
    TUNING_SEEDS,
    Choice,
    recorded,
    tuning_steps,
)
from experiments.sample_efficiency.model_free import MILESTONES, model_free
from experiments.sample_efficiency.page import RIPPLE_KEY, TRUE_KEY, figure, page
from experiments.shipped import fresh_episodes
from hnn_gym.agents.dynamic_programming import Grid
from hnn_gym.data import TransitionDataset
from hnn_gym.errors import InputError
from hnn_gym.evaluation import plots
from hnn_gym.studies import Cell, Executing, Execution, Results, run_cells
from hnn_gym.systems import true_world
from hnn_gym.training import held_out_error

COMMAND = "python -m experiments.sample_efficiency"


class Panel(NamedTuple):
    """Observation noise, and the numbers of transitions that worlds are learned from."""

    noise: float
    steps: tuple[int, ...]


PANELS = (Panel(0.0, (25, 50, 100)), Panel(0.01, (100, 400)), Panel(0.05, (100, 400)), Panel(0.2, (400,)))


@dataclass(frozen=True)
class Settings:
    """Compare worlds by the returns in the real Pendulum-v1 after planning in them."""

    out: Path = Path("docs/results/sample_efficiency.json")
    """JSON file; results in it are not measured again."""
    page: Path = Path("docs/sample-efficiency.md")
    """Page for tables and figure."""
    optimum: Path = Path("docs/results/optimum.json")
    """JSON file of the best returns."""
    panels: tuple[Panel, ...] = PANELS
    """Noises, and numbers of transitions."""
    noises: tuple[float, ...] = tuple(panel.noise for panel in PANELS)
    """Only the panels of these noises are measured; the page shows all that is stored."""
    contenders: tuple[str, ...] = ("HNN", "second-order MLP", "first-order MLP")
    """Contenders to compare; also "MLP ensemble"."""
    seeds: tuple[int, ...] = tuple(range(10))
    """Seeds of the recordings and of the initial weights."""
    starts: tuple[int, ...] = STARTS
    """Seeds of the real environment."""
    grid: Grid = field(default_factory=lambda: PLANNING)
    """The grid for planning."""
    model_free_seeds: tuple[int, ...] = (0, 1, 2)
    """Seeds of the agents that learn from the real environment itself."""
    model_free_agents: tuple[str, ...] = tuple(MILESTONES)
    """Names of these agents."""
    model_free_noises: tuple[float, ...] = (0.0, 0.01, 0.05)
    """Noises of the observations from which they learn."""
    drift_steps: int = DRIFT_STEPS
    """Unforced steps over which true energy is followed."""
    tuning_seeds: tuple[int, ...] = TUNING_SEEDS
    """Seeds of the recordings on which settings are chosen."""
    held_out_steps: int = HELD_OUT_STEPS
    """Transitions of the recording whose error chooses them."""
    execution: Executing = field(default_factory=Execution)


def study(settings: Settings, *, console: Console) -> Results:
    """Choose settings, then measure all cells, one data seed after the other.

    Raises:
        InputError: there is no such contender.
    """
    unknown = [name for name in settings.contenders if name not in CONTENDERS]
    if unknown:
        raise InputError(f"There is no contender {unknown[0]!r}: choose from {', '.join(CONTENDERS)}.")
    results = Results(settings.out, command=COMMAND)
    with settings.execution.opened() as executor:
        _choose(settings, results, executor, console)
        run_cells(results, _cells(settings, results), executor=executor, report=_printed(console), console=console)
    return results


def _cells(settings: Settings, results: Results) -> dict[str, Cell]:
    cells: dict[str, Cell] = {}
    for noise in {panel.noise: None for panel in settings.panels if panel.noise in settings.noises}:
        if noise:
            truth = [true_world("Pendulum-v1")]
            act = partial(acted, truth, noise=noise, starts=settings.starts, grid=settings.grid)
            cells[f"{TRUE_KEY}/{noise}"] = act
    for seed in settings.seeds:
        for noise, steps, name in _rows(settings):
            choice = Choice(**results[choice_key(name, noise, steps)])
            key = cell_key(noise, steps, name, seed)
            cells[key] = partial(_measured, settings, choice, noise, steps, name, seed)
            forget_if_changed(results, key, choice)
    return cells


def forget_if_changed(results: Results, key: str, choice: Choice) -> None:
    """Forget a cell that was measured with other settings than those that are chosen now."""
    if key in results and results[key].get("choice") != asdict(choice):
        del results[key]


def _measured(settings: Settings, choice: Choice, noise: float, steps: int, name: str, seed: int) -> dict[str, Any]:
    found = measured(
        CONTENDERS[name],
        choice,
        _recorded(noise, steps, seed),
        fresh_episodes(),
        noise=noise,
        seed=seed,
        starts=settings.starts,
        grid=settings.grid,
        drift_steps=settings.drift_steps,
    )
    return found | {"choice": asdict(choice)}


def _printed(console: Console) -> Callable[[str, dict[str, Any]], None]:
    def printed(key: str, cell: dict[str, Any]) -> None:
        returns = cell.get("returns")
        console.print(key, "failed" if returns is None else round(sum(returns) / len(returns), 2))

    return printed


def choice_key(name: str, noise: float, steps: int) -> str:
    """Key of the choice for a contender: ensembles share that of their members, and all exact recordings share one."""
    return f"choice/{noise}/{tuning_steps(noise, steps)}/{_alone(name)}"


def tried(results: Results, noise: float, steps: int, name: str) -> dict[Candidate, float]:
    """Held-out errors of the candidates that were tried for a choice."""
    found = results.below(f"{_tuning_key(noise, steps, name)}/")
    return {Candidate(*map(int, key.split("/"))): error for key, error in found.items()}


def _tuning_key(noise: float, steps: int, name: str) -> str:
    return f"tuning/{noise}/{tuning_steps(noise, steps)}/{_alone(name)}"


def _alone(name: str) -> str:
    """The contender of one member that has the same model."""
    model = CONTENDERS[name].model
    return next(other for other, contender in CONTENDERS.items() if contender.model == model)


def cell_key(noise: float, steps: int, name: str, seed: int) -> str:
    """Key of a cell in the results."""
    return f"cell/{noise}/{steps}/{name}/{seed}"


def _rows(settings: Settings) -> Iterator[tuple[float, int, str]]:
    for panel in settings.panels:
        for steps in panel.steps if panel.noise in settings.noises else ():
            for name in settings.contenders:
                yield panel.noise, steps, name


@cache
def _recorded(noise: float, steps: int, seed: int) -> TransitionDataset:
    return recorded(noise, steps=steps, seed=seed)


def _choose(settings: Settings, results: Results, executor: Executor | None, console: Console) -> None:
    """Try candidates until no choice has a clearly better neighbour."""

    def report(key: str, error: float) -> None:
        console.print(f"{key}: {error:.6g}")

    while True:
        cells: dict[str, Cell] = {}
        for noise, steps, name in _rows(settings):
            for candidate in search(_alone(name), noise, tried(results, noise, steps, name)).to_try:
                key = f"{_tuning_key(noise, steps, name)}/{candidate.decade}/{candidate.width}"
                cells[key] = partial(
                    error_of,
                    _alone(name),
                    noise,
                    candidate,
                    steps=min(tuning_steps(noise, steps), settings.held_out_steps),
                    seeds=settings.tuning_seeds,
                    held_out_steps=settings.held_out_steps,
                )
        if not cells:
            break
        run_cells(results, cells, executor=executor, report=report, console=console)
    for noise, steps, name in _rows(settings):
        found = search(_alone(name), noise, tried(results, noise, steps, name)).best
        assert found is not None
        results[choice_key(name, noise, steps)] = asdict(found.choice(noise))
    for noise in {noise for noise, _, _ in _rows(settings) if noise}:
        held_out = recorded(noise, steps=settings.held_out_steps, seed=HELD_OUT_SEED)
        results[f"{TRUE_ERROR_KEY}/{noise}"] = held_out_error(true_world("Pendulum-v1"), held_out)


def main(settings: Settings) -> None:
    """Run the study."""
    torch.set_num_threads(1)
    console = Console()
    results = study(settings, console=console)
    if RIPPLE_KEY not in results:
        results[RIPPLE_KEY] = drift(true_world("Pendulum-v1"), steps=settings.drift_steps).tolist()
    with settings.execution.opened() as executor:
        for noise in settings.model_free_noises:
            model_free(
                results,
                noise=noise,
                agents=settings.model_free_agents,
                seeds=settings.model_free_seeds,
                starts=settings.starts,
                executor=executor,
                console=console,
            )
    best, planned = best_returns(settings.optimum), planned_returns(settings.optimum)
    settings.page.write_text(page(results, best, planned))
    plots.save(figure(results, best), settings.page.with_suffix(".png"))
    console.print(f"{settings.page} and its figure are written.")
