"""Entry points of the environments in Gymnasium's registry, and the registration of a user's own worlds."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import gymnasium
import numpy as np

from hnn_gym.envs.build import WorldSource, build_simulator
from hnn_gym.envs.checks import check_steps
from hnn_gym.envs.length import limited
from hnn_gym.envs.single import SimulatorEnv
from hnn_gym.envs.tasks.recorded import Reward
from hnn_gym.envs.vector import SimulatorVectorEnv
from hnn_gym.errors import InputError
from hnn_gym.systems.registry import SYSTEMS, true_world
from hnn_gym.systems.task import Task
from hnn_gym.worlds.world_model import WorldModel

_ENTRY_POINT = "hnn_gym.envs.registration:make_simulator"
_VECTOR_ENTRY_POINT = "hnn_gym.envs.vector:SimulatorVectorEnv"


def register(
    env_id: str,
    *,
    world_model: WorldModel | str | os.PathLike[str],
    task: Task | None = None,
    reward: Reward | None = None,
    max_episode_steps: int | None = None,
) -> None:
    """Register a world of yours, for ``gymnasium.make(env_id)``.

    Args:
        env_id: such as "MyWorld-v0", or "mine/World-v0" with a namespace.
        world_model: a world, or the path of a checkpoint.
        task: None takes the task of the environment the world was learned from.
        reward: for worlds whose environment has no known task.
        max_episode_steps: None takes the task's.

    Raises:
        MissingPathError: there is no such checkpoint.
        InputError: ``world_model`` is not a checkpoint of this package; the reward is unknown; the task is for another
            system; the length is not a whole number from 1; or the id is malformed or taken.
    """
    if not isinstance(env_id, str) or ":" in env_id:  # for "module:id" make imports the module
        raise InputError(f"{env_id!r} cannot be registered: choose an id such as 'MyWorld-v0'.")
    if env_id in gymnasium.registry:
        raise InputError(f"{env_id} is registered already: choose another id.")
    check_steps(max_episode_steps, "max_episode_steps")
    build_simulator(world_model, task=task, reward=reward)  # it raises the errors
    if isinstance(world_model, os.PathLike):
        world_model = os.fspath(world_model)  # a spec with a path object has no JSON
    kwargs: dict[str, Any] = {"world_model": world_model, "task": task, "reward": reward}
    try:
        gymnasium.register(
            env_id,
            entry_point=_ENTRY_POINT,
            vector_entry_point=_VECTOR_ENTRY_POINT,
            kwargs={name: value for name, value in kwargs.items() if value is not None},
            max_episode_steps=max_episode_steps,  # None: the entry point knows that of the task
        )
    except gymnasium.error.Error as error:
        raise InputError(f"{env_id!r} cannot be registered: {error}") from None


def make_simulator(
    world_model: WorldSource | Sequence[WorldSource] | None = None, **options: Any
) -> gymnasium.Env[np.ndarray, np.ndarray]:
    """Entry point of a world: a :class:`SimulatorEnv` with the length given to ``make``, or else that of its task.

    Raises:
        InputError: no world is given, or see :class:`SimulatorEnv`.
    """
    env = SimulatorEnv(world_model, **options)
    return limited(env, env.task.max_episode_steps)


def make_true(world_model: str, **kwargs: Any) -> gymnasium.Env[np.ndarray, np.ndarray]:
    """Entry point of the true worlds; it takes the arguments of the System and of :class:`SimulatorEnv`.

    Raises:
        InputError: the System refuses its arguments, or the environment its own.
    """
    world, others = _true(world_model, kwargs)
    return make_simulator(world, **others)


def make_true_vector(world_model: str, **kwargs: Any) -> SimulatorVectorEnv:
    """Vector entry point: as :func:`make_true`, with arguments of :class:`SimulatorVectorEnv`."""
    world, others = _true(world_model, kwargs)
    return SimulatorVectorEnv(world, **others)


def _true(env_id: str, kwargs: Mapping[str, Any]) -> tuple[WorldModel, dict[str, Any]]:
    """The true world of an environment made with ``kwargs``, and those of them that are for the shell."""
    system = SYSTEMS[env_id]
    own = {name: value for name, value in kwargs.items() if name in system.arguments()}
    world = system.true_world(own) if own else true_world(env_id)
    return world, {name: value for name, value in kwargs.items() if name not in own}


# ``gymnasium.make`` looks here for the render modes, and wraps for "rgb_array_list".
make_simulator.metadata = make_true.metadata = SimulatorEnv.metadata  # type: ignore[attr-defined]
