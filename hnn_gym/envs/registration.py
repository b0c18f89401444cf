"""The package's environments in Gymnasium's registry, and the registration of a user's own worlds."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import gymnasium

from hnn_gym.envs.build import WorldSource, build_simulator
from hnn_gym.envs.checks import check_steps
from hnn_gym.envs.single import SimulatorEnv
from hnn_gym.envs.tasks import (
    OTHER_TASKS,
    IdealPendulumSwingUp,
    NBodyBound,
    OrbitTransfer,
    PendulumSwingUp,
    RealPendulumSustain,
    Reward,
    SpringHold,
    Task,
    ThreeBodyBound,
)
from hnn_gym.envs.true_worlds import n_body_world
from hnn_gym.envs.vector import SimulatorVectorEnv
from hnn_gym.errors import InputError
from hnn_gym.worlds.world_model import WorldModel

_ENTRY_POINT = "hnn_gym.envs.single:SimulatorEnv"
_VECTOR_ENTRY_POINT = "hnn_gym.envs.vector:SimulatorVectorEnv"
_SYSTEMS: dict[str, type[Task]] = {
    "Pendulum": PendulumSwingUp,
    "Spring": SpringHold,
    "IdealPendulum": IdealPendulumSwingUp,
    "RealPendulum": RealPendulumSustain,
    "TwoBody": OrbitTransfer,
    "ThreeBody": ThreeBodyBound,
}
_BY_BUMPS: dict[str, tuple[str, float, str | None]] = {
    "SpringBump": ("Spring-v0", 0.05, None),
    "SpringSweepBump": ("Spring-v0", 0.05, "energy sweep"),
    "IdealPendulumBump": ("IdealPendulum-v0", 0.2, None),
    "TwoBodyBump": ("TwoBody-v0", 0.02, None),
}
"""Name without version: the environment whose world it is, the largest bump in J, and the task if not that one's."""
_LEARNED = {f"{kind}{system}-v0": task for system, task in _SYSTEMS.items() for kind in ("HNN", "Baseline")}
_SEEN = ("HNNPixelPendulum-v0", "BaselinePixelPendulum-v0")
_TRUE = {f"{system}-v0": _SYSTEMS[system] for system in ("Spring", "IdealPendulum", "TwoBody", "ThreeBody")}


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
        InputError: it is not a checkpoint of ours; the reward is unknown; the task is none of this system; the length
            is no number of steps; or the id is malformed or taken.
    """
    if not isinstance(env_id, str) or ":" in env_id:  # "module:id" is what make imports a module for
        raise InputError(f"{env_id!r} cannot be registered: choose an id such as 'MyWorld-v0'.")
    if env_id in gymnasium.registry:
        raise InputError(f"{env_id} is registered already: choose another id.")
    check_steps(max_episode_steps, "max_episode_steps")
    chosen = build_simulator(world_model, task=task, reward=reward).task
    if isinstance(world_model, os.PathLike):
        world_model = os.fspath(world_model)  # a spec with a path object has no JSON
    kwargs: dict[str, Any] = {"world_model": world_model, "task": task, "reward": reward}
    try:
        gymnasium.register(
            env_id,
            entry_point=_ENTRY_POINT,
            vector_entry_point=_VECTOR_ENTRY_POINT,
            kwargs={name: value for name, value in kwargs.items() if value is not None},
            max_episode_steps=max_episode_steps or chosen.max_episode_steps,
        )
    except gymnasium.error.Error as error:
        raise InputError(f"{env_id!r} cannot be registered: {error}") from None


def make_learned(world_model: WorldSource | Sequence[WorldSource], **kwargs: Any) -> SimulatorEnv:
    """Entry point of ``HNN-v0``: a world of your own, truncated as its task says.

    Gymnasium's own ``max_episode_steps`` can only shorten that; ``episode_steps`` sets it, None for no end.
    """
    env = SimulatorEnv(world_model, **kwargs)
    if "episode_steps" in kwargs or env.task.max_episode_steps is None:
        return env
    return SimulatorEnv(world_model, episode_steps=env.task.max_episode_steps, **kwargs)


def make_bodies(
    n: int | None = None, masses: Sequence[float] | None = None, softening: float = 0.2, **kwargs: Any
) -> SimulatorEnv:
    """Entry point of ``NBody-v0``: see :class:`hnn_gym.envs.tasks.NBodyBound`; ``kwargs`` are :class:`SimulatorEnv`'s.

    Raises:
        InputError: fewer than two bodies, another number of masses, a mass that is not positive, or a negative
            softening.
    """
    return SimulatorEnv(n_body_world(n, masses, softening), **kwargs)


def make_bodies_vector(
    n: int | None = None, masses: Sequence[float] | None = None, softening: float = 0.2, **kwargs: Any
) -> SimulatorVectorEnv:
    """Vector entry point of ``NBody-v0``; as :func:`make_bodies`, with ``kwargs`` of :class:`SimulatorVectorEnv`."""
    return SimulatorVectorEnv(n_body_world(n, masses, softening), **kwargs)


# ``gymnasium.make`` looks here for the render modes, and wraps for "rgb_array_list".
make_learned.metadata = make_bodies.metadata = SimulatorEnv.metadata  # type: ignore[attr-defined]


def register_environments() -> None:
    """Register what ships with the package. Called by ``import hnn_gym``."""
    for env_id, task in (_TRUE | _LEARNED).items():
        gymnasium.register(
            env_id,
            entry_point=_ENTRY_POINT,
            vector_entry_point=_VECTOR_ENTRY_POINT,
            kwargs={"world_model": env_id},
            max_episode_steps=task.max_episode_steps,
        )
    for name, (world, limit, other) in _BY_BUMPS.items():
        for kind in ("", "HNN"):
            chosen = {"actions": "bump", "bump_limit": limit} | ({} if other is None else {"task": other})
            gymnasium.register(
                f"{kind}{name}-v0",
                entry_point=_ENTRY_POINT,
                vector_entry_point=_VECTOR_ENTRY_POINT,
                kwargs={"world_model": kind + world} | chosen,
                max_episode_steps=(_TRUE[world] if other is None else OTHER_TASKS[other]()).max_episode_steps,
            )
    for env_id in _SEEN:
        gymnasium.register(
            env_id,
            entry_point="hnn_gym.envs.pixels:make_pixels",
            vector_entry_point="hnn_gym.envs.pixels:make_pixels_vector",
            kwargs={"world_model": env_id},
            max_episode_steps=PendulumSwingUp.max_episode_steps,
        )
    gymnasium.register(
        "NBody-v0",
        entry_point="hnn_gym.envs.registration:make_bodies",
        vector_entry_point="hnn_gym.envs.registration:make_bodies_vector",
        max_episode_steps=NBodyBound.max_episode_steps,
    )
    gymnasium.register(
        "HNN-v0",
        entry_point="hnn_gym.envs.registration:make_learned",
        vector_entry_point=_VECTOR_ENTRY_POINT,
        kwargs={"world_model": None},  # so that we, not Python, say what is missing
    )
