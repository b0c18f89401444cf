"""From the arguments of ``gymnasium.make`` to a simulator: what every shell does first."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from numbers import Real

import numpy as np
from gymnasium.spaces import Box

from hnn_gym.envs.channels import channel_of
from hnn_gym.envs.core import Simulator
from hnn_gym.envs.ensemble import ensemble_of
from hnn_gym.envs.shipped import resolve_pixel_world, resolve_world
from hnn_gym.envs.tasks import BranchedTask, Reward, task_for
from hnn_gym.envs.tasks.pixel_task import PixelTask
from hnn_gym.envs.tasks.rewarded import RewardedTask
from hnn_gym.errors import InputError
from hnn_gym.systems.of_world import truth_of
from hnn_gym.systems.registry import named_task
from hnn_gym.systems.task import Task
from hnn_gym.worlds.pixel_world import PixelWorld
from hnn_gym.worlds.world_model import WorldModel

WorldSource = WorldModel | PixelWorld | str | os.PathLike[str]
"""What a world is named by: itself, the id of one that ships, or the path of a checkpoint."""


def build_simulator(
    world_model: WorldSource | Sequence[WorldSource],
    *,
    task: Task | str | None = None,
    reward: Reward | None = None,
    dt: float | None = None,
    actions: str = "force",
    bump_limit: float = 1.0,
    bump_cost: float = 0.05,
    exactly_reversible: bool = False,
    disagreement_penalty: float = 0.0,
    disagreement_limit: float | None = None,
    starts: np.ndarray | None = None,
) -> Simulator:
    """Put a task into a world; arguments as of :class:`hnn_gym.envs.SimulatorEnv`.

    Raises:
        MissingPathError: there is no such checkpoint.
        InputError: the checkpoint is not ours; the reward is unknown or no function; the task is none, or one of
            another system; dt is not positive; bumps are asked of a world without H; or exact reversibility of one
            with friction, or whose H is not T(p) + V(q).
    """
    first, *rest = _members(world_model)
    others = tuple(resolve_world(other) for other in rest)  # type: ignore[arg-type]  # it says what it cannot take
    seen = resolve_pixel_world(first)
    world = seen.world if seen is not None else resolve_world(first)  # type: ignore[arg-type]
    if dt is not None:
        if not isinstance(dt, Real) or isinstance(dt, bool) or not 0 < float(dt) < math.inf:
            raise InputError(f"dt must be a positive number of seconds, got {dt!r}.")
        world, others = world.with_dt(dt), tuple(other.with_dt(dt) for other in others)
    if exactly_reversible:
        world = world.on_lattice()
    if task is not None and reward is not None:
        raise InputError("Give either task or reward: a task has a reward of its own.")
    if reward is not None and not callable(reward):
        raise InputError(f"reward must be a function f(observation, force, next_observation), not {reward!r}.")
    if task is None and seen is not None:
        filmed = PixelTask(seen)
        task = filmed if reward is None else RewardedTask(filmed, world.coordinates, reward)
    elif task is None:
        task = task_for(world, reward=reward)
    elif isinstance(task, str):
        task = named_task(task)
    _check_fit(task, world)
    if starts is not None:
        task = BranchedTask(task, world.coordinates, starts)
    channel = channel_of(actions, world=world, limit=bump_limit, cost=bump_cost)
    ensemble = ensemble_of(world, others, penalty=disagreement_penalty, limit=disagreement_limit)
    return Simulator(world, task, channel, truth_of(world), ensemble)


def _members(world_model: WorldSource | Sequence[WorldSource]) -> list[WorldSource]:
    if not isinstance(world_model, Sequence) or isinstance(world_model, str):
        return [world_model]
    if not world_model:
        raise InputError("world_model is empty: an ensemble has at least one world.")
    return list(world_model)


def _check_fit(task: Task, world: WorldModel) -> None:
    if not isinstance(task, Task):
        raise InputError(f"task must be a Task of hnn_gym.envs, such as PendulumSwingUp(), not {task!r}.")
    seen, controls = world.coordinates.observation_size, len(world.coordinates.controls)
    space, table = task.action_space, world.coordinates.force_table
    fits = space.shape == (controls,) if isinstance(space, Box) else table is not None
    if task.observation_space.shape != (seen + task.goal_size,) or (controls and not fits):
        raise InputError(
            f"{type(task).__name__} is a task with observations {task.observation_space.shape} and actions "
            f"{space.shape if isinstance(space, Box) else space}, and this world has ({seen},) and ({controls},)"
            f"{'' if table is None else f' or {len(table)} rows of forces'}: give the task of this system."
        )
