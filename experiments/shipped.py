"""Train the worlds that ship with the package: ``python -m experiments.shipped [ids...]``.

Every world is learned from a recording of the true environment under random actions, by the recipe of its id; the
real pendulum from its film (``--data``). A world whose card names the very recipe and recording is kept as it is,
so that an interrupted run goes on with the next one.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Annotated, Any

import gymnasium
import torch
import tyro
from rich.console import Console

from experiments.real_pendulum_data import energy_mse, real_pendulum_transitions
from hnn_gym.checkpoint import read_checkpoint
from hnn_gym.command import run
from hnn_gym.data import TransitionDataset, record_steps
from hnn_gym.envs.shipped import WEIGHTS, resolve_world
from hnn_gym.errors import InputError
from hnn_gym.physics.integrators import ImplicitMidpoint, Integrator, Yoshida4
from hnn_gym.training import FitSettings, one_step_rms, train_world
from hnn_gym.worlds.world_model import WorldModel

_FRESH_SEED, _FRESH_EPISODES = 10_000, 20
REAL_PENDULUM = "RealPendulum"
"""The one system that is known from a film, not from an environment."""


@dataclass(frozen=True)
class Recording:
    """What is recorded of an environment under random actions.

    Attributes:
        env_id: the true environment.
        steps: transitions.
        episode_steps: an episode is cut after so many; None: as the environment does.
    """

    env_id: str
    steps: int
    episode_steps: int | None = None

    def record(self, *, seed: int) -> TransitionDataset:
        """Record it."""
        return _recorded(self, seed)

    def fresh(self) -> TransitionDataset:
        """Record 20 other episodes, to measure on."""
        return fresh_episodes(self.env_id, episode_steps=self.episode_steps)


@cache
def _recorded(recording: Recording, seed: int) -> TransitionDataset:
    with closing(gymnasium.make(recording.env_id, max_episode_steps=recording.episode_steps)) as env:
        return record_steps(env, steps=recording.steps, seed=seed)


@cache
def fresh_episodes(env_id: str = "Pendulum-v1", *, episode_steps: int | None = None) -> TransitionDataset:
    """Record 20 random-action episodes of a true environment that no world was trained on."""
    with closing(gymnasium.make(env_id, max_episode_steps=episode_steps)) as env:
        assert env.spec is not None
        steps = _FRESH_EPISODES * (env.spec.max_episode_steps or 0)
        dataset = record_steps(env, steps=steps, seed=_FRESH_SEED)
        return dataset.select(range(_FRESH_EPISODES))


@dataclass(frozen=True)
class WorldRecipe:
    """How a shipped world is made.

    Attributes:
        source: what it is learned from.
        model: a kind of model.
        fit: of the fit; the seed is set by the command.
        options: of the model.
        integrator: the scheme to learn through and to step with; None: the model's own.
    """

    source: Recording | str
    model: str
    fit: FitSettings = field(default_factory=FitSettings)
    options: Mapping[str, Any] = field(default_factory=dict)
    integrator: Integrator | None = None


_PENDULUM = Recording("Pendulum-v1", 2000)
_SPRING = Recording("Spring-v0", 1000)
_IDEAL = Recording("IdealPendulum-v0", 2000)
_TWO = Recording("TwoBody-v0", 5000)
_THREE = Recording("ThreeBody-v0", 8000, episode_steps=400)

RECIPES: dict[str, WorldRecipe] = {
    "HNNPendulum-v0": WorldRecipe(_PENDULUM, "mechanical"),
    "BaselinePendulum-v0": WorldRecipe(_PENDULUM, "baseline"),
    "HNNSpring-v0": WorldRecipe(_SPRING, "mechanical", options={"hidden": (16,)}, integrator=Yoshida4()),
    "BaselineSpring-v0": WorldRecipe(_SPRING, "baseline", options={"hidden": (64,)}),
    "HNNIdealPendulum-v0": WorldRecipe(_IDEAL, "mechanical", integrator=Yoshida4()),
    "BaselineIdealPendulum-v0": WorldRecipe(_IDEAL, "baseline"),
    "HNNTwoBody-v0": WorldRecipe(_TWO, "pairwise", integrator=resolve_world("TwoBody-v0").integrator),
    "BaselineTwoBody-v0": WorldRecipe(_TWO, "baseline", FitSettings(decay=1e-8)),
    "HNNThreeBody-v0": WorldRecipe(
        _THREE, "pairwise", FitSettings(lbfgs_steps=600), integrator=resolve_world("ThreeBody-v0").integrator
    ),
    "BaselineThreeBody-v0": WorldRecipe(_THREE, "baseline", FitSettings(decay=1e-6)),
    "HNNRealPendulum-v0": WorldRecipe(
        REAL_PENDULUM,
        "mechanical",
        FitSettings(loss="shooting", horizon=16, decay=1e-5, adam_steps=150, lbfgs_steps=200),
        options={"hidden": (8,), "damping": True},
        integrator=ImplicitMidpoint(),
    ),
    "BaselineRealPendulum-v0": WorldRecipe(
        REAL_PENDULUM,
        "baseline",
        FitSettings(loss="shooting", horizon=16, decay=1e-4, adam_steps=300, lbfgs_steps=300),
        options={"hidden": (32,), "known_port": True},
    ),
}
"""Every shipped world by the id of its environment. Both worlds of a system see the same recording. The decay of a
baseline is the one, of 1e-10, 1e-8, 1e-7 and for the bodies also 1e-6 and 1e-5, that predicts other episodes best."""


@dataclass(frozen=True)
class Settings:
    """Record the true environments under random actions, learn the shipped worlds from that, write their weights."""

    ids: Annotated[tuple[str, ...], tyro.conf.Positional] = tuple(RECIPES)
    """Which worlds to train."""
    data: Path | None = None
    """Path of the real pendulum's data, invar_datasets.zip; needed for its two worlds, and never shipped."""
    seed: int = 0
    """Seed of the recording and of the initial weights."""
    retrain: bool = False
    """Train worlds anew whose card names the same recipe and recording."""


