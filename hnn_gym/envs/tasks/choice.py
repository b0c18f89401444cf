"""The choice of a task for a world: that of the known environment, or one made from its recording."""

from __future__ import annotations

import numpy as np

from hnn_gym.data import Provenance
from hnn_gym.envs.tasks.recorded import RecordedTask, Reward
from hnn_gym.envs.tasks.rewarded import RewardedTask
from hnn_gym.errors import InputError, checked_arguments
from hnn_gym.models.task_heads import TaskHeads
from hnn_gym.systems.of_world import environment_of
from hnn_gym.systems.registry import system_of
from hnn_gym.systems.task import Task
from hnn_gym.worlds.world_model import WorldModel


@checked_arguments
def task_for(world: WorldModel, *, reward: Reward | None = None) -> Task:
    """Return the task of the environment that a world is, or was learned from.

    Args:
        world: its card has the environment's id and arguments, its spaces and the recorded starts.
        reward: replaces the known one; needed if no System with this id is registered.

    Raises:
        InputError: the environment is unknown, and spaces, starts, or both a given and a learned reward are missing.
    """
    environment = environment_of(world)
    system = None if environment is None else system_of(environment["id"])
    task = None if system is None or environment is None else system.task_for(environment["arguments"])
    if task is not None:
        return task if reward is None else RewardedTask(task, world.coordinates, reward)
    try:
        provenance = Provenance.from_json(world.card["data"]["provenance"])
        starts = np.asarray(world.card["data"]["starts"], dtype=np.float64)
    except (KeyError, TypeError):
        raise InputError("The card of this world does not say what it was learned from: pass task=...") from None
    heads = TaskHeads.from_json(world.card["task"]) if "task" in world.card else None
    return RecordedTask(
        world.coordinates,
        observation_space=provenance.observation_space,
        action_space=provenance.action_space,
        starts=starts,
        reward=reward or (None if heads is None else heads.reward),
        terminated=None if heads is None else heads.termination,
        max_episode_steps=world.card["data"].get("longest_episode"),
    )
