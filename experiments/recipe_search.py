"""Search for a recipe: setting after setting, the best of a few values is kept, by the mean over several seeds."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import asdict, replace
from functools import partial
from typing import Any, TypeVar

import numpy as np
from rich.console import Console

from hnn_gym.studies import Results, run_cells

Recipe = TypeVar("Recipe", bound=Any)
Grid = Mapping[str, tuple[Any, ...]]
"""The candidates, setting after setting: values of a recipe's field, or of an entry of its ``arguments``."""


def climbed(
    name: str,
    first: Recipe,
    grid: Grid,
    earned: Callable[[Recipe, int], float],
    *,
    seeds: Sequence[int],
    results: Results,
    executor: Executor | None,
    console: Console,
) -> Recipe:
    """The recipe that the search ends at.

    Args:
        name: results are kept under ``tried/<name>/<recipe as JSON>/<seed>``, and the choice under ``chosen/<name>``.
        first: where the search begins, a frozen dataclass with JSON-ready fields.
        grid: the candidates.
        earned: returns what a recipe earns with a seed.
        seeds: of every candidate.
        results: what is in them is not measured again.
        executor: where candidates are measured; None: here.
        console: for reports.
    """
    recipe = first
    for setting, values in grid.items():
        candidates = [changed(recipe, setting, value) for value in values]
        keys = [
            [f"tried/{name}/{json.dumps(asdict(candidate), sort_keys=True)}/{seed}" for seed in seeds]
            for candidate in candidates
        ]
        cells = {
            key: partial(earned, candidate, seed)
            for candidate, of_seeds in zip(candidates, keys, strict=True)
            for key, seed in zip(of_seeds, seeds, strict=True)
        }
        run_cells(results, cells, executor=executor, console=console)
        means = [np.mean([results[key] for key in of_seeds]) for of_seeds in keys]
        for value, mean in zip(values, means, strict=True):
            console.print(name, setting, value, round(float(mean), 2))
        recipe = candidates[int(np.argmax(means))]
    chosen = json.loads(json.dumps(asdict(recipe)))
    if f"chosen/{name}" not in results or results[f"chosen/{name}"] != chosen:
        results[f"chosen/{name}"] = chosen
    return recipe


def changed(recipe: Recipe, name: str, value: Any) -> Recipe:
    """A recipe with another value of one field, or of one of the ``arguments`` of an algorithm."""
    if name in getattr(recipe, "arguments", {}):
        return replace(recipe, arguments={**recipe.arguments, name: value})
    return replace(recipe, **{name: value})
