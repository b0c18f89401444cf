"""Which system a world belongs to, as its card says: whose task it has, and which true physics it stands for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hnn_gym.errors import checked_arguments
from hnn_gym.systems.registry import SYSTEMS, system_of, true_world
from hnn_gym.worlds.world_model import WorldModel


@checked_arguments
def environment_of(world: WorldModel) -> Mapping[str, Any] | None:
    """The "id" and "arguments" of the environment whose task a world has; None if no known system has it.

    That is the environment that the world is or was learned from or, where that one was a learned world itself, the
    environment whose task that one had.
    """
    if "environment" in world.card:
        environment: Mapping[str, Any] = world.card["environment"]
        return environment
    provenance = world.card.get("data", {}).get("provenance", {})
    source = provenance.get("task_source")
    if source == {}:  # the user's own task was recorded
        return None
    found = (environment for environment in (_recorded(provenance), source) if environment)
    return next((environment for environment in found if environment["id"] in SYSTEMS), None)


@checked_arguments
def truth_of(world: WorldModel) -> WorldModel | None:
    """The true world of the environment that a world was learned from; None if its physics is unknown.

    A true world is its own truth. An environment that was made with arguments that its system does not know, such as
    another time step, is unknown.
    """
    if "environment" in world.card:
        return world
    recorded = _recorded(world.card.get("data", {}).get("provenance", {}))
    system = system_of(recorded["id"])
    if system is None or system.truth is None or not recorded["arguments"].keys() <= set(system.arguments()):
        return None
    return system.true_world(recorded["arguments"]) if recorded["arguments"] else true_world(system.id)


def _recorded(provenance: Mapping[str, Any]) -> dict[str, Any]:
    """The "id" and "arguments" of the environment that was recorded."""
    env_id = str(provenance.get("env_id", "")).rpartition(":")[2]
    given = provenance.get("env_kwargs", {})
    own = {"world_model": env_id}  # what the registration of a true world passes on
    return {"id": env_id, "arguments": {name: value for name, value in given.items() if own.get(name) != value}}
