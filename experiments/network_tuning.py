"""How large the network in the tables of published benchmarks is, and how its weights decay, task by task.

Every candidate is fitted to a recording of seed 100, which no table reports. Those of SymODEN's tasks and of the chains
are judged by the errors that the tables report, on other trajectories. Those that are acted in are judged by real
returns from starts that no table reports, and with friction for recordings of seed 101 too. With several poles plans
would take hours, and they are judged by the velocities after one step of another recording. The number of units is
doubled or halved until the best is neither the largest nor the smallest of those that were tried, or lies at
:data:`FEWEST` or :data:`MOST`; then decays are compared with that number.

``python -m experiments.network_tuning``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import torch
from rich.console import Console

from experiments.chains import scoring as chains
from experiments.friction_rl import worlds as friction
from experiments.friction_rl.agents import real_returns
from experiments.friction_rl.systems import SCHEME
from experiments.friction_rl.systems import SYSTEMS as WITH_FRICTION
from experiments.lagrangian_rl.control import STEPS, earned, random_steps
from experiments.lagrangian_rl.systems import SYSTEMS
from experiments.structures import ModelStructure, learned, network
from experiments.symoden import scoring as symoden
from experiments.symoden.data import TASKS
from hnn_gym.command import run
from hnn_gym.data.batches import Transitions
from hnn_gym.studies import Cell, Executing, Execution, Results, run_cells
from hnn_gym.worlds.world_model import WorldModel

COMMAND = "python -m experiments.network_tuning"
SEED = 100
SEVERAL = ("Acrobot", "Acrobot-sw", "Cart-2-pole", "Cart-3-pole", "Acro-3-bot")
"""Tasks of several poles, in which planning in a network takes minutes."""
UNITS = (16, 32, 64)
"""Numbers of units that are tried in every task."""
FEWEST, MOST = 4, 128
"""Units are not halved or doubled beyond these: with more, the fit of three links would take longer than minutes."""
DECAYS = (1e-15, 1e-12, 1e-9, 1e-6)
"""Units are compared with the first, which is next to none, and the others are tried with the chosen units. While the
largest is the best, one that is a thousand times as large is tried too."""
FOUND = Path("docs/results/network_tuning.json")

Judge = Callable[[ModelStructure], tuple[float, float]]
"""Error of a candidate, or the return that it loses, and CPU time of its fit in s."""


def _predicts(task: str, structure: ModelStructure) -> tuple[float, float]:
    found = symoden.cell(TASKS[task], structure, seed=SEED)
    return found["test"], found["cpu_s"]


def _predicts_chain(links: int, structure: ModelStructure) -> tuple[float, float]:
    found = chains.cell(links, structure, count=800, seed=SEED, test_seed=SEED)
    return found["geometric"], found["cpu_s"]


def _steps(name: str, structure: ModelStructure) -> tuple[float, float]:
    system = SYSTEMS[name]
    world, seconds = learned(random_steps(system, steps=STEPS, seed=SEED), structure, seed=SEED)
    return one_step_error(world, random_steps(system, steps=STEPS, seed=SEED + 1).transitions()), seconds


def _steps_with_friction(name: str, structure: ModelStructure) -> tuple[float, float]:
    world, seconds = _with_friction(name, structure, SEED)
    after = friction.random_steps(name, steps=friction.STEPS[name], seed=SEED + 1)
    return one_step_error(world, after.transitions()), seconds


def _earns(name: str, structure: ModelStructure) -> tuple[float, float]:
    world, seconds = learned(random_steps(SYSTEMS[name], steps=STEPS, seed=SEED), structure, seed=SEED)
    return -float(np.mean(earned(name, world, seed=SEED, starts=SEED)["returns"])), seconds


def _earns_with_friction(name: str, structure: ModelStructure) -> tuple[float, float]:
    returns, cpu = [], []
    for seed in (SEED, SEED + 1):
        world, seconds = _with_friction(name, structure, seed)
        returns.append(float(real_returns(name, world, seed=seed, starts=range(1_000, 1_050))[0].mean()))
        cpu.append(seconds)
    return -float(np.mean(returns)), float(np.mean(cpu))


def _with_friction(name: str, structure: ModelStructure, seed: int) -> tuple[WorldModel, float]:
    dataset = friction.random_steps(name, steps=friction.STEPS[name], seed=seed)
    coordinates = WITH_FRICTION[name].coordinates_for()
    return learned(dataset, structure, seed=seed, integrator=SCHEME, coordinates=coordinates)


def one_step_error(world: WorldModel, steps: Transitions) -> float:
    """Error of the velocities after one step, relative to their change."""
    q, v = world.coordinates.state(steps.observation.astype(np.float64))
    after = world.coordinates.state(steps.next_observation.astype(np.float64))[1]
    found = world.state(world.step(world.phase_point(q, v), steps.action.astype(np.float64)))[1]
    return float(np.sqrt(np.mean((found - after) ** 2) / np.mean((after - v) ** 2)))


JUDGES: dict[str, Judge] = {
    **{f"symoden/{task}": partial(_predicts, task) for task in TASKS},
    **{f"chains/{links}": partial(_predicts_chain, links) for links in (1, 2, 3)},
    **{f"lagrangian_rl/{name}": partial(_steps if name in SEVERAL else _earns, name) for name in SYSTEMS},
    **{
        f"friction_rl/{name}": partial(_steps_with_friction if name in SEVERAL else _earns_with_friction, name)
        for name in WITH_FRICTION
    },
}
"""By study and task."""


@dataclass(frozen=True)
class Settings:
    """Choose units and decay of the network without physics."""

    out: Path | None = FOUND
    """JSON file; results in it are not measured again. None: keep nothing."""
    tasks: tuple[str, ...] = tuple(JUDGES)
    """Which tasks, each with its study."""
    execution: Executing = field(default_factory=Execution)


def tried(results: Results, task: str) -> dict[tuple[int, float], float]:
    """Error of every candidate of a task, or minus its return, by units and decay."""
    found = results.below(f"{task}/")
    return {
        (int(units), float(decay)): cell["error"] for key, cell in found.items() for units, decay in [key.split("/")]
    }


def chosen(results: Results, task: str) -> tuple[int, float]:
    """Units and decay of the least error, or of the largest return."""
    errors = tried(results, task)
    return min(errors, key=lambda candidate: errors[candidate])


def missing(results: Results, task: str) -> Iterator[tuple[int, float]]:
    """What is to be tried next: nothing, once a choice has more, fewer and other decays beside it."""
    errors = tried(results, task)
    first = DECAYS[0]
    sizes = {units: error for (units, decay), error in errors.items() if decay == first}
    wanted = set(UNITS) - set(sizes)
    if not wanted:
        best = min(sizes, key=lambda units: sizes[units])
        wanted = {units for units in (best // 2, 2 * best) if FEWEST <= units <= MOST} - set(sizes)
    if wanted:
        yield from ((units, first) for units in sorted(wanted))
        return
    decays = [decay for units, decay in errors if units == best]
    if set(DECAYS) <= set(decays) and errors[best, max(decays)] == min(errors[best, decay] for decay in decays):
        yield best, float(f"{1000 * max(decays):.0e}")
    yield from ((best, decay) for decay in DECAYS if decay not in decays)


def study(settings: Settings, *, console: Console) -> Results:
    """Measure the cells that are missing."""
    results = Results(settings.out, command=COMMAND)
    with settings.execution.opened() as executor:
        while cells := dict(_cells(results, settings.tasks)):
            run_cells(results, cells, executor=executor, report=console.print, console=console)
    return results


def _cells(results: Results, tasks: tuple[str, ...]) -> Iterator[tuple[str, Cell]]:
    for task in tasks:
        for units, decay in missing(results, task):
            yield f"{task}/{units}/{decay:g}", partial(_cell, task, units, decay)


def _cell(task: str, units: int, decay: float) -> dict[str, float]:
    error, seconds = JUDGES[task](network(units, decay))
    return {"error": error, "cpu_s": round(seconds, 1)}


def main(settings: Settings) -> None:
    """Run the study."""
    torch.set_num_threads(1)
    study(settings, console=Console())


if __name__ == "__main__":
    run(main, Settings, prog=COMMAND)
