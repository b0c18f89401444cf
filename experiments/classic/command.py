"""The study from end to end; every result is written at once, so that a stopped run resumes where it was.

The agents' settings were chosen in dreams of recording 100, which no published figure uses, by the return in the dream
alone: ``--recordings 100`` measures those dreams too.
"""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import torch
from rich.console import Console

from experiments.classic.figures import world_figures
from experiments.classic.page import page
from experiments.classic.tasks import TASKS, ClassicTask
from experiments.results import Results
from experiments.shipped import learned, recorded
from hnn_gym.agents.evaluate import play_episodes
from hnn_gym.agents.transfer import dream_episodes
from hnn_gym.data import TransitionDataset, record_steps
from hnn_gym.data.policies import PolicyChoice
from hnn_gym.envs.build import build_simulator
from hnn_gym.errors import ConvergenceError, InputError
from hnn_gym.worlds.world_model import WorldModel

LEARNERS = {"HNN": "HNN", "network": "Baseline"}
"""Contenders, and the recipes of twins by which they are learned."""
_FRESH_SEED = 10_000


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
    starts: int = 100
    """Real episodes of every agent, from the starts reset(seed=0), reset(seed=1), ..."""


def study(settings: Settings, *, console: Console) -> Results:
    """Measure cell by cell.

    Raises:
        InputError: there is no such environment or contender here.
    """
    for names, known in ((settings.environments, TASKS), (settings.learners, LEARNERS)):
        unknown = [name for name in names if name not in known]
        if unknown:
            raise InputError(f"There is no {unknown[0]!r} here: choose from {', '.join(known)}.")
    results = Results(settings.out, experiment="classic")
    for env_id in settings.environments:
        for seed in settings.recordings:
            for learner in settings.learners:
                _cells(results, TASKS[env_id], learner, seed, settings, console)
    return results


def main(settings: Settings) -> None:
    """Run the study."""
    torch.set_num_threads(1)
    console = Console()
    results = study(settings, console=console)
    if settings.page is not None:
        settings.page.write_text(page(results), encoding="utf-8")
        console.print(f"{settings.page} is written.")


def _cells(results: Results, task: ClassicTask, learner: str, seed: int, settings: Settings, console: Console) -> None:
    """The cells of one recording and one contender: its world, and an agent for each way of stepping it."""
    world_key = f"world/{task.env_id}/{learner}/{seed}"
    steppings = ("symplectic", "recorded") if learner == "HNN" else ("recorded",)
    keys = {stepping: f"agent/{task.env_id}/{learner}/{stepping}/{seed}" for stepping in steppings}
    if world_key in results and all(key in results for key in keys.values()):
        return
    dataset = recorded(task.env_id, task.recording, seed)
    began = time.process_time()
    world = learned(task.system.twins[LEARNERS[learner]], dataset, seed=seed)
    seconds = time.process_time() - began
    if world_key not in results:
        results[world_key] = world_figures(world, _fresh(task)) | {"cpu_seconds": round(seconds, 1)}
        console.print(world_key, results[world_key])
    for stepping, key in keys.items():
        same = stepping == "recorded" and learner == "HNN" and _steps_alike(world)
        if key not in results:
            results[key] = results[keys["symplectic"]] if same else _agent(task, world, stepping, seed, settings)
            console.print(key, {name: value for name, value in results[key].items() if name != "each"})


def _steps_alike(world: WorldModel) -> bool:
    """Whether the scheme of the recording is the symplectic one."""
    return world.stepping("symplectic").integrator == world.stepping("recorded").integrator


@cache
def _fresh(task: ClassicTask) -> TransitionDataset:
    recording = task.recording
    with closing(gymnasium.make(task.env_id)) as env:
        policy = PolicyChoice(recording.policy, hold=recording.hold)
        dataset = record_steps(env, steps=task.fresh, seed=_FRESH_SEED, policy=policy)
    return dataset.select(range(dataset.num_episodes - 1))  # the last episode was cut


def _agent(task: ClassicTask, world: WorldModel, stepping: str, seed: int, settings: Settings) -> dict[str, Any]:
    """Make an agent in a world alone, and act in the real environment."""
    stepped = world.stepping(stepping)
    card = {name: value for name, value in stepped.card.items() if name != "stepping"}  # this scheme, and no other
    stepped = replace(stepped, card=card)
    simulator = build_simulator(stepped)
    began, cpu = time.perf_counter(), time.process_time()
    try:
        policy = task.make(stepped, simulator, seed)
    except (ConvergenceError, InputError) as error:
        return {"failed": str(error)}
    wall, cpu = time.perf_counter() - began, time.process_time() - cpu
    episodes = play_episodes(policy, task.env_id, seeds=range(settings.starts))
    returns = episodes.returns
    length = simulator.task.max_episode_steps or 1_000
    dream = dream_episodes(policy, simulator, episodes.observation[0], steps=length).returns
    reached = float(np.mean(returns >= task.bar))
    return {
        "mean": _short(returns.mean()),
        "worst": _short(returns.min()),
        "share_at_bar": round(reached, 4),
        "dream": _short(dream.mean()),
        "wall_seconds": round(wall, 1),
        "cpu_seconds": round(cpu, 1),
        "each": [_short(value) for value in returns],
    }


def _short(value: Any) -> float:
    return float(f"{float(value):.6g}")
