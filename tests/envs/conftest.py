"""A small learned world on disk, and the ids of everything that is registered."""

from __future__ import annotations

from pathlib import Path

import gymnasium
import pytest

import hnn_gym
from hnn_gym import FitSettings


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A world learned from 60 transitions of the real pendulum in a moment."""
    path = tmp_path_factory.mktemp("worlds") / "pendulum"
    dataset = hnn_gym.record_steps(gymnasium.make("Pendulum-v1"), steps=60, seed=0)
    hnn_gym.learn(dataset, "mechanical", settings=FitSettings(adam_steps=50, lbfgs_steps=50)).save(path)
    return path
