"""Making an environment of a world: invalid arguments are refused with the offender and the remedy."""

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


def _length(env: Any) -> int:
    """Steps until the episode is truncated."""
    env.reset(seed=0)
    count = 1
    while not np.all(env.step(np.zeros(env.action_space.shape, np.float32))[3]):
        count += 1
    return count


IDS = ["HNN-v0", "MyPendulum-v0", "HNNPendulum-v0", "Spring-v0", "NBody-v0", "HNNPixelPendulum-v0"]


@pytest.mark.parametrize("steps", [3, 250])
@pytest.mark.parametrize("env_id", IDS)
def test_max_episode_steps_shortens_and_lengthens_whatever_the_id(make: Make, env_id: str, steps: int) -> None:
    env = make(env_id, max_episode_steps=steps)
    assert _length(env) == steps
    assert env.spec.max_episode_steps == steps
    assert _length(gymnasium.make(env.spec)) == steps


@pytest.mark.parametrize("mode", ["vector_entry_point", "sync"])
@pytest.mark.parametrize("env_id", ["HNN-v0", "HNNPendulum-v0"])
def test_make_vec_takes_the_same_argument(checkpoint: Path, env_id: str, mode: str) -> None:
    for kwargs, steps in (({}, 200), ({"max_episode_steps": 3}, 3), ({"max_episode_steps": 250}, 250)):
        kwargs = kwargs | ({"world_model": str(checkpoint)} if env_id == "HNN-v0" else {})
        envs = gymnasium.make_vec(env_id, num_envs=2, vectorization_mode=mode, **kwargs)
        assert _length(envs) == steps
        if mode == "vector_entry_point":
            assert envs.spec.max_episode_steps == steps  # type: ignore[union-attr]


class _Short(PendulumSwingUp):
    max_episode_steps = 5


@pytest.mark.parametrize("env_id", ["HNN-v0", "HNNPendulum-v0"])
def test_the_length_is_that_of_the_task_unless_it_is_given(make: Make, env_id: str) -> None:
    assert _length(make(env_id, task=_Short())) == 5
    assert _length(make(env_id, task=_Short(), max_episode_steps=7)) == 7
    envs = gymnasium.make_vec("HNNPendulum-v0", 2, vectorization_mode="vector_entry_point", task=_Short())
    assert _length(envs) == 5


@pytest.mark.parametrize("steps", [0, -2, 2.5, True, "all"])
@pytest.mark.parametrize("env_id", IDS)
def test_a_length_that_is_not_a_number_of_steps_is_refused(make: Make, env_id: str, steps: Any) -> None:
    with pytest.raises(InputError, match="max_episode_steps must be a whole number of at least 1, got"):
        make(env_id, max_episode_steps=steps)


def test_an_environment_made_by_its_class_is_never_truncated() -> None:
    env = SimulatorEnv("HNNPendulum-v0")
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
def test_a_world_that_cannot_be_made_is_not_registered(checkpoint: Path, kwargs: Any, words: str) -> None:
    with pytest.raises(InputError, match=words):
        hnn_gym.register("MyMistake-v0", world_model=checkpoint, **kwargs)
    assert "MyMistake-v0" not in gymnasium.registry


@pytest.mark.parametrize("world_model", [3, [3]])
def test_an_argument_that_is_not_a_world_is_refused(world_model: Any) -> None:
    with pytest.raises(InputError, match=r"world_model must be a WorldModel, the id .*, or the path .*, not"):
        gymnasium.make("HNN-v0", world_model=world_model)


@pytest.mark.parametrize("make_one", [gymnasium.make, gymnasium.make_vec])
def test_a_missing_world_is_named(make_one: Any) -> None:
    with pytest.raises(InputError, match="needs a world"):
        make_one("HNN-v0")


