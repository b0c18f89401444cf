"""A small learned world on disk, and all environments: the shipped ones, a checkpoint's, and a user's own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium
import pytest

import hnn_gym
from hnn_gym import FitSettings


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A world learned from 60 transitions of the real pendulum in a moment."""
    path = tmp_path_factory.mktemp("worlds") / "pendulum"
    dataset = hnn_gym.record_steps(gymnasium.make("Pendulum-v1"), steps=60, seed=0)
    hnn_gym.train_world(dataset, "mechanical", settings=FitSettings(adam_steps=50, lbfgs_steps=50)).save(path)
    return path


@pytest.fixture(scope="session")
def make(checkpoint: Path) -> Callable[..., Any]:
    """``gymnasium.make``, which also knows what a user adds: HNN-v0 with a checkpoint, and MyPendulum-v0."""

    def make(env_id: str, **kwargs: Any) -> Any:
        if env_id == "HNN-v0":
            kwargs = {"world_model": str(checkpoint)} | kwargs
        if env_id == "MyPendulum-v0" and env_id not in gymnasium.registry:
            hnn_gym.register(env_id, world_model=checkpoint)
        return gymnasium.make(env_id, **kwargs)

    return make
