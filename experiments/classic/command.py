"""The study from end to end; every result is written at once, so that a stopped run resumes where it was.

``--choose`` searches for the agents' recipes in dreams of recording 100, from the starts reset(seed=1000..1039), which
no published figure uses, by the return in the dream alone. :mod:`experiments.classic.tasks` holds what was chosen.
"""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import cache, partial
from itertools import product
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import torch
from rich.console import Console

from experiments.classic.figures import world_figures
from experiments.classic.model_free import MODEL_FREE, model_free_figures
from experiments.classic.page import page
from experiments.classic.tasks import TASKS, ClassicTask
from experiments.classic.twins import BUMPED, TIMED, bump_figures, force_figures, speed_figures, start_figures
from experiments.recipe_search import climbed
from experiments.shipped import learned, recorded
from hnn_gym.agents.evaluate import play_episodes
from hnn_gym.agents.transfer import dream_episodes
from hnn_gym.data import TransitionDataset, record_steps
from hnn_gym.data.policies import PolicyChoice
from hnn_gym.envs.build import build_simulator
from hnn_gym.errors import ConvergenceError, InputError
from hnn_gym.studies import Cell, Executing, Execution, Results, run_cells
from hnn_gym.worlds.world_model import WorldModel

LEARNERS = {"HNN": "HNN", "network": "Baseline"}
"""Contenders, and the recipes of twins by which they are learned."""
_FRESH_SEED = 10_000
_SEARCHED, _SEARCH_STARTS = 100, range(1000, 1040)


@dataclass(frozen=True)
class Settings:
    """Learn Gymnasium's own environments from seconds of experience, make agents in the learned ones, try them."""

    out: Path = Path("docs/results/classic.json")
    """JSON file; results in it are not measured again."""
    page: Path | None = Path("docs/classic.md")
    """Page for the tables; None: none."""
    environments: tuple[str, ...] = tuple(TASKS)
    """Ids of the real environments."""
    recordings: tuple[int, ...] = (0, 1, 2)
    """Seeds of the recordings, and of the agents."""
    learners: tuple[str, ...] = tuple(LEARNERS)
    """HNN, and the second-order network."""
    choose: bool = False
    """Search for the recipes of the agents, and measure nothing else."""
    starts: int = 100
    """Real episodes of every agent, from the starts reset(seed=0), reset(seed=1), ..."""
    model_free: tuple[int, ...] = (0, 1, 2)
    """Seeds of the agents that learn from the real environment; those that learn slowly take the first one alone."""
    unfinished: Path = Path("runs/classic")
    """Folder for trainings of these in progress, which resume from there."""
    execution: Executing = field(default_factory=Execution)


def study(settings: Settings, *, console: Console) -> Results:
    """Measure cell by cell.

    Raises:
        InputError: there is no such environment or contender here.
    """
    for names, known in ((settings.environments, TASKS), (settings.learners, LEARNERS)):
        unknown = [name for name in names if name not in known]
        if unknown:
            raise InputError(f"There is no {unknown[0]!r} here: choose from {', '.join(known)}.")
    results = Results(settings.out, command="python -m experiments.classic")
    if settings.choose:
        _choose(settings, results, console=console)
        return results
    cells: dict[str, Cell] = {}
    cells |= {f"bump/{env_id}": partial(bump_figures, env_id) for env_id in BUMPED if env_id in settings.environments}
    cells |= {f"speed/{env_id}": partial(speed_figures, env_id) for env_id in TIMED if env_id in settings.environments}
    cells |= {f"force/{env_id}": partial(force_figures, env_id) for env_id in settings.environments}
    cells |= {f"start/{env_id}": partial(start_figures, env_id) for env_id in settings.environments}
    for env_id in settings.environments:
        task = TASKS[env_id]
        for seed in settings.recordings:
            for learner in settings.learners:
                cells[f"world/{env_id}/{learner}/{seed}"] = partial(_world_cell, task, learner, seed)
                made = [agent for agent in task.agents if learner in agent.learners]
                for agent, stepping in product(made, steppings(task, learner)):
                    key = f"agent/{env_id}/{agent.name}/{learner}/{stepping}/{seed}"
                    cells[key] = partial(_agent_cell, task, agent.name, learner, stepping, seed, settings.starts)

    for (env_id, algorithm), measured in MODEL_FREE.items():
        for seed in settings.model_free[: measured.trainings] if env_id in settings.environments else ():
            cells[f"model-free/{env_id}/{algorithm}/{seed}"] = partial(
                model_free_figures, env_id, algorithm, seed, settings.starts, settings.unfinished
            )

    def report(key: str, measured: dict[str, Any]) -> None:
        console.print(key, _without_each(measured))

    with settings.execution.opened() as executor:
        run_cells(results, cells, executor=executor, report=report, console=console)
    return results