def train(env_id: str, *, seed: int = 0, data: Path | None = None) -> WorldModel:
    """Learn the world of ``env_id`` by its recipe, with a card that tells command and figures.

    Raises:
        InputError: there is no recipe for it, or it needs ``data``.
    """
    recipe = _recipe(env_id)
    dataset, others, label = _data(recipe, seed=seed, data=data)
    world = train_world(
        dataset,
        recipe.model,
        settings=replace(recipe.fit, seed=seed),
        options=recipe.options,
        integrator=recipe.integrator,
    )
    figures = {**world.card["figures"], f"one_step_rms_on_{label}": one_step_rms(world, others)}
    if recipe.source == REAL_PENDULUM:
        figures[f"energy_mse_on_{label}"] = energy_mse(world, others)
    return replace(world, card={**world.card, "command": _command(env_id, recipe, seed), "figures": figures})


def _main(settings: Settings) -> None:
    torch.set_num_threads(1)
    console = Console()
    for env_id in settings.ids:
        _recipe(env_id)
    for env_id in settings.ids:
        recipe = _recipe(env_id)
        if recipe.source == REAL_PENDULUM and settings.data is None:
            console.print(f"{env_id}: left as it is, it needs --data invar_datasets.zip")
            continue
        if not settings.retrain and _is_made(env_id, seed=settings.seed, data=settings.data):
            console.print(f"{env_id}: made already")
            continue
        world = train(env_id, seed=settings.seed, data=settings.data)
        world.save(WEIGHTS / env_id, overwrite=True)
        console.print(env_id, world.card["figures"])


def _recipe(env_id: str) -> WorldRecipe:
    if env_id not in RECIPES:
        raise InputError(f"There is no shipped world {env_id!r}: choose from {', '.join(RECIPES)}.")
    return RECIPES[env_id]


def _data(recipe: WorldRecipe, *, seed: int, data: Path | None) -> tuple[TransitionDataset, TransitionDataset, str]:
    """What to learn from, what to measure on, and what to call that."""
    if isinstance(recipe.source, Recording):
        return recipe.source.record(seed=seed), recipe.source.fresh(), f"{_FRESH_EPISODES}_fresh_episodes"
    if data is None:
        raise InputError("The real pendulum's worlds need its data: give --data invar_datasets.zip.")
    return *real_pendulum_transitions(data), "the_last_fifth"


def _command(env_id: str, recipe: WorldRecipe, seed: int) -> str:
    data = "" if isinstance(recipe.source, Recording) else " --data invar_datasets.zip"
    return f"python -m experiments.shipped {env_id} --seed {seed} --retrain{data}"


def _is_made(env_id: str, *, seed: int, data: Path | None) -> bool:
    """Whether the weights there are come from this recipe and this recording."""
    recipe = _recipe(env_id)
    try:
        card, _ = read_checkpoint(WEIGHTS / env_id)
        provenance, model = card["provenance"], card["model"]
        settings = replace(recipe.fit, seed=seed)
        same_fit = FitSettings(**provenance["training"]["settings"]) == settings
        options = {name: list(value) if isinstance(value, tuple) else value for name, value in recipe.options.items()}
        same_model = model["kind"] == recipe.model and options.items() <= model.items()
        if not (same_fit and same_model and provenance["command"] == _command(env_id, recipe, seed)):
            return False
        return bool(provenance["data"]["sha256"] == _data(recipe, seed=seed, data=data)[0].content_hash())
    except (InputError, KeyError, TypeError):
        return False


if __name__ == "__main__":
    run(_main, Settings, prog="python -m experiments.shipped")
