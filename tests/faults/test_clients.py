"""What libraries of others ask of an environment: copies, pictures, dtypes, attributes, and errors of their kinds."""

from __future__ import annotations

import copy
import pickle
import warnings
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from stable_baselines3.common.env_checker import check_env as check_for_sb3
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.monitor import Monitor

import hnn_gym
from hnn_gym.errors import InputError

ID = "HNNPendulum-v0"


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda envs: pickle.loads(pickle.dumps(envs))])
@pytest.mark.parametrize("env_id", [ID, "SpringSweepBump-v0"])
@pytest.mark.parametrize("steps", [0, 3])
def test_a_copy_of_a_batch_goes_on_as_the_batch_does(copied: Any, env_id: str, steps: int) -> None:
    envs = gymnasium.make_vec(env_id, 3, max_episode_steps=5)
    envs.reset(seed=0)
    envs.action_space.seed(0)
    actions = [envs.action_space.sample() for _ in range(12)]
    for action in actions[:steps]:
        envs.step(action)
    other = copied(envs.unwrapped)
    for action in actions[steps:]:
        for one, two in zip(envs.step(action)[:4], other.step(action)[:4], strict=True):
            np.testing.assert_array_equal(one, two)


def test_a_copy_of_a_batch_for_stable_baselines3_goes_on_as_the_batch_does() -> None:
    envs = hnn_gym.make_sb3_vec(ID, 2, seed=0, draws=True)
    envs.reset()
    envs.get_images()
    other = copy.deepcopy(envs)
    np.testing.assert_array_equal(envs.step(np.ones((2, 1)))[0], other.step(np.ones((2, 1)))[0])


def test_a_batch_draws_every_copy_as_the_single_environment_is_drawn() -> None:
    envs = gymnasium.make_vec(ID, 2, render_mode="rgb_array")
    one = gymnasium.make(ID, render_mode="rgb_array")
    envs.reset(seed=0)
    one.reset(seed=0)
    envs.step(np.full((2, 1), 2.0))
    one.step(np.array([2.0]))
    pictures = envs.render()
    assert len(pictures) == 2
    np.testing.assert_array_equal(pictures[0], one.render())
    assert (pictures[0] != pictures[1]).any()
    envs.close()
    with pytest.raises(InputError, match="render_mode 'human'"):
        gymnasium.make_vec(ID, 2, render_mode="human")


def test_gymnasiums_recorder_films_a_batch(tmp_path: Path) -> None:
    pytest.importorskip("moviepy")
    envs = gymnasium.make_vec(ID, 2, render_mode="rgb_array")
    envs = gymnasium.wrappers.vector.RecordVideo(envs, str(tmp_path), video_length=2)
    envs.reset(seed=0)
    for _ in range(4):
        envs.step(envs.action_space.sample())
    envs.close()
    assert list(tmp_path.glob("*.mp4"))


def test_an_id_without_its_world_raises_gymnasiums_own_error() -> None:
    for make in (gymnasium.make, gymnasium.make_vec):
        with pytest.raises(gymnasium.error.MissingArgument, match="needs a world"):
            make("HNN-v0")
        with pytest.raises(InputError, match="needs a world"):
            make("HNN-v0")


def test_attributes_can_be_asked_for_before_the_first_reset() -> None:
    env = gymnasium.make(ID)
    assert not hasattr(env.unwrapped, "state")
    with pytest.raises(gymnasium.error.ResetNeeded):
        env.unwrapped.step(np.zeros(1))
    with pytest.raises(InputError, match="reset"):
        env.unwrapped.step(np.zeros(1))
    env.reset(seed=0)
    assert hasattr(env.unwrapped, "state")


def test_a_batch_says_when_its_copies_begin_again() -> None:
    mode = gymnasium.vector.AutoresetMode.SAME_STEP
    envs = gymnasium.make_vec(ID, 2, autoreset_mode=mode).unwrapped
    assert envs.autoreset_mode == envs.metadata["autoreset_mode"] == mode


@pytest.mark.parametrize("env_id", [ID, "TwoBody-v0", "SpringBump-v0"])
def test_every_number_of_an_info_has_a_dtype_and_truth_values_are_those_of_python(env_id: str) -> None:
    env = gymnasium.make(env_id)
    _, info = env.reset(seed=0)
    for _ in range(2):
        assert info
        for value in info.values():
            assert type(value) in (np.float64, bool)
        *_, info = env.step(env.action_space.sample())


@pytest.mark.parametrize("make", [gymnasium.make, lambda env_id, **kwargs: gymnasium.make_vec(env_id, 1, **kwargs)])
def test_minus_one_asks_for_episodes_without_an_end(make: Any) -> None:
    env = make("Spring-v0", max_episode_steps=-1)
    env.reset(seed=0)
    limit = gymnasium.make("Spring-v0").unwrapped.task.max_episode_steps
    assert not any(np.any(env.step(env.action_space.sample())[3]) for _ in range(limit + 5))
    for wrong in (-2, 0, 1.5):
        with pytest.raises(InputError, match="max_episode_steps"):
            make("Spring-v0", max_episode_steps=wrong)


def test_stable_baselines3_takes_episodes_of_a_batch_as_monitored() -> None:
    envs = hnn_gym.make_sb3_vec(ID, 2, seed=0)
    assert envs.env_is_wrapped(Monitor) == [True, True]
    assert envs.get_attr("spec")[0].id == ID

    class Still:
        def predict(self, observation: Any, **_: Any) -> Any:
            return np.zeros((len(observation), 1), np.float32), None

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        mean, _ = evaluate_policy(Still(), envs, n_eval_episodes=2)
    assert mean < 0


def test_arguments_of_the_real_environment_are_understood_or_refused_in_words() -> None:
    env = gymnasium.make(ID)
    observation, _ = env.reset(seed=0, options={"x_init": 0.01, "y_init": 0.01})
    assert observation[0] > 0.9
    with pytest.raises(InputError, match="g: unknown here"):
        gymnasium.make(ID, g=9.81)
    with pytest.raises(TypeError, match="unexpected keyword argument 'frameskip'"):  # what TorchRL tries, and catches
        gymnasium.make(ID, frameskip=1)
    with pytest.raises(InputError, match="vector"):
        hnn_gym.RecordTransitions(gymnasium.make_vec(ID, 2), "nowhere.zarr")  # type: ignore[arg-type]


@pytest.mark.filterwarnings("ignore::UserWarning")  # the checkers recommend finite and normalised spaces
@pytest.mark.parametrize("env_id", [ID, "SpringBump-v0", "HNNPixelPendulum-v0"])
def test_the_checkers_of_gymnasium_and_stable_baselines3_pass(env_id: str) -> None:
    check_env(gymnasium.make(env_id, render_mode="rgb_array").unwrapped, skip_render_check=False)
    check_for_sb3(gymnasium.make(env_id), warn=False)
