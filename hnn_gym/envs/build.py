"""From the arguments of ``gymnasium.make`` to a simulator: what every shell does first."""

from __future__ import annotations

import math
import os
from numbers import Real

from hnn_gym.envs.channels import channel_of
from hnn_gym.envs.core import Simulator
from hnn_gym.envs.shipped import resolve_pixel_world, resolve_world
from hnn_gym.envs.tasks import Reward, Task, task_for
from hnn_gym.envs.tasks.filmed import FilmedTask
from hnn_gym.envs.tasks.rewarded import RewardedTask
from hnn_gym.envs.true_worlds import truth_of
from hnn_gym.errors import InputError
from hnn_gym.pixel_world import PixelWorld
from hnn_gym.world_model import WorldModel


def build_simulator(
    world_model: WorldModel | PixelWorld | str | os.PathLike[str],
    *,
    task: Task | None = None,
    reward: Reward | None = None,
    dt: float | None = None,
    actions: str = "force",
    bump_limit: float = 1.0,
    bump_price: float = 0.05,
) -> Simulator:
    """Put a task into a world; arguments as of :class:`hnn_gym.envs.SimulatorEnv`.

    Raises:
        MissingPathError: there is no such checkpoint.
        InputError: the checkpoint is not ours; the reward is unknown or no function; the task is none, or one of
            another system; dt is not positive; or bumps are asked of a world without H.
    """
    seen = resolve_pixel_world(world_model)
    world = seen.world if seen is not None else resolve_world(world_model)  # type: ignore[arg-type]
    if dt is not None:
        if not isinstance(dt, Real) or isinstance(dt, bool) or not 0 < float(dt) < math.inf:
            raise InputError(f"dt must be a positive number of seconds, got {dt!r}.")
        world = world.with_dt(dt)
    if task is not None and reward is not None:
        raise InputError("Give either task or reward: a task has a reward of its own.")
    if reward is not None and not callable(reward):
        raise InputError(f"reward must be a function f(observation, force, next_observation), not {reward!r}.")
    if task is None and seen is not None:
        filmed = FilmedTask(seen)
        task = filmed if reward is None else RewardedTask(filmed, world.coordinates, reward)
    elif task is None:
        task = task_for(world, reward=reward)
    _check_fit(task, world)
    channel = channel_of(actions, world=world, limit=bump_limit, price=bump_price)
    return Simulator(world, task, channel, truth_of(world))


def _check_fit(task: Task, world: WorldModel) -> None:
    if not isinstance(task, Task):
        raise InputError(f"task must be a Task of hnn_gym.envs, such as PendulumSwingUp(), not {task!r}.")
    seen, controls = world.coordinates.observation_size, len(world.coordinates.controls)
    if task.observation_space.shape != (seen,) or (controls and task.action_space.shape != (controls,)):
        raise InputError(
            f"{type(task).__name__} is a task with observations {task.observation_space.shape} and actions "
            f"{task.action_space.shape}, and this world has ({seen},) and ({controls},): give the task of this system."
        )