def steppings(task: ClassicTask, learner: str) -> tuple[str, ...]:
    """The ways of stepping a contender's world that differ."""
    twin = task.system.twins[LEARNERS[learner]]
    if learner != "HNN":
        return ("recorded",)
    return ("symplectic",) if twin.integrator is not None and twin.integrator.symplectic else ("symplectic", "recorded")


def main(settings: Settings) -> None:
    """Run the study."""
    torch.set_num_threads(1)
    console = Console()
    results = study(settings, console=console)
    if settings.page is not None:
        settings.page.write_text(page(results), encoding="utf-8")
        console.print(f"{settings.page} is written.")


@cache
def _world(task: ClassicTask, learner: str, seed: int) -> tuple[WorldModel, float]:
    """A learned world, and the CPU seconds that it took."""
    dataset = recorded(task.env_id, task.recording, seed)
    began = time.process_time()
    world = learned(task.system.twins[LEARNERS[learner]], dataset, seed=seed)
    return world, round(time.process_time() - began, 1)


def _world_cell(task: ClassicTask, learner: str, seed: int) -> dict[str, Any]:
    world, seconds = _world(task, learner, seed)
    return world_figures(world, _fresh(task)) | {"cpu_seconds": seconds}


@cache
def _fresh(task: ClassicTask) -> TransitionDataset:
    recording = task.recording
    with closing(gymnasium.make(task.env_id)) as env:
        policy = PolicyChoice(recording.policy, hold=recording.hold)
        dataset = record_steps(env, steps=task.fresh, seed=_FRESH_SEED, policy=policy)
    return dataset.select(range(dataset.num_episodes - 1))  # the last episode was cut


def _agent_cell(task: ClassicTask, name: str, learner: str, stepping: str, seed: int, starts: int) -> dict[str, Any]:
    """Make an agent in a world alone, and act in the real environment."""
    stepped = _stepped(task, learner, stepping, seed)
    simulator = build_simulator(stepped)
    agent = next(agent for agent in task.agents if agent.name == name)
    began, cpu = time.perf_counter(), time.process_time()
    try:
        policy = agent.policy(stepped, simulator, seed)
    except (ConvergenceError, InputError) as error:
        return {"failed": str(error)}
    wall, cpu = time.perf_counter() - began, time.process_time() - cpu
    episodes = play_episodes(policy, task.env_id, seeds=range(starts))
    returns = episodes.returns
    length = simulator.task.max_episode_steps or 1_000
    dream = dream_episodes(policy, simulator, episodes.observation[0], steps=length).returns
    return {
        "mean": _short(returns.mean()),
        "worst": _short(returns.min()),
        "dream": _short(dream.mean()),
        "wall_seconds": round(wall, 1),
        "cpu_seconds": round(cpu, 1),
        "each": [_short(value) for value in returns],
    }


def _stepped(task: ClassicTask, learner: str, stepping: str, seed: int) -> WorldModel:
    """A learned world that steps by this scheme, and by no other."""
    stepped = _world(task, learner, seed)[0].stepping(stepping)
    return replace(stepped, card={name: value for name, value in stepped.card.items() if name != "stepping"})


def _choose(settings: Settings, results: Results, *, console: Console) -> None:
    """Search for the recipes of all agents that have one, in the dream of the first contender they can be made in."""
    with settings.execution.opened() as executor:
        for env_id in settings.environments:
            task = TASKS[env_id]
            for agent in task.agents:
                if agent.first is not None:
                    climbed(
                        f"{env_id}/{agent.name}",
                        agent.first,
                        agent.candidates,
                        partial(_dreamt, env_id, agent.name),
                        seeds=(0,),
                        results=results,
                        executor=executor,
                        console=console,
                    )


def _dreamt(env_id: str, name: str, recipe: Any, seed: int) -> float:
    """The mean return in the dream that a recipe earns, stepped as the recording was."""
    task = TASKS[env_id]
    agent = next(agent for agent in task.agents if agent.name == name)
    world = _stepped(task, agent.learners[0], "recorded", _SEARCHED)
    simulator = build_simulator(world)
    policy = replace(agent, recipe=recipe).policy(world, simulator, seed)
    with closing(gymnasium.make(env_id)) as env:
        starts = np.array([env.reset(seed=start)[0] for start in _SEARCH_STARTS])
    length = simulator.task.max_episode_steps or 1_000
    return _short(dream_episodes(policy, simulator, starts, steps=length).returns.mean())


def _without_each(measured: dict[str, Any]) -> dict[str, Any]:
    """A cell without the returns of all starts."""
    return {
        name: _without_each(value) if isinstance(value, dict) else value
        for name, value in measured.items()
        if name != "each"
    }


def _short(value: Any) -> float:
    return float(f"{float(value):.6g}")
