"""The search for recipes on tiny settings: its results, its choice, and that the package uses it."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from experiments import recipes
from hnn_gym.agents.sb3 import RECIPES, AgentRecipe
from hnn_gym.errors import InputError
from hnn_gym.studies import Results
from hnn_gym.training import FitSettings, train_world

FEW = {"learning_starts": 20, "batch_size": 16, "buffer_size": 500, "gamma": 0.99}
TINY = recipes.Settings(algorithms=("td3",), transitions=40, seeds=(0, 1), starts=(1000,))
KEPT = Path(__file__).parents[2] / "docs" / "results" / "recipes.json"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recipes, "FIRST", {"td3": AgentRecipe(4, 40, 1e-3, exploration=0.2, arguments=FEW)})
    monkeypatch.setattr(recipes, "GRIDS", {"td3": {"gamma": (0.9, 0.99), "exploration": (0.1, 0.2)}})
    monkeypatch.setattr(recipes, "train_world", partial(train_world, settings=FitSettings(adam_steps=2, lbfgs_steps=0)))


def test_the_search_keeps_the_best_value_of_each_setting_and_resumes_where_it_was_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained: list[tuple[float, float | None, int]] = []
    limit = 3

    def trains(world: Any, algo: str, *, recipe: AgentRecipe, seed: int) -> tuple[float, float | None, int]:
        if len(trained) == limit:
            raise KeyboardInterrupt
        trained.append((recipe.arguments["gamma"], recipe.exploration, seed))
        return trained[-1]

    def returns(agent: tuple[float, float, int], env_id: str, **_: Any) -> np.ndarray:
        gamma, exploration, seed = agent
        return np.array([100 * gamma - exploration + seed])

    monkeypatch.setattr(recipes, "train_agent", trains)
    monkeypatch.setattr(recipes, "episode_returns", returns)
    settings = replace(TINY, out=tmp_path / "recipes.json")
    with pytest.raises(KeyboardInterrupt):
        recipes.search(settings, console=Console(quiet=True))
    limit = 100
    chosen = recipes.search(settings, console=Console(quiet=True))["td3"]
    gammas = [(0.9, 0.2, 0), (0.9, 0.2, 1), (0.99, 0.2, 0), (0.99, 0.2, 1)]
    assert trained == [*gammas, (0.99, 0.1, 0), (0.99, 0.1, 1)]  # nothing twice
    assert (chosen.arguments["gamma"], chosen.exploration) == (0.99, 0.1)


def test_it_trains_and_plays_in_the_dream(tmp_path: Path) -> None:
    settings = replace(TINY, out=tmp_path / "recipes.json", seeds=(0,))
    chosen = recipes.search(settings, console=Console(quiet=True))["td3"]
    tried = Results(settings.out, command="python -m experiments.recipes").below("tried/td3/")
    assert len(tried) == 3
    assert all(-2000 < earned < 0 for earned in tried.values())
    assert AgentRecipe(**Results(settings.out, command="python -m experiments.recipes")["chosen/td3"]) == chosen


def test_an_unknown_algorithm_is_named() -> None:
    with pytest.raises(InputError, match="no algorithm 'sac' here: choose from td3"):
        recipes.search(replace(TINY, out=None, algorithms=("sac",)), console=Console(quiet=True))


@pytest.mark.parametrize("algo", ["td3", "ppo"])
def test_the_recipes_of_the_package_are_the_chosen_ones(algo: str) -> None:
    assert AgentRecipe(**Results(KEPT, command="python -m experiments.recipes")[f"chosen/{algo}"]) == RECIPES[algo]
