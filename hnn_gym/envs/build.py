"""Build a simulator from the arguments of ``gymnasium.make``, as every shell does first."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import gymnasium
from gymnasium.spaces import Box

from hnn_gym.envs.channels import channel_of
from hnn_gym.envs.core import Simulator
from hnn_gym.envs.ensemble import ensemble_of
from hnn_gym.envs.options import SimulatorOptions
from hnn_gym.envs.shipped import resolve_pixel_world, resolve_world
from hnn_gym.envs.tasks import BranchedTask, task_for
from hnn_gym.envs.tasks.driven import DrivenTask
from hnn_gym.envs.tasks.pixel_task import PixelTask
from hnn_gym.envs.tasks.rewarded import RewardedTask
from hnn_gym.envs.tasks.terminated import TerminatedTask
from hnn_gym.errors import InputError
from hnn_gym.systems.of_world import truth_of
from hnn_gym.systems.registry import named_task
from hnn_gym.systems.task import Task
from hnn_gym.worlds.fewer_controls import with_controls
from hnn_gym.worlds.pixel_world import PixelWorld
from hnn_gym.worlds.world_model import WorldModel

WorldSource = WorldModel | PixelWorld | str | os.PathLike[str]
"""A world, the id of a shipped one, or the path of a checkpoint."""


class MissingWorldError(InputError, gymnasium.error.MissingArgument):
    """An id that can hold any world was made without one."""


def build_simulator(world_model: WorldSource | Sequence[WorldSource], **options: Any) -> Simulator:
    """Put a task into a world.

    Args:
        world_model: a world, the id of one, or the path of a checkpoint; or several of one system, an ensemble.
        options: fields of :class:`hnn_gym.envs.SimulatorOptions`.

    Raises:
        MissingPathError: there is no such checkpoint.
        InputError: an option is unknown or makes no sense; the checkpoint is not one of this package; the reward is
            unknown; the task is for another system; the world has no H and the actions are bumps; or
            ``exactly_reversible`` is set for a world with friction, or whose H is not T(p) + V(q).
    """
    return simulator_of(world_model, SimulatorOptions.from_keywords(options))


def simulator_of(world_model: WorldSource | Sequence[WorldSource] | None, options: SimulatorOptions) -> Simulator:
    """As :func:`build_simulator`, with options that have been read; without a world an error that says so."""
    if world_model is None:
        raise MissingWorldError(
            'This environment needs a world: gymnasium.make("HNN-v0", world_model="runs/x"), with a folder that '
            "python -m hnn_gym.train wrote."
        )
    first, *rest = _members(world_model)
    others = tuple(resolve_world(other) for other in rest)  # type: ignore[arg-type]  # it raises the error
    seen = resolve_pixel_world(first)
    world = seen.world if seen is not None else resolve_world(first)  # type: ignore[arg-type]
    if options.dt is not None:
        dt = options.dt
        world, others = world.with_dt(dt), tuple(other.with_dt(dt) for other in others)
    world, others = world.stepping(options.stepping), tuple(other.stepping(options.stepping) for other in others)
    if options.exactly_reversible:
        world = world.on_lattice()
    task = _task(world, seen, options)
    if options.controls is not None:
        world, others = (
            with_controls(world, options.controls),
            tuple(with_controls(o, options.controls) for o in others),
        )
        task = DrivenTask(task, options.controls)
    _check_fit(task, world)
    if options.terminated is not None:
        task = TerminatedTask(task, world.coordinates, options.terminated)
    if options.starts is not None:
        task = BranchedTask(task, world.coordinates, options.starts)
    channel = channel_of(options.actions, world=world, limit=options.bump_limit, cost=options.bump_cost)
    penalty, limit = options.disagreement_penalty, options.disagreement_limit
    return Simulator(world, task, channel, truth_of(world), ensemble_of(world, others, penalty=penalty, limit=limit))


def _task(world: WorldModel, seen: PixelWorld | None, options: SimulatorOptions) -> Any:
    """The task that the options name, or that of the world."""
    if isinstance(options.task, str):
        return named_task(options.task)
    if options.task is not None:
        return options.task
    if seen is None:
        return task_for(world, reward=options.reward)
    filmed = PixelTask(seen)
    return filmed if options.reward is None else RewardedTask(filmed, world.coordinates, options.reward)


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
