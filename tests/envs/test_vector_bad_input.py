"""Bad input to a batch of environments raises one clear error, and changes nothing."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import pytest
import torch

import hnn_gym
from hnn_gym import InputError


def _ours(count: int, **kwargs: Any) -> Any:
    return gymnasium.make_vec("HNNPendulum-v0", num_envs=count, vectorization_mode="vector_entry_point", **kwargs)


def _copy(array: Any) -> np.ndarray:
    return torch.as_tensor(array).numpy().copy()


@pytest.mark.parametrize(
    ("kwargs", "words"),
    [
        ({"num_envs": 0}, "num_envs must be at least 1, got 0"),
        ({"num_envs": -1}, "num_envs must be at least 1, got -1"),
        ({"num_envs": True}, "num_envs must be at least 1, got True"),
        ({"num_envs": "3"}, "num_envs must be at least 1, got '3'"),
        ({"num_envs": 10**7}, "num_envs must be at most 4,194,304, got 10,000,000"),
        ({"max_episode_steps": 0}, "max_episode_steps must be a whole number of at least 1, got 0"),
        ({"max_episode_steps": 2.5}, "max_episode_steps must be a whole number of at least 1, got 2.5"),
        ({"autoreset_mode": "sometimes"}, "no autoreset mode 'sometimes'"),
        ({"dt": -1.0}, "dt must be a positive"),
        ({"max_episode_steps": -2}, "max_episode_steps must be a whole number of at least 1, got -2"),
        ({"colour": "red"}, "colour: unknown here. The arguments are task, reward, .*dt, .*, num_envs, .*, device"),
        ({"render_mode": "human"}, "render_mode 'human' is not supported for many copies"),
    ],
)
def test_invalid_batches_are_refused(kwargs: Any, words: str) -> None:
    arguments = {"num_envs": 2} | kwargs
    with pytest.raises(InputError, match=words):
        gymnasium.make_vec("HNNPendulum-v0", vectorization_mode="vector_entry_point", **arguments)
    with pytest.raises(InputError, match=words):
        hnn_gym.make_sb3_vec("HNNPendulum-v0", **arguments)


def test_wrappers_around_single_copies_are_refused_where_there_are_none() -> None:
    with pytest.raises(gymnasium.error.Error, match="wrappers argument"):
        _ours(2, wrappers=[lambda env: env])
    with pytest.raises(InputError, match=r"cannot be made as a batch: .*wrappers argument"):
        hnn_gym.make_sb3_vec("HNNPendulum-v0", 2, wrappers=[lambda env: env])


BAD_ACTIONS: dict[str, tuple[Any, str]] = {
    "not finite": (np.array([[0.0], [np.nan], [0.0], [np.inf]]), r"environments \[1, 3\] are not finite"),
    "too few": (np.zeros((3, 1)), r"have shape \(3, 1\), and must have \(4, 1\)"),
    "flat": (np.zeros(4), r"have shape \(4,\), and must have \(4, 1\)"),
    "one number": (0.0, r"have shape \(\), and must have \(4, 1\)"),
    "complex": (np.zeros((4, 1), complex), "not an array of numbers but of dtype complex128"),
    "words": (np.full((4, 1), "1"), "not an array of numbers but of dtype <U1"),
    "objects": (np.full((4, 1), None), "not an array of numbers but of dtype object"),
    "dates": (np.zeros((4, 1), "datetime64[s]"), "not an array of numbers but of dtype datetime64"),
    "ragged": ([[0.0], [0.0, 1.0], [0.0], [0.0]], "not an array of numbers"),
    "nothing": (None, "None is not an array of numbers"),
    "complex tensor": (torch.zeros(4, 1, dtype=torch.complex64), r"not an array of numbers but of dtype .*complex64"),
    "tensor with a gradient": (torch.zeros(4, 1, requires_grad=True), "batch of actions"),
}


@pytest.mark.parametrize("device", [None, "cpu"])
@pytest.mark.parametrize("name", BAD_ACTIONS)
def test_bad_actions_are_refused_and_change_nothing(name: str, device: str | None) -> None:
    actions, words = BAD_ACTIONS[name]
    envs = _ours(4, device=device, max_episode_steps=2)
    idle = np.zeros((4, 1))
    with pytest.raises(InputError, match=r"call reset\(\) first"):
        envs.step(idle)
    envs.reset(seed=0)
    envs.step(idle)
    batch = envs.unwrapped.batch
    x, steps = _copy(batch.x), _copy(batch.steps)
    with pytest.raises(InputError, match=words):
        envs.step(actions)
    np.testing.assert_array_equal(_copy(batch.x), x)
    np.testing.assert_array_equal(_copy(batch.steps), steps)
    twin = _ours(4, device=device, max_episode_steps=2)
    twin.reset(seed=0)
    twin.step(idle)
    for _ in range(4):  # over the next episode's beginning: nothing was drawn either
        np.testing.assert_array_equal(_copy(envs.step(idle)[0]), _copy(twin.step(idle)[0]))


def test_actions_of_copies_that_restart_are_ignored() -> None:
    envs = _ours(3, max_episode_steps=1)
    envs.reset(seed=0)
    envs.step(np.zeros((3, 1)))
    observations, rewards, *_ = envs.step(np.array([[np.nan], [0.0], [np.inf]]))
    assert np.isfinite(observations).all()
    assert (rewards == 0).all()


@pytest.mark.parametrize(
    ("seed", "words"),
    [
        (-1, r"seeds of the environments \[0\] are not whole numbers from 0"),
        ([0, "one", 2], r"seeds of the environments \[1\]"),
        ([0, 1], "3 environments and 2 seeds"),
        (2.5, "seed must be a whole number from 0, or one for every copy, got 2.5"),
        (True, "seed must be a whole number from 0"),
        ("0", "seed must be a whole number from 0"),
    ],
)
def test_bad_seeds_are_refused_and_seed_nothing(seed: Any, words: str) -> None:
    envs, twin = _ours(3), _ours(3)
    for each in (envs, twin):
        each.reset(seed=7)
    with pytest.raises(InputError, match=words):
        envs.reset(seed=seed)
    np.testing.assert_array_equal(envs.reset()[0], twin.reset()[0])


@pytest.mark.parametrize("device", [None, "cpu"])
@pytest.mark.parametrize("reward", [lambda *_: 0.0, lambda *_: None, lambda seen, *_: seen, lambda seen, *_: seen[0]])
def test_rewards_that_are_not_one_for_each_copy_are_refused(reward: Any, device: str | None) -> None:
    with pytest.raises(InputError, match=r"must have the shape \(4,\).*observation\[\.\.\., 0\]"):
        _ours(4, reward=reward, device=device)
