"""How large the network in the tables of published benchmarks is, and how its weights decay.

Every candidate is fitted to recordings of seed 100, which no table reports. In SymODEN's tasks it is judged by the test
trajectories of that seed, and in those of Ramesh and Ravindran by the velocities after one step of another recording.

``python -m experiments.network_tuning``.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from rich.console import Console

from experiments.lagrangian_rl.control import FITTED, STEPS, random_steps
from experiments.lagrangian_rl.systems import SYSTEMS
from experiments.structures import STRUCTURES, ModelStructure, learned
from experiments.symoden import scoring
from experiments.symoden.data import TASKS
from hnn_gym.command import run
from hnn_gym.studies import Cell, Executing, Execution, Results, run_cells
from hnn_gym.training.one_step import OneStepSettings

COMMAND = "python -m experiments.network_tuning"
SEED = 100
NETWORK = "second-order network"


@dataclass(frozen=True)
class Settings:
    """Try sizes and decays of the network without physics."""

    out: Path | None = Path("docs/results/network_tuning.json")
    """JSON file; results in it are not measured again. None: keep nothing."""
    predicted: tuple[str, ...] = ("cart-pole", "acrobot")
    """Tasks of SymODEN."""
    controlled: tuple[str, ...] = ("Acrobot", "Cart-2-pole")
    """Tasks of Ramesh and Ravindran."""
    units: tuple[str, ...] = ("16", "32", "64", "32-32")
    """Units of the hidden layers."""
    decays: tuple[float, ...] = (1e-15, 1e-10)
    """Weight decays; those but the first are tried with the chosen units alone."""
    execution: Executing = field(default_factory=Execution)


def candidate(units: str, decay: float) -> ModelStructure:
    """The network with other units, such as "32-32", and another decay."""
    chosen = STRUCTURES[NETWORK]
    assert isinstance(chosen.fit, OneStepSettings)
    hidden = tuple(int(layer) for layer in units.split("-"))
    return replace(chosen, options={"hidden": hidden}, fit=replace(chosen.fit, decay=decay))


def predicted(task: str, structure: ModelStructure) -> dict[str, float]:
    """Error of the test trajectories, and CPU time in s."""
    found = scoring.cell(TASKS[task], structure, seed=SEED)
    return {"error": found["test"], "cpu_s": found["cpu_s"]}


def controlled(name: str, structure: ModelStructure) -> dict[str, float]:
    """Error of one step where random steps go, relative to the change of the velocities, and CPU time in s."""
    system = SYSTEMS[name]
    dataset = random_steps(system, steps=STEPS, seed=SEED)
    world, seconds = learned(dataset, structure, seed=SEED, fitted=FITTED)
    steps = random_steps(system, steps=STEPS, seed=SEED + 1).transitions()
    q, v = world.coordinates.state(steps.observation)
    after = world.coordinates.state(steps.next_observation)[1]
    found = world.state(world.step(world.phase_point(q, v), steps.action))[1]
    error = np.sqrt(np.mean((found - after) ** 2) / np.mean((after - v) ** 2))
    return {"error": float(error), "cpu_s": round(seconds, 1)}


def study(settings: Settings, *, console: Console) -> Results:
    """Measure the cells that are missing."""
    results = Results(settings.out, command=COMMAND)
    chosen = "-".join(map(str, STRUCTURES[NETWORK].options["hidden"]))
    tried = [(units, settings.decays[0]) for units in settings.units]
    tried += [(chosen, decay) for decay in settings.decays[1:]]
    cells: dict[str, Cell] = {}
    for units, decay in tried:
        structure = candidate(units, decay)
        cells |= {f"{task}/{units}/{decay:g}": partial(predicted, task, structure) for task in settings.predicted}
        cells |= {f"{name}/{units}/{decay:g}": partial(controlled, name, structure) for name in settings.controlled}
    with settings.execution.opened() as executor:
        run_cells(results, cells, executor=executor, report=console.print, console=console)
    return results


def main(settings: Settings) -> None:
    """Run the study."""
    torch.set_num_threads(1)
    study(settings, console=Console())


if __name__ == "__main__":
    run(main, Settings, prog=COMMAND)
