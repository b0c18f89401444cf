"""Choose the decay of the shipped baselines: ``python -m experiments.shipped_decay``.

A baseline is learned from its recording with a power of ten as its decay, and with its two neighbours; as long as a
neighbour predicts other episodes better, its own neighbours are tried. These episodes have a seed that neither the
recording nor the reported figures have. Of the real pendulum, of which there is one film, the last quarter of what it
is trained on is predicted by worlds that are trained on the rest. The recipes in ``hnn_gym/systems`` hold the choices.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Annotated

import torch
import tyro
from rich.console import Console

from experiments.real_pendulum_data import real_pendulum_transitions
from experiments.shipped import RECIPES, fresh_episodes, learned, recorded
from hnn_gym.command import run
from hnn_gym.errors import InputError
from hnn_gym.studies import Cell, Executing, Execution, Results, run_cells
from hnn_gym.training import FitSettings, held_out_error, one_step_rms

COMMAND = "python -m experiments.shipped_decay"
_SEED = 20_000
_HORIZON = 8
"""Steps for the error on the film, whose stretches without a dropped frame are short."""
CHOSEN = tuple(name for name, (_, twin) in RECIPES.items() if twin.model == "baseline" and not twin.by_steps)
"""The baselines whose fit has a decay."""


@dataclass(frozen=True)
class Settings:
    """Try decays until no neighbour of the best one is better."""

    ids: Annotated[tuple[str, ...], tyro.conf.Positional] = CHOSEN
    """The worlds."""
    out: Path = Path("docs/results/shipped_decay.json")
    """JSON file; errors in it are not measured again."""
    data: Path | None = None
    """Path of the real pendulum's data, invar_datasets.zip; needed for its baseline."""
    execution: Executing = field(default_factory=Execution)


def decade_of(name: str) -> int:
    """The power of ten of the decay in the recipe of a world."""
    return round(math.log10(FitSettings(**RECIPES[name][1].fit).decay))


def to_try(name: str, errors: Mapping[int, float]) -> list[int]:
    """The powers of ten that are to be tried next, given the errors of earlier ones; none: the best is chosen."""
    middle = min(errors, key=errors.__getitem__) if errors else decade_of(name)
    return [decade for decade in (middle - 1, middle, middle + 1) if decade not in errors]


def error_of(name: str, decade: int, *, data: Path | None) -> float:
    """The error of the world ``name`` on the episodes that choose, with 10^decade as its decay."""
    system, twin = RECIPES[name]
    twin = replace(twin, fit={**twin.fit, "decay": float(f"1e{decade}")})
    if system.recording is not None:
        world = learned(twin, recorded(system.id, system.recording, 0))
        return one_step_rms(world, fresh_episodes(system.id, recording=system.recording, seed=_SEED))
    if data is None:
        raise InputError(f"{name} needs the film of the real pendulum: give --data invar_datasets.zip, or other ids.")
    film = real_pendulum_transitions(data)[0]
    cut = film.num_episodes * 3 // 4
    world = learned(twin, film.select(range(cut)))
    return held_out_error(world, film.select(range(cut, film.num_episodes)), horizon=_HORIZON)


def tried(results: Results, name: str) -> dict[int, float]:
    """The errors of a world by the powers of ten of its decay."""
    return {int(decade): error for decade, error in results.below(f"{name}/").items()}


def _main(settings: Settings) -> None:
    torch.set_num_threads(1)
    console = Console()
    unknown = [name for name in settings.ids if name not in CHOSEN]
    if unknown:
        raise InputError(f"There is no decay to choose for {unknown[0]!r}: choose from {', '.join(CHOSEN)}.")
    results = Results(settings.out, command=COMMAND)
    with settings.execution.opened() as executor:
        while cells := dict(_missing(settings, results)):
            run_cells(results, cells, executor=executor, report=console.print, console=console)
    for name in settings.ids:
        errors = tried(results, name)
        best = min(errors, key=errors.__getitem__)
        words = "as in its recipe" if best == decade_of(name) else f"and its recipe has 1e{decade_of(name)}"
        console.print(f"{name}: 1e{best}, {words}", highlight=False)


def _missing(settings: Settings, results: Results) -> Iterator[tuple[str, Cell]]:
    for name in settings.ids:
        for decade in to_try(name, tried(results, name)):
            yield f"{name}/{decade}", partial(error_of, name, decade, data=settings.data)


if __name__ == "__main__":
    run(_main, Settings, prog=COMMAND)