def test_a_misspelt_id_is_answered_with_the_one_that_exists() -> None:
    with pytest.raises(InputError, match=r"no world with the id 'HNNPendulm-v0'.*did you mean HNNPendulum-v0\?"):
        gymnasium.make("HNN-v0", world_model="HNNPendulm-v0")
    with pytest.raises(InputError, match=r"no world with the id 'Mine-v3'.*`python -m hnn_gym.train` makes one"):
        gymnasium.make("HNN-v0", world_model="Mine-v3")


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
        ({"colour": "red"}, "colour: unknown here. The arguments are task, reward, .*dt, .*, starts, .*render_mode"),
        ({"dtype": "float32"}, "dtype belongs to gymnasium.make_vec and hnn_gym.make_sb3_vec"),
        ({"actions": "push"}, "actions must be 'force', 'bump', .*, not 'push'"),
        ({"actions": "bump", "bump_limit": "much"}, "bump_limit, in J, must be a finite number greater than 0"),
        ({"render_mode": "ansi"}, r"render_mode 'ansi' is not supported here \(supported: human, rgb_array\)"),
    ],
)
@pytest.mark.filterwarnings("ignore:.*render_mode='ansi'")  # Gymnasium's own, on the way to ours
def test_invalid_arguments_of_make_are_refused(make: Make, kwargs: Any, words: str) -> None:
    for env_id in ("HNN-v0", "HNNPendulum-v0"):
        with pytest.raises(InputError, match=words):
            make(env_id, **kwargs)


@pytest.mark.parametrize("dt", [np.float32(0.025), np.int64(1), 1])
def test_a_time_step_may_be_any_real_number(make: Make, dt: Any) -> None:
    assert make("HNNPendulum-v0", dt=dt).unwrapped.dt == float(dt)


ANSWERS = [None, ..., np.ones(1), np.zeros(3), "high", float("nan")]


@pytest.mark.parametrize("answer", ANSWERS)
def test_a_reward_that_is_not_one_number_is_refused_when_the_environment_is_made(make: Make, answer: Any) -> None:
    with pytest.raises(InputError, match=r"The reward must be one number, and the function .* returned .*: write it"):
        make("HNN-v0", reward=lambda *_: answer)


def test_a_reward_that_fails_is_refused_when_the_environment_is_made(make: Make) -> None:
    with pytest.raises(InputError, match=r"The reward fails on one state.*IndexError.*f\(observation, force, next_obs"):
        make("HNN-v0", reward=lambda seen, force, then: then[7])


@pytest.mark.parametrize("answer", ANSWERS)
def test_a_reward_that_later_is_not_one_number_is_refused_and_the_state_is_unchanged(make: Make, answer: Any) -> None:
    answers = [0.0]
    env = make("HNN-v0", reward=lambda *_: answers[0]).unwrapped
    env.reset(seed=0)
    env.step(np.zeros(1))
    before, answers[0] = env.state, answer
    with pytest.raises(InputError, match="The reward must be one number, and the function given for it returned"):
        env.step(np.zeros(1))
    np.testing.assert_array_equal(env.state, before)


def test_a_reward_may_return_a_python_float_for_a_single_state(make: Make) -> None:
    env = make("HNN-v0", reward=lambda seen, force, then: float(then[2]))
    env.reset(seed=0)
    observation, reward, *_ = env.step(np.zeros(1))
    assert reward == pytest.approx(observation[2], abs=1e-6)
    result = hnn_gym.counterfactual(env, np.zeros((5, 1)), bumps={2: 0.1})
    assert result.realised[2] == pytest.approx(0.1)
    with pytest.raises(
        InputError,
        match=r"The reward fails on 4 states at once.*so that it takes one state or many",
    ):
        gymnasium.make_vec("HNNPendulum-v0", 2, reward=lambda seen, force, then: float(then[2]))


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
    words = r"reached numbers that are not finite after \d+ steps, from state .*: reset it"
    with pytest.raises(ConvergenceError, match=words):
        seen.extend(env.step(np.ones(1)) for _ in range(100))
    assert 0 < len(seen) < 100
    assert not any(np.isnan(observation).any() for observation, *_ in seen)
    assert np.isfinite(env.state).all()
    assert np.isfinite(env.reset(seed=0)[0]).all()
