"""A wrapped task keeps all that the wrapper does not override, whatever a Task may have."""

from __future__ import annotations

import copy
import pickle
from inspect import signature
from typing import Any

import gymnasium
import numpy as np
import pytest

from hnn_gym.coordinates import Coordinates, DegreeOfFreedom
from hnn_gym.envs import SimulatorVectorEnv
from hnn_gym.envs.tasks import BranchedTask, RewardedTask
from hnn_gym.envs.tasks.wrapper import TaskWrapper
from hnn_gym.systems import NumberedStarts, OrbitTransfer, PendulumSwingUp, SpringSweep

PUBLIC = [name for name in dir(NumberedStarts) if not name.startswith("_")]
PUBLIC += [name for name in NumberedStarts.__annotations__ if name not in PUBLIC]
PUBLIC += [name for name in NumberedStarts.__mro__[1].__annotations__ if name not in PUBLIC]


calls: list[Any] = []


def _method(name: str) -> Any:
    return lambda self, *arguments: calls.append((name, *arguments))


METHODS = {name for name in PUBLIC if callable(getattr(NumberedStarts, name, None))}
Odd = type("Odd", (NumberedStarts,), {name: _method(name) if name in METHODS else object() for name in PUBLIC})
"""A task whose every attribute is an object of its own, and whose methods note how they are called."""


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_attribute_of_a_task_is_delegated(name: str) -> None:
    odd = Odd()
    wrapped = getattr(TaskWrapper(odd), name)
    if name not in METHODS:
        assert wrapped is getattr(odd, name)
        return
    arguments = list(range(len(signature(getattr(NumberedStarts, name)).parameters) - 1))
    calls.clear()
    wrapped(*arguments)
    assert calls == [(name, *arguments)]


COORDINATES = Coordinates((DegreeOfFreedom(position=0, velocity=1),))


def _reward(seen: Any, force: Any, then: Any) -> Any:
    return then[..., 0]


@pytest.mark.parametrize(
    ("wrapper", "own"),
    [
        (lambda task: RewardedTask(task, COORDINATES, _reward), {"reward", "at"}),
        (lambda task: BranchedTask(task, COORDINATES, np.zeros((1, 2))), {"initial", "options"}),
    ],
)
def test_a_wrapper_of_ours_differs_in_one_thing(wrapper: Any, own: set[str]) -> None:
    kind = type(wrapper(SpringSweep()))
    assert own == {name for name in PUBLIC if name in vars(kind)}


def test_a_wrapped_task_can_be_copied_and_pickled() -> None:
    task = RewardedTask(OrbitTransfer(), COORDINATES, _reward)
    for twin in (copy.deepcopy(task), pickle.loads(pickle.dumps(task))):
        assert twin.masses == OrbitTransfer.masses
    with pytest.raises(AttributeError, match="nothing"):
        task.nothing  # noqa: B018


def test_a_moving_goal_stays_in_the_observation_under_a_reward_of_ones_own() -> None:
    task = RewardedTask(SpringSweep(), COORDINATES, _reward)
    env = gymnasium.make("Spring-v0", task=task, actions="bump", bump_limit=0.05)
    usual = gymnasium.make("SpringSweepBump-v0")
    np.testing.assert_array_equal(env.reset(seed=0)[0], usual.reset(seed=0)[0])
    observation, reward, *_ = env.step(np.zeros(1))
    np.testing.assert_array_equal(observation, usual.step(np.zeros(1))[0])
    assert reward == pytest.approx(observation[0], abs=1e-6)


def test_copies_under_a_reward_of_ones_own_draw_their_starts_ahead() -> None:
    envs = SimulatorVectorEnv("HNNPendulum-v0", num_envs=2, reward=_reward)
    assert isinstance(envs.batch._draws._numbered, PendulumSwingUp)
