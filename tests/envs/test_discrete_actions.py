"""Environments of whole-number actions: single, vector and stable-baselines3 shells take them and refuse others."""

from __future__ import annotations

import gymnasium
import numpy as np
import pytest
from gymnasium.spaces import Discrete, MultiDiscrete
from gymnasium.utils.env_checker import check_env
from stable_baselines3 import PPO

import hnn_gym
from hnn_gym.agents.scripted import Idle, RandomActions
from hnn_gym.agents.shac import train_shac
from hnn_gym.envs.build import build_simulator
from hnn_gym.errors import InputError
from hnn_gym.training import FitSettings, train_world
from hnn_gym.worlds.world_model import WorldModel

pytestmark = pytest.mark.filterwarnings("ignore:.*Box observation space m:UserWarning")  # Gymnasium's own bounds


@pytest.fixture(scope="module")
def car() -> WorldModel:
    """A world learned from MountainCar-v0, whose three actions push to the left, not at all, or to the right."""
    recording = hnn_gym.record_steps(gymnasium.make("MountainCar-v0"), steps=400, seed=0)
    settings = FitSettings(adam_steps=40, lbfgs_steps=40)
    return train_world(recording, "mechanical", settings=settings, options={"hidden": (8,)})


def test_a_learned_mountain_car_is_a_drop_in_for_the_real_one(car: WorldModel) -> None:
    env, real = gymnasium.make("HNN-v0", world_model=car), gymnasium.make("MountainCar-v0")
    assert env.action_space == Discrete(3)
    assert env.observation_space == real.observation_space
    check_env(env.unwrapped, skip_render_check=True)
    np.testing.assert_array_equal(env.reset(seed=7)[0], real.reset(seed=7)[0])
    for action in (2, np.int64(2), 0, 1):
        seen, reward, terminated, *_ = env.step(action)
        expected = real.step(int(action))
        assert (reward, terminated) == (expected[1], expected[2])
        np.testing.assert_allclose(seen, expected[0], atol=0.02)  # a world of few steps of training


def test_the_actions_push_as_their_rows_of_the_table_say(car: WorldModel) -> None:
    env = gymnasium.make("HNN-v0", world_model=car).unwrapped
    speeds = []
    for action in range(3):
        env.reset(seed=0)
        env.step(action)
        speeds.append(env.state[1])
    assert speeds[0] < speeds[1] < speeds[2]
    assert speeds[2] - speeds[1] == pytest.approx(speeds[1] - speeds[0], rel=1e-9)  # the table is -1, 0, 1


def test_a_vector_of_copies_moves_as_the_single_environment_does(car: WorldModel) -> None:
    envs = gymnasium.make_vec("HNN-v0", num_envs=3, world_model=car)
    env = gymnasium.make("HNN-v0", world_model=car)
    assert envs.action_space == MultiDiscrete([3, 3, 3])
    observations, _ = envs.reset(seed=11)
    np.testing.assert_array_equal(observations[0], env.reset(seed=11)[0])
    for actions in ([0, 1, 2], [2, 2, 2], [1, 0, 0]):
        observations = envs.step(np.array(actions))[0]
        np.testing.assert_allclose(observations[0], env.step(actions[0])[0], rtol=1e-6)


@pytest.mark.parametrize("bad", [3, -1, 0.5, [1], None, "1", np.nan])
def test_invalid_actions_are_refused_and_change_nothing(car: WorldModel, bad: object) -> None:
    env = gymnasium.make("HNN-v0", world_model=car).unwrapped
    env.reset(seed=0)
    before = env.state
    with pytest.raises(InputError, match="is not of Discrete"):
        env.step(bad)  # type: ignore[arg-type]
    np.testing.assert_array_equal(env.state, before)
    envs = gymnasium.make_vec("HNN-v0", num_envs=2, world_model=car)
    envs.reset(seed=0)
    with pytest.raises(InputError, match="is not of Discrete"):
        envs.step(np.array([0, 3]))


def test_bumps_work_beside_whole_numbers_and_a_force_with_a_bump_does_not(car: WorldModel) -> None:
    env = gymnasium.make("HNN-v0", world_model=car, actions="bump", bump_limit=1e-4)
    env.reset(seed=0)
    info = env.step(np.array([5e-5]))[-1]
    assert info["bump_realised"] == pytest.approx(5e-5, rel=1e-6)
    with pytest.raises(InputError, match="use actions='force' or actions='bump'"):
        gymnasium.make("HNN-v0", world_model=car, actions="force+bump")


def test_an_agent_of_stable_baselines3_learns_from_whole_numbers(car: WorldModel) -> None:
    envs = hnn_gym.make_sb3_vec("HNN-v0", 4, world_model=car)
    agent = PPO("MlpPolicy", envs, n_steps=8, batch_size=16, seed=0, device="cpu").learn(64)
    actions, _ = agent.predict(envs.reset())
    assert actions.shape == (4,)


def test_agents_and_gradients_say_what_they_can_do_with_whole_numbers(car: WorldModel) -> None:
    actions, _ = RandomActions(Discrete(3)).predict(np.zeros((50, 2)))
    assert set(actions.tolist()) == {0, 1, 2}
    with pytest.raises(InputError, match="means to do nothing"):
        Idle(Discrete(3))
    with pytest.raises(InputError, match="real numbers"):
        train_shac(build_simulator(car))
