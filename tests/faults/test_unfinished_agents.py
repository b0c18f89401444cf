"""An unfinished training of an agent is resumed only in the world in which it began, and only as it was written."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from stable_baselines3.common.callbacks import BaseCallback

import hnn_gym
from hnn_gym.agents.agent_checkpoint import BEGUN, CARD, UNFINISHED, complete_agent
from hnn_gym.agents.sb3 import AgentRecipe, train_agent
from hnn_gym.agents.shac import ShacSettings, train_shac
from hnn_gym.agents.shac_policy import ShacPolicy
from hnn_gym.envs.build import build_simulator
from hnn_gym.envs.shipped import resolve_world
from hnn_gym.errors import InputError
from hnn_gym.files.seal import sealed_bytes, unsealed_bytes
from hnn_gym.physics.integrators import Leapfrog

_SEAL = len(sealed_bytes(b""))
Train = Callable[..., Any]
SHAC = ShacSettings(updates=3, num_envs=2, window=2, critic_steps=1, hidden=(4,), dream=4)
PPO = AgentRecipe(2, 32, 1e-3, hidden=(4,), arguments={"n_steps": 8, "batch_size": 16, "n_epochs": 1})


class Kill(BaseCallback):
    """Interrupts a training of stable-baselines3 at its eighth step."""

    def _on_step(self) -> bool:
        if self.num_timesteps >= 8:
            raise KeyboardInterrupt
        return True


def by_shac(world: hnn_gym.WorldModel, folder: Path, *, kill: bool = False, **options: Any) -> Any:
    """Train by gradients; with ``kill``, only to the first report."""

    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    return train_shac(build_simulator(world, **options), SHAC, folder=folder, report=killed if kill else None)


def by_ppo(world: hnn_gym.WorldModel, folder: Path, *, kill: bool = False, **options: Any) -> Any:
    """Train by PPO; with ``kill``, only some steps."""
    callback = Kill() if kill else None
    return train_agent(world, "ppo", recipe=PPO, env_kwargs=options, folder=folder, callback=callback)


@pytest.fixture(params=[by_shac, by_ppo])
def train(request: pytest.FixtureRequest) -> Train:
    """The trainings that are saved in an agent's folder."""
    return request.param  # type: ignore[no-any-return]


@pytest.fixture
def begun(train: Train, tmp_path: Path) -> Path:
    """A folder with an interrupted training in the shipped world."""
    with pytest.raises(KeyboardInterrupt):
        train(resolve_world("HNNPendulum-v0"), tmp_path, kill=True)
    return tmp_path


def paying(observation: Any, force: Any, next_observation: Any) -> Any:
    """A reward of one's own."""
    return next_observation[..., 0]


def test_a_training_is_not_continued_in_another_world_or_for_another_reward(train: Train, begun: Path) -> None:
    world = resolve_world("HNNPendulum-v0")
    assert world.parameters is not None
    control = replace(world.coordinates.controls[0], limit=1.0)
    others = {
        "scheme": replace(world, integrator=Leapfrog()),
        "limit": replace(world, coordinates=replace(world.coordinates, controls=(control,))),
        "time step": world.with_dt(0.04),
        "weights": replace(world, parameters={name: value * 1.01 for name, value in world.parameters.items()}),
    }
    before = (begun / UNFINISHED).read_bytes()
    for what, other in others.items():
        with pytest.raises(InputError, match="other settings"):
            pytest.fail(f"continued with another {what}: {train(other, begun)}")
    with pytest.raises(InputError, match="other settings"):
        train(world, begun, reward=paying)
    assert (begun / UNFINISHED).read_bytes() == before
    train(world, begun)


def with_other_steps(content: bytes) -> bytes:
    """The same training, which claims to have done nothing yet."""
    if zipfile.ZipFile(io.BytesIO(content)).namelist()[0] != "about.json":
        saved = torch.load(io.BytesIO(content), weights_only=True)
        other = io.BytesIO()
        torch.save({**saved, "update": 0}, other)
        return other.getvalue()
    other = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as archive, zipfile.ZipFile(other, "w") as changed:
        for name in archive.namelist():
            data = archive.read(name)
            if name == "about.json":
                about = json.loads(data)
                data = json.dumps({**about, "counters": {**about["counters"], "steps": 0}}).encode()
            changed.writestr(name, data)
    return other.getvalue()


def test_a_state_of_a_training_that_was_changed_is_refused(train: Train, begun: Path) -> None:
    whole = (begun / UNFINISHED).read_bytes()
    content = unsealed_bytes(whole, UNFINISHED)
    (begun / UNFINISHED).write_bytes(with_other_steps(content) + whole[-_SEAL:])
    with pytest.raises(InputError, match="changed after it was written"):
        train(resolve_world("HNNPendulum-v0"), begun)
    (begun / UNFINISHED).write_bytes(whole)
    train(resolve_world("HNNPendulum-v0"), begun)


def test_what_a_kill_left_beside_an_agent_is_removed_and_its_numbers_take_their_place(tmp_path: Path) -> None:
    policy = by_shac(resolve_world("HNNPendulum-v0"), tmp_path)
    policy.save(tmp_path)
    numbers = tmp_path / json.loads((tmp_path / CARD).read_text())["file"]
    numbers.rename(f"{numbers}.next")  # killed after the card and before this
    for name in (UNFINISHED, f"{UNFINISHED}.partial", BEGUN):
        (tmp_path / name).write_bytes(b"left")
    (tmp_path / ".transfer.partial").mkdir()  # of a report, whose writer removes it
    complete_agent(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted((".transfer.partial", CARD, numbers.name))
    observation = np.array([[1.0, 0.0, 0.5]])
    np.testing.assert_array_equal(ShacPolicy.load(tmp_path).predict(observation)[0], policy.predict(observation)[0])
