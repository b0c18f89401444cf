"""A task that is another one except in one thing: everything that it does not override is the wrapped task's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium.spaces import Box

from hnn_gym.physics.phase import Array
from hnn_gym.systems.picture import Picture
from hnn_gym.systems.task import ActionSpace, Task


class TaskWrapper(Task):
    """Delegates everything to a task, including attributes of single tasks, such as the masses that a renderer draws.

    A subclass overrides the one thing in which it differs.

    Attributes:
        task: the wrapped task.
    """

    def __init__(self, task: Task) -> None:
        """Wrap ``task``."""
        self.task = task

    def __getattr__(self, name: str) -> Any:
        """Return an attribute that the wrapped task has beyond those of a Task."""
        if name == "task" or name.startswith("__"):  # while a copy is being made, there is no task yet
            raise AttributeError(name)
        return getattr(self.task, name)

    @property
    def observation_space(self) -> Box:  # type: ignore[override]
        """The wrapped task's."""
        return self.task.observation_space

    @property
    def action_space(self) -> ActionSpace:  # type: ignore[override]
        """The wrapped task's."""
        return self.task.action_space

    @property
    def max_episode_steps(self) -> int | None:  # type: ignore[override]
        """The wrapped task's."""
        return self.task.max_episode_steps

    @property
    def renderer(self) -> str | None:  # type: ignore[override]
        """The wrapped task's."""
        return self.task.renderer

    @property
    def options(self) -> tuple[str, ...]:  # type: ignore[override]
        """The wrapped task's."""
        return self.task.options

    @property
    def energy_tolerance(self) -> float | None:  # type: ignore[override]
        """The wrapped task's."""
        return self.task.energy_tolerance

    @property
    def goal_size(self) -> int:  # type: ignore[override]
        """The wrapped task's."""
        return self.task.goal_size

    def initial(self, rng: np.random.Generator, options: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray]:
        """Draw a start (q, v), each ``(n,)``, as the wrapped task does."""
        return self.task.initial(rng, options)

    def check_options(self, options: Mapping[str, Any]) -> None:
        """Refuse the options that the wrapped task refuses."""
        self.task.check_options(options)

    def check_state(self, q: np.ndarray, v: np.ndarray) -> None:
        """Refuse the states that the wrapped task refuses."""
        self.task.check_state(q, v)

    def goal(self, t: Array) -> Array:
        """The wrapped task's goal ``(..., goal_size)`` at t seconds ``(...)``."""
        return self.task.goal(t)

    def picture(self, q: Array) -> Picture | None:
        """The wrapped task's picture of positions ``(n,)``."""
        return self.task.picture(q)

    def at(self, t: Array) -> Task:
        """The wrapped task of the step from t seconds ``(...)``."""
        return self.task.at(t)

    def reward(self, q: Array, v: Array, u: Array, next_q: Array, next_v: Array) -> Array:
        """The wrapped task's reward ``(...)``."""
        return self.task.reward(q, v, u, next_q, next_v)

    def terminated(self, q: Array, v: Array) -> Array:
        """Whether the wrapped task ends in states ``(..., n)``; bool ``(...)``."""
        return self.task.terminated(q, v)


def unwrapped(task: Task) -> Task:
    """The task inside all wrappers."""
    while isinstance(task, TaskWrapper):
        task = task.task
    return task
