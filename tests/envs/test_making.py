"""How a world becomes an environment, and what is refused on the way, naming the offender and the remedy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest

import hnn_gym
from hnn_gym import ConvergenceError, InputError, SimulatorEnv
from hnn_gym.envs.shipped import resolve_world
from hnn_gym.systems import PendulumSwingUp, SpringHold

Make = Callable[..., Any]


@pytest.mark.parametrize("env_id", ["HNN-v0", "MyPendulum-v0"])
def test_a_checkpoint_becomes_an_environment_that_is_truncated_as_its_task_says(make: Make, env_id: str) -> None:
    env = make(env_id)
    np.testing.assert_array_equal(env.reset(seed=4)[0], gymnasium.make("Pendulum-v1").reset(seed=4)[0])
    ends = [env.step(np.zeros(1, np.float32))[3] for _ in range(200)]
    assert ends == [False] * 199 + [True]


@pytest.mark.parametrize(("kwargs", "steps"), [({"max_episode_steps": 3}, 3), ({"episode_steps": 4}, 4)])
def test_the_length_of_a_checkpoints_episodes_can_be_changed(make: Make, kwargs: Any, steps: int) -> None:
    env = make("HNN-v0", **kwargs)
    env.reset(seed=0)
    assert [env.step(np.zeros(1, np.float32))[3] for _ in range(steps)] == [False] * (steps - 1) + [True]


def test_max_episode_steps_lengthens_the_episodes_of_an_id_of_ones_own(make: Make) -> None:
    env = make("MyPendulum-v0", max_episode_steps=250)
    env.reset(seed=0)
    assert [env.step(np.zeros(1, np.float32))[3] for _ in range(250)] == [False] * 249 + [True]


def test_a_checkpoints_episodes_can_be_endless(make: Make) -> None:
    env = make("HNN-v0", episode_steps=None)
    env.reset(seed=0)
    assert not any(env.step(np.zeros(1, np.float32))[3] for _ in range(300))


@pytest.mark.parametrize(
    ("env_id", "words"),
    [
        ("HNNPendulum-v0", "HNNPendulum-v0 is registered already: choose another id"),
        ("Pendulum-v1", "Pendulum-v1 is registered already"),
        ("no/such/id at all", "'no/such/id at all' cannot be registered: Malformed"),
        ("", "'' cannot be registered"),
        ("hnn_gym:Mine-v0", "'hnn_gym:Mine-v0' cannot be registered: choose an id such as 'MyWorld-v0'"),
        (3, "3 cannot be registered"),
    ],
)
def test_an_id_that_is_taken_or_malformed_is_refused(checkpoint: Path, env_id: Any, words: str) -> None:
    with pytest.raises(InputError, match=words):
        hnn_gym.register(env_id, world_model=checkpoint)


@pytest.mark.parametrize(
    ("kwargs", "words"),
    [
        ({"max_episode_steps": 0}, "max_episode_steps must be a whole number of at least 1, got 0"),
        ({"max_episode_steps": 2.5}, "max_episode_steps must be a whole number"),
        ({"reward": "swing up"}, r"reward must be a function f\(observation, force, next_observation\)"),
        ({"task": PendulumSwingUp}, r"task must be a Task of hnn_gym.envs, such as PendulumSwingUp\(\)"),
        ({"task": SpringHold()}, r"SpringHold is a task with observations \(2,\).* and this world has \(3,\)"),
        ({"task": PendulumSwingUp(), "reward": lambda *_: 0.0}, "either task or reward"),
    ],
)
def test_what_cannot_be_made_is_not_registered(checkpoint: Path, kwargs: Any, words: str) -> None:
    with pytest.raises(InputError, match=words):
        hnn_gym.register("MyMistake-v0", world_model=checkpoint, **kwargs)
    assert "MyMistake-v0" not in gymnasium.registry


@pytest.mark.parametrize("world_model", [None, 3, [3]])
def test_what_is_no_world_is_refused(world_model: Any) -> None:
    with pytest.raises(InputError, match=r"world_model must be a WorldModel, the id .*, or the path .*, not"):
        gymnasium.make("HNN-v0", world_model=world_model)


@pytest.mark.parametrize("make_one", [gymnasium.make, gymnasium.make_vec])
def test_a_missing_world_is_missed_by_name(make_one: Any) -> None:
    with pytest.raises(InputError, match="world_model must be"):
        make_one("HNN-v0")


def test_a_path_without_a_checkpoint_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"No checkpoint at .*nothing: `python -m hnn_gym.train` makes one"):
        gymnasium.make("HNN-v0", world_model=tmp_path / "nothing")
    with pytest.raises(InputError, match=r"has no world\.json"):
        gymnasium.make("HNN-v0", world_model=tmp_path)
    (tmp_path / "notes.txt").write_text("not a world")
    with pytest.raises(InputError, match="is a file, not a checkpoint folder"):
        gymnasium.make("HNN-v0", world_model=tmp_path / "notes.txt")


@pytest.mark.parametrize("name", ["weights.pt", "weights"])
def test_a_pickle_is_refused_and_never_loaded(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"\x80\x04K\x01.")
    with pytest.raises(InputError, match="pickle, which can execute code"):
        gymnasium.make("HNN-v0", world_model=tmp_path / name)


@pytest.mark.parametrize(
    ("kwargs", "words"),
    [
        ({"reward": 3}, "reward must be a function"),
        ({"task": 3}, "task must be a Task"),
        ({"task": "swing up"}, "no task 'swing up': the names are 'energy sweep'"),
        ({"task": "energy sweep"}, "give the task of this system"),
        ({"task": SpringHold()}, "give the task of this system"),
        ({"episode_steps": 0}, "episode_steps must be a whole number of at least 1, got 0"),
        ({"episode_steps": "all"}, "episode_steps must be a whole number of at least 1, got 'all'"),
        ({"actions": "push"}, "actions must be 'force', 'bump', .*, not 'push'"),
        ({"actions": "bump", "bump_limit": "much"}, "bump_limit > 0 J"),
        ({"render_mode": "ansi"}, r"render_mode 'ansi' is not supported here \(supported: human, rgb_array\)"),
    ],
)
@pytest.mark.filterwarnings("ignore:.*render_mode='ansi'")  # Gymnasium's own, on the way to ours
def test_what_cannot_be_made_is_refused(make: Make, kwargs: Any, words: str) -> None:
    for env_id in ("HNN-v0", "HNNPendulum-v0"):
        with pytest.raises(InputError, match=words):
            make(env_id, **kwargs)


@pytest.mark.parametrize("dt", [np.float32(0.025), np.int64(1), 1])
def test_a_time_step_may_be_any_real_number(make: Make, dt: Any) -> None:
    assert make("HNNPendulum-v0", dt=dt).unwrapped.dt == float(dt)


@pytest.mark.parametrize("answer", [None, np.zeros(1), np.zeros(3), "high", float("nan")])
def test_a_reward_that_is_not_one_number_is_refused_and_nothing_has_moved(make: Make, answer: Any) -> None:
    env = make("HNN-v0", reward=lambda *_: answer).unwrapped
    env.reset(seed=0)
    before = env.state
    with pytest.raises(InputError, match="The reward must be one number, and the function given for it returned"):
        env.step(np.zeros(1))
    np.testing.assert_array_equal(env.state, before)


def test_a_registered_path_may_be_a_path_object_and_its_spec_has_json(make: Make) -> None:
    spec = make("MyPendulum-v0").spec  # registered with one
    assert "pendulum" in spec.to_json()


@pytest.mark.filterwarnings("ignore:(overflow|invalid value) encountered:RuntimeWarning")  # NumPy's, before our error
def test_a_baseline_that_blows_up_raises_and_never_returns_nan() -> None:
    world = resolve_world("BaselineSpring-v0")
    parameters = {k: 1e307 * value if k == "field.w1" else value for k, value in (world.parameters or {}).items()}
    wild = replace(world, dynamics=world.architecture.build(parameters), parameters=parameters)  # type: ignore[union-attr]
    env = SimulatorEnv(wild, reward=lambda *_: 0.0)
    env.reset(seed=0)
    seen = list[Any]()
    words = r"left the finite numbers after \d+ steps, from state .*: reset it"
    with pytest.raises(ConvergenceError, match=words):
        seen.extend(env.step(np.ones(1)) for _ in range(100))
    assert 0 < len(seen) < 100
    assert not any(np.isnan(observation).any() for observation, *_ in seen)
    assert np.isfinite(env.state).all()
    assert np.isfinite(env.reset(seed=0)[0]).all()
