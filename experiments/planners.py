"""Planners in worlds of a few seconds of experience: ``python -m experiments.planners``.

A world is learned from N random transitions of the real Pendulum-v1, for ten recordings each; a planner acts in the
real environment from the shared starts, imagining the learned world or, for comparison, the true one. ``loss`` is its
return with the true dynamics minus its return with the learned ones, start by start; ``regret`` is against the
optimum. It also measures how many decisions per second MPPI makes with 512 plans of 30 steps, on one thread.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console

from experiments.optimum import PLANNING, STARTS, best_returns, true_pendulum
from experiments.sample_efficiency.command import COMMAND as STUDY
from experiments.sample_efficiency.command import choice_key
from experiments.sample_efficiency.contenders import CONTENDERS, Choice, learned, recorded
from hnn_gym.agents.dynamic_programming import DynamicProgramming
from hnn_gym.agents.evaluate import Policy, episode_returns
from hnn_gym.agents.ilqr import Ilqr
from hnn_gym.agents.sampling import Cem, Mppi, SamplingPlanner
from hnn_gym.command import run
from hnn_gym.envs.core import Simulator
from hnn_gym.envs.shipped import resolve_world
from hnn_gym.errors import InputError
from hnn_gym.studies import Cell, Executing, Execution, Results, run_cells
from hnn_gym.systems import PendulumSwingUp

_EPISODE = 200


def with_value(simulator: Simulator) -> SamplingPlanner:
    """MPPI over five steps, with the values of backward induction in the same world at their end."""
    value = DynamicProgramming([simulator], steps=_EPISODE, grid=PLANNING).value
    return SamplingPlanner(simulator, horizon=5, samples=64, rule=Mppi(temperature=0.1), value=value)


PLANNERS: dict[str, Callable[[Simulator], Policy]] = {
    "MPPI": lambda simulator: SamplingPlanner(simulator, samples=256),
    "MPPI with a value function": with_value,
    "backward induction": lambda simulator: DynamicProgramming([simulator], steps=_EPISODE, grid=PLANNING),
    "CEM": lambda simulator: SamplingPlanner(simulator, samples=128, rule=Cem(), horizon=50),
    "iLQR": lambda simulator: Ilqr(simulator),
}


@dataclass(frozen=True)
class Settings:
    """Measure planners in learned worlds on the real Pendulum-v1."""

    out: Path = Path("docs/results/planners.json")
    """JSON file; results in it are not measured again."""
    optimum: Path = Path("docs/results/optimum.json")
    """JSON file of the best returns."""
    study: Path = Path("docs/results/sample_efficiency.json")
    """The study that chose how worlds are trained on clean data."""
    planners: tuple[str, ...] = ("backward induction", "MPPI with a value function", "MPPI")
    """Which planners, of "MPPI", "MPPI with a value function", "backward induction", "CEM" and "iLQR"."""
    transitions: tuple[int, ...] = (100, 50)
    """Real transitions to learn from."""
    seeds: tuple[int, ...] = tuple(range(10))
    """Of the recordings."""
    starts: tuple[int, ...] = STARTS
    """Seeds of the real environment."""
    execution: Executing = field(default_factory=Execution)


def measure(settings: Settings, *, console: Console) -> Results:
    """Measure every planner in the true world and in each learned one.

    Raises:
        InputError: the study has not chosen yet, or there is no such planner.
    """
    results = Results(settings.out, command="python -m experiments.planners")
    unknown = set(settings.planners) - set(PLANNERS)
    if unknown:
        raise InputError(f"There is no planner {sorted(unknown)[0]!r}: choose from {', '.join(PLANNERS)}.")
    if "choice" not in results:  # what is measured later belongs to the same worlds, whatever the study chooses then
        choices = Results(settings.study, command=STUDY)
        key = choice_key("HNN", 0.0, max(settings.transitions))
        if key not in choices:
            raise InputError(f"{settings.study} holds no choice for clean data: run {STUDY} first.")
        results["choice"] = choices[key]
    choice = Choice(**results["choice"])
    if "rate" not in results:
        results["rate"] = decision_rate()
    cells: dict[str, Cell] = {}
    for name in settings.planners:
        cells[f"returns/{name}/true"] = partial(_returns, name, true_pendulum, settings.starts)
        for steps in settings.transitions:
            for seed in settings.seeds:
                learner = partial(_learned, choice, steps, seed)
                cells[f"returns/{name}/{steps}/{seed}"] = partial(_returns, name, learner, settings.starts)
    with settings.execution.opened() as executor:
        run_cells(results, cells, executor=executor, console=console)
    return results


def _returns(name: str, simulator: Callable[[], Simulator], starts: tuple[int, ...]) -> list[float]:
    found: list[float] = episode_returns(PLANNERS[name](simulator()), "Pendulum-v1", seeds=starts).round(4).tolist()
    return found


def decision_rate(decisions: int = 200) -> dict[str, Any]:
    """Decisions per second of MPPI in the shipped world with 512 plans of 30 steps; the median of five runs."""
    planner = SamplingPlanner(Simulator(resolve_world("HNNPendulum-v0"), PendulumSwingUp()), horizon=30, samples=512)
    observation, plan = np.array([-1.0, 0.0, 0.0], np.float32), None
    rates = []
    for _ in range(5):
        began = time.perf_counter()
        for _ in range(decisions // 5):
            _, plan = planner.predict(observation, plan)
        rates.append(decisions // 5 / (time.perf_counter() - began))
    return {"samples": 512, "horizon": 30, "decisions_per_second_median": float(np.median(rates))}


def summary(results: Results, best: np.ndarray) -> list[dict[str, Any]]:
    """One row for each planner and number of transitions: mean, worst and all paired losses and regrets."""
    rows = []
    for name in PLANNERS:
        cells = results.below(f"returns/{name}/")
        true = cells.pop("true", None)
        if true is None:
            continue
        rows.append({"planner": name, "world": "true", "regret": [float(np.mean(best - true))]})
        for steps in sorted({cell.split("/")[0] for cell in cells}, key=int):
            returns = [np.array(value) for cell, value in cells.items() if cell.startswith(f"{steps}/")]
            rows.append(
                {
                    "planner": name,
                    "world": f"learned from {steps}",
                    "loss": [float(np.mean(true - value)) for value in returns],
                    "regret": [float(np.mean(best - value)) for value in returns],
                }
            )
    return rows


def _learned(choice: Choice, steps: int, seed: int) -> Simulator:
    dataset = recorded(0.0, steps=steps, seed=seed)
    (world,) = learned(CONTENDERS["HNN"], choice, dataset, noise=0.0, seed=seed)
    return Simulator(world, PendulumSwingUp())


def _main(settings: Settings) -> None:
    torch.set_num_threads(1)
    console = Console()
    results = measure(settings, console=console)
    for row in summary(results, best_returns(settings.optimum)):
        found = {name: row[name] for name in ("loss", "regret") if name in row}
        losses = {name: (round(np.mean(values), 2), round(max(values), 2)) for name, values in found.items()}
        console.print(row["planner"], row["world"], "mean and worst:", losses)
    console.print(results["rate"])


if __name__ == "__main__":
    run(_main, Settings, prog="python -m experiments.planners")
