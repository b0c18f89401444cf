"""The systems that are known, by the id of their environment, and their environments in Gymnasium's registry."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import gymnasium

from hnn_gym.coordinates import Coordinates
from hnn_gym.errors import InputError, checked_arguments
from hnn_gym.systems.base import System
from hnn_gym.systems.task import Task

if TYPE_CHECKING:
    from hnn_gym.worlds.world_model import WorldModel

_known: dict[str, System] = {}

SYSTEMS: Mapping[str, System] = MappingProxyType(_known)
"""Every system that was registered, by its id."""


def register_system(system: System) -> None:
    """Make a system known: to recordings, to worlds learned from them, and to ``gymnasium.make``.

    A recording of the environment then carries the coordinates and the time step, and a world learned from it has the
    task, the renderer and, where the physics is known, the truth to be compared with. Where ``truth`` is given and
    Gymnasium has no environment of this id, ``gymnasium.make(system.id)`` makes the true world.

    Raises:
        InputError: it is not a System, its id is registered already, or one of its environments is, or Gymnasium
            does not take the id.
    """
    if not isinstance(system, System):
        raise InputError(
            f"register_system takes an hnn_gym.System, such as System('Mine-v0', task=Mine), not {system!r}."
        )
    environments = _environments(system)
    taken = [env_id for env_id in environments if env_id in gymnasium.registry]
    if system.id in _known or taken:
        raise InputError(f"{(taken or [system.id])[0]} is registered already: choose another id.")
    try:
        for env_id, registration in environments.items():
            gymnasium.register(env_id, **registration)
    except gymnasium.error.Error as error:
        raise InputError(f"{system.id!r} cannot be registered: {error}") from None
    _known[system.id] = system


@checked_arguments
def system_of(env_id: str) -> System | None:
    """The system of an environment, by an id such as "Pendulum-v1" or "my_module:Mine-v0"; None if it is unknown."""
    return _known.get(env_id.rpartition(":")[2])


@checked_arguments
def coordinates_of(env_id: str, arguments: Mapping[str, Any] | None = None) -> Coordinates | None:
    """The coordinates of an environment made with ``arguments``; None if they are unknown."""
    system = system_of(env_id)
    return None if system is None else system.coordinates_for(arguments)


@checked_arguments
def true_world(env_id: str) -> WorldModel:
    """The true world of an environment with its default arguments.

    Raises:
        InputError: the environment or its physics is unknown.
    """
    system = system_of(env_id)
    if system is None:
        raise InputError(f"There is no System {env_id!r}: choose from {', '.join(_known)}, or register it.")
    return _default_world(system)


@cache
def _default_world(system: System) -> WorldModel:
    return system.true_world()


def named_task(name: str) -> Task:
    """One of the ``tasks`` of the systems, by its name.

    Raises:
        InputError: no system has a task of this name.
    """
    tasks = {key: make for system in _known.values() for key, make in system.tasks.items()}
    if name not in tasks:
        raise InputError(f"There is no task {name!r}: the names are {', '.join(map(repr, tasks))}.")
    return tasks[name]()


def _environments(system: System) -> dict[str, dict[str, Any]]:
    """The arguments of ``gymnasium.register`` for each environment of a system, by id.

    They do not contain the length of an episode: the entry points take it from the task (:mod:`hnn_gym.envs.length`).
    """
    shells = {
        "entry_point": "hnn_gym.envs.registration:make_simulator",
        "vector_entry_point": "hnn_gym.envs.vector:SimulatorVectorEnv",
    }
    pixels = {
        "entry_point": "hnn_gym.envs.pixels:make_pixels",
        "vector_entry_point": "hnn_gym.envs.pixels:make_pixels_vector",
    }
    found = {}
    if system.truth is not None and system.id not in gymnasium.registry:
        found[system.id] = {
            "entry_point": "hnn_gym.envs.registration:make_true",
            "vector_entry_point": "hnn_gym.envs.registration:make_true_vector",
            "kwargs": {"world_model": system.id},
        }
    for prefix in system.twins:
        env_id = f"{prefix}{system.name}-v0"
        found[env_id] = shells | {"kwargs": {"world_model": env_id}}
    for prefix in system.pixel_twins:
        env_id = f"{prefix}Pixel{system.name}-v0"
        found[env_id] = pixels | {"kwargs": {"world_model": env_id}}
    for name, arguments in system.variants.items():
        if system.truth is not None:
            found[f"{name}-v0"] = shells | {"kwargs": {"world_model": system.id, **arguments}}
        if "HNN" in system.twins:
            found[f"HNN{name}-v0"] = shells | {"kwargs": {"world_model": f"HNN{system.name}-v0", **arguments}}
    return found
