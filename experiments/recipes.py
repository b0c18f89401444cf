"""The choice of recipes for TD3 and PPO in a dream: ``python -m experiments.recipes``.

Setting after setting, the best of a few values is kept, by the return *in the dream*: in a world learned from 200 real
transitions of recording 100, with episodes from the starts reset(seed=1000..1039), as the mean over three trainings.
No published figure uses this recording or these starts, and no real return influences the choice. All candidates take
the same number of dreamt steps. The result is in :data:`hnn_gym.agents.sb3.RECIPES`; :mod:`experiments.transfer`
measures it in reality.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Any

import gymnasium
import torch
from rich.console import Console

from experiments.recipe_search import climbed
from hnn_gym.agents.evaluate import episode_returns
from hnn_gym.agents.sb3 import AgentRecipe, train_agent
from hnn_gym.command import run
from hnn_gym.data import record_steps
from hnn_gym.errors import InputError
from hnn_gym.studies import Executing, Execution, Results
from hnn_gym.training import train_world
from hnn_gym.worlds.world_model import WorldModel

_OFF_POLICY = {"tau": 0.01, "batch_size": 512, "train_freq": 1, "gradient_steps": 8}
_OFF_POLICY |= {"buffer_size": 200_000, "learning_starts": 1_600}
_ON_POLICY = {"n_steps": 32, "batch_size": 1024, "n_epochs": 8, "gae_lambda": 0.95}
FIRST: Mapping[str, AgentRecipe] = {
    "td3": AgentRecipe(32, 48_000, 1e-3, exploration=0.2, arguments=_OFF_POLICY | {"gamma": 0.99}),
    "ppo": AgentRecipe(256, 1_000_000, 1e-3, arguments=_ON_POLICY | {"gamma": 0.95}),
}
"""The first recipes of the search."""
GRIDS: Mapping[str, Mapping[str, tuple[Any, ...]]] = {
    "td3": {
        "gamma": (0.95, 0.98, 0.99),
        "learning_rate": (5e-4, 1e-3, 2e-3),
        "exploration": (0.1, 0.2, 0.4),
        "tau": (0.005, 0.01, 0.02),
        "hidden": ((64, 64), (128, 128)),
    },
    "ppo": {
        "gamma": (0.9, 0.95, 0.98),
        "learning_rate": (5e-4, 1e-3, 2e-3),
        "n_epochs": (8, 16),
        "batch_size": (512, 1024, 2048),
        "gae_lambda": (0.9, 0.95),
    },
}
"""The candidates in this order: fields of a recipe, or arguments of the algorithm."""


@dataclass(frozen=True)
class Settings:
    """Choose the recipes of agents by their returns in a dream."""

    out: Path | None = Path("docs/results/recipes.json")
    """JSON file; results in it are not measured again. None: keep nothing."""
    algorithms: tuple[str, ...] = tuple(FIRST)
    """Whose recipes."""
    recording: int = 100
    """Seed of the recording that the world is learned from."""
    transitions: int = 200
    """Real transitions from which a world is learned."""
    seeds: tuple[int, ...] = (0, 1, 2)
    """One training each of every candidate."""
    starts: tuple[int, ...] = tuple(range(1000, 1040))
    """Seeds of the episodes by which candidates are judged."""
    execution: Executing = field(default_factory=Execution)


def search(settings: Settings, *, console: Console) -> dict[str, AgentRecipe]:
    """Measure the candidates that are missing in the results, and choose a recipe for every algorithm.

    Raises:
        InputError: there is no such algorithm here.
    """
    unknown = [algo for algo in settings.algorithms if algo not in FIRST]
    if unknown:
        raise InputError(f"There is no algorithm {unknown[0]!r} here: choose from {', '.join(FIRST)}.")
    results = Results(settings.out, command="python -m experiments.recipes")
    with settings.execution.opened() as executor:
        return {
            algo: climbed(
                algo,
                FIRST[algo],
                GRIDS[algo],
                partial(_earned, settings, algo),
                seeds=settings.seeds,
                results=results,
                executor=executor,
                console=console,
            )
            for algo in settings.algorithms
        }


def _earned(settings: Settings, algo: str, recipe: AgentRecipe, seed: int) -> float:
    """Mean return in the dream of one training."""
    world = _world(settings.transitions, settings.recording)
    agent = train_agent(world, algo, recipe=recipe, seed=seed)
    returns = episode_returns(agent, "HNN-v0", seeds=settings.starts, env_kwargs={"world_model": world})
    return round(float(returns.mean()), 3)


@cache
def _world(transitions: int, recording: int) -> WorldModel:
    dataset = record_steps(gymnasium.make("Pendulum-v1"), steps=transitions, seed=recording)
    return train_world(dataset, "mechanical")


def _main(settings: Settings) -> None:
    torch.set_num_threads(1)
    console = Console()
    for algo, recipe in search(settings, console=console).items():
        console.print(algo, recipe)


if __name__ == "__main__":
    run(_main, Settings, prog="python -m experiments.recipes")
