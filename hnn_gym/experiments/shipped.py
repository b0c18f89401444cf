"""Train the worlds that ship with the package: ``python -m hnn_gym.experiments.shipped``."""

from __future__ import annotations

from dataclasses import dataclass, replace

import gymnasium
import torch
from rich.console import Console

from hnn_gym.command import run
from hnn_gym.data import TransitionDataset, record_steps
from hnn_gym.envs.shipped import WEIGHTS
from hnn_gym.training import FitSettings, learn, one_step_rms

WORLDS = {"HNNPendulum-v0": "mechanical", "BaselinePendulum-v0": "baseline"}
_FRESH_SEED, _FRESH_EPISODES = 10_000, 20


@dataclass(frozen=True)
class Settings:
    """Record Pendulum-v1 under random torque, learn the shipped worlds from it, and write their weights."""

    steps: int = 2000
    """Real transitions to learn from."""
    seed: int = 0
    """Seed of the recording and of the initial weights."""


def fresh_episodes() -> TransitionDataset:
    """Return 20 random-torque episodes of the real pendulum that no world was trained on."""
    return record_steps(gymnasium.make("Pendulum-v1"), steps=200 * _FRESH_EPISODES, seed=_FRESH_SEED)


def _main(settings: Settings) -> None:
    torch.set_num_threads(1)
    dataset = record_steps(gymnasium.make("Pendulum-v1"), steps=settings.steps, seed=settings.seed)
    fresh = fresh_episodes()
    for env_id, model in WORLDS.items():
        world = learn(dataset, model, settings=FitSettings(seed=settings.seed))
        figures = {**world.card["figures"], "one_step_rms_on_20_fresh_episodes": one_step_rms(world, fresh)}
        command = f"python -m hnn_gym.experiments.shipped --steps {settings.steps} --seed {settings.seed}"
        world = replace(world, card={**world.card, "command": command, "figures": figures})
        world.save(WEIGHTS / env_id, overwrite=True)
        Console().print(env_id, figures)


if __name__ == "__main__":
    run(_main, Settings, prog="python -m hnn_gym.experiments.shipped")
