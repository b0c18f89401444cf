"""The way from a recording to an agent, with whatever versions are installed: .ci/run repeats it with the oldest."""

from __future__ import annotations

from pathlib import Path

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from stable_baselines3.common.env_checker import check_env as check_for_sb3

import hnn_gym
from hnn_gym.agents.evaluate import episode_returns
from hnn_gym.agents.sb3 import AgentRecipe, load_sb3_agent, save_agent, train_agent
from hnn_gym.collect import CollectSettings, collect
from hnn_gym.train import TrainSettings, train


@pytest.mark.filterwarnings("ignore::UserWarning")  # the checkers recommend normalised spaces
def test_a_recording_becomes_a_world_an_environment_and_an_agent(tmp_path: Path) -> None:
    data = collect(CollectSettings(env="Pendulum-v1", steps=200, out=tmp_path / "data.zarr"))
    assert data.transitions().observation.shape == (200, 3)
    fit = hnn_gym.FitSettings(adam_steps=20, lbfgs_steps=30)
    train(TrainSettings(tmp_path / "data.zarr", out=tmp_path / "world", model="mechanical", hidden=(8,), fit=fit))

    env = gymnasium.make("HNN-v0", world_model=str(tmp_path / "world"), render_mode="rgb_array")
    env.reset(seed=0)
    assert np.asarray(env.render()).ndim == 3
    check_env(env.unwrapped, skip_render_check=True)
    check_for_sb3(env, warn=False)

    envs = gymnasium.make_vec("HNN-v0", num_envs=3, world_model=str(tmp_path / "world"))
    one, _ = gymnasium.make("HNN-v0", world_model=str(tmp_path / "world")).reset(seed=0)
    np.testing.assert_array_equal(envs.reset(seed=0)[0][0], one)
    assert envs.step(envs.action_space.sample())[0].shape == (3, 3)

    recipe = AgentRecipe(2, 64, 1e-3, hidden=(8,), arguments={"n_steps": 16, "batch_size": 16})
    agent = train_agent(str(tmp_path / "world"), "ppo", recipe=recipe)
    save_agent(tmp_path / "agent", agent, algo="ppo", recipe=recipe)
    loaded = load_sb3_agent(tmp_path / "agent")
    returns = episode_returns(loaded, "Pendulum-v1", seeds=range(2))
    assert returns.shape == (2,)
    assert np.isfinite(returns).all()
