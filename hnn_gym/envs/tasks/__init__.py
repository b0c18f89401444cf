"""Tasks, one a file, and the choice of one for a world."""

from __future__ import annotations

import numpy as np

from hnn_gym.data import Provenance
from hnn_gym.envs.tasks.base import Task
from hnn_gym.envs.tasks.pendulum import PendulumSwingUp
from hnn_gym.envs.tasks.recorded import RecordedTask, Reward
from hnn_gym.errors import InputError
from hnn_gym.world_model import WorldModel

TASKS: dict[str, type[Task]] = {"Pendulum-v1": PendulumSwingUp}
"""The task of every environment known here, by the id it was recorded from."""


def task_for(world: WorldModel, *, reward: Reward | None = None) -> Task:
    """Return the task of the environment a world was learned from.

    Args:
        world: its card tells the environment's id, its spaces and the recorded starts.
        reward: needed where the environment is not known here; elsewhere it takes the place of the known one.

    Raises:
        InputError: the environment is not known here and reward, spaces or starts are missing.
    """
    try:
        provenance = Provenance.from_json(world.card["data"]["provenance"])
        starts = np.asarray(world.card["data"]["starts"], dtype=np.float64)
    except (KeyError, TypeError):
        raise InputError("The card of this world does not tell what it was learned from: pass task=...") from None
    known = TASKS.get(provenance.env_id)
    if known is not None and reward is None:
        return known()
    return RecordedTask(
        world.coordinates,
        observation_space=provenance.observation_space,
        action_space=provenance.action_space,
        starts=starts,
        reward=reward,
        max_episode_steps=world.card["data"].get("longest_episode"),
        picture=None if known is None else known.picture,
    )


__all__ = ["TASKS", "PendulumSwingUp", "RecordedTask", "Reward", "Task", "task_for"]
