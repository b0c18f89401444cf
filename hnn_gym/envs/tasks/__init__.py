"""Tasks, one a file, and the choice of one for a world."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from inspect import signature
from typing import Any

import numpy as np

from hnn_gym.data import Provenance
from hnn_gym.envs.tasks.branched import BranchedTask
from hnn_gym.envs.tasks.ideal_pendulum import IdealPendulumSwingUp
from hnn_gym.envs.tasks.nbody_bound import KeepBound, NBodyBound, ThreeBodyBound
from hnn_gym.envs.tasks.orbit import OrbitTransfer
from hnn_gym.envs.tasks.pendulum import PendulumSwingUp
from hnn_gym.envs.tasks.real_pendulum import RealPendulumSustain
from hnn_gym.envs.tasks.recorded import RecordedTask, Reward
from hnn_gym.envs.tasks.rewarded import RewardedTask
from hnn_gym.envs.tasks.spring import SpringHold
from hnn_gym.envs.tasks.spring_sweep import SpringSweep
from hnn_gym.errors import InputError
from hnn_gym.systems.task import NumberedStarts, Task
from hnn_gym.worlds.world_model import WorldModel

TASKS: dict[str, Callable[..., Task]] = {
    "Pendulum-v1": PendulumSwingUp,
    "Spring-v0": SpringHold,
    "IdealPendulum-v0": IdealPendulumSwingUp,
    "RealPendulum": RealPendulumSustain,
    "TwoBody-v0": OrbitTransfer,
    "ThreeBody-v0": ThreeBodyBound,
    "NBody-v0": NBodyBound,
}
"""The task of every system known here, by the id of the environment or the name of the recording."""

OTHER_TASKS: dict[str, Callable[[], Task]] = {"energy sweep": SpringSweep}
"""What else can be asked of these systems, by the name that ``make(..., task=name)`` understands."""


def task_for(world: WorldModel, *, reward: Reward | None = None) -> Task:
    """Return the task of the environment that a world is, or was learned from.

    Args:
        world: its card tells the environment's id and arguments, its spaces and the recorded starts.
        reward: needed where the environment is not known here; elsewhere it takes the place of the known one.

    Raises:
        InputError: the environment is not known here and reward, spaces or starts are missing.
    """
    environment = environment_of(world)
    if environment is not None:
        return _known_task(world, environment["id"], environment["arguments"], reward)
    try:
        provenance = Provenance.from_json(world.card["data"]["provenance"])
        starts = np.asarray(world.card["data"]["starts"], dtype=np.float64)
    except (KeyError, TypeError):
        raise InputError("The card of this world does not tell what it was learned from: pass task=...") from None
    return RecordedTask(
        world.coordinates,
        observation_space=provenance.observation_space,
        action_space=provenance.box_action_space(),
        starts=starts,
        reward=reward,
        max_episode_steps=world.card["data"].get("longest_episode"),
    )


def environment_of(world: WorldModel) -> Mapping[str, Any] | None:
    """The "id" and "arguments" of the environment whose task is that of a world; None where none known here is.

    That is the environment it is, or was learned from, or what that stood for in its turn.
    """
    if "environment" in world.card:
        environment: Mapping[str, Any] = world.card["environment"]
        return environment
    provenance = world.card.get("data", {}).get("provenance", {})
    source = provenance.get("task_source", provenance.get("stands_for"))  # release 0.1 wrote the latter
    if source == {}:  # a task of one's own was recorded
        return None
    direct = {"id": str(provenance.get("env_id")).rpartition(":")[2], "arguments": provenance.get("env_kwargs", {})}
    found = (environment for environment in (direct, source) if environment)
    return next((environment for environment in found if environment["id"] in TASKS), None)


def _known_task(world: WorldModel, env_id: str, arguments: Mapping[str, Any], reward: Reward | None) -> Task:
    """The task of a known environment, given those of its arguments that concern the task."""
    known = TASKS[env_id]
    own = signature(known).parameters
    task = known(**{name: value for name, value in arguments.items() if name in own})
    return task if reward is None else RewardedTask(task, world.coordinates, reward)


__all__ = [
    "OTHER_TASKS",
    "TASKS",
    "BranchedTask",
    "IdealPendulumSwingUp",
    "KeepBound",
    "NBodyBound",
    "NumberedStarts",
    "OrbitTransfer",
    "PendulumSwingUp",
    "RealPendulumSustain",
    "RecordedTask",
    "Reward",
    "RewardedTask",
    "SpringHold",
    "SpringSweep",
    "Task",
    "ThreeBodyBound",
    "environment_of",
    "task_for",
]
