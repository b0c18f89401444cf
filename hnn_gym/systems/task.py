"""What makes physics an RL problem: spaces, starts, reward, termination. Apart from the physics itself."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium.spaces import Box, Discrete, MultiBinary, MultiDiscrete

from hnn_gym.physics.phase import Array
from hnn_gym.systems.picture import Picture

ActionSpace = Box | Discrete | MultiDiscrete | MultiBinary
"""The spaces that actions may be of."""


class Task(ABC):
    """A control problem on states (q, v). Stateless: everything is an argument.

    Attributes:
        observation_space: what the agent sees.
        action_space: what the agent does.
        max_episode_steps: steps after which an episode is truncated, or None.
        renderer: the class of its :class:`hnn_gym.envs.render.Renderer` as "module:Class", or None if there is none.
        options: what ``reset(options=...)`` understands beside ``state``.
        energy_tolerance: largest energy that one step may create or destroy, as a share of the kinetic energy; a
            step beyond is reported as not resolved. None: steps are not checked.
        goal_size: entries of a goal that changes within the episode, which the observation shows behind the state's;
            0: the goal is always the same.
    """

    observation_space: Box
    action_space: ActionSpace
    max_episode_steps: int | None = None
    renderer: str | None = None
    options: tuple[str, ...] = ()
    energy_tolerance: float | None = None
    goal_size: int = 0

    @abstractmethod
    def initial(self, rng: np.random.Generator, options: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray]:
        """Draw a start (q, v), each ``(n,)`` float64."""

    def check_options(self, options: Mapping[str, Any]) -> None:  # noqa: B027 (most tasks have none)
        """Refuse values of ``options`` that :meth:`initial` cannot use, before anything has changed.

        Raises:
            InputError: naming the option.
        """

    def check_state(self, q: np.ndarray, v: np.ndarray) -> None:  # noqa: B027 (most tasks allow any)
        """Refuse a state (q, v), each ``(n,)``, finite but without meaning.

        Raises:
            InputError: the physics is not defined there.
        """

    def goal(self, t: Array) -> Array:
        """What the observation shows of the goal ``(..., goal_size)``, t seconds ``(...)`` into the episode."""
        raise NotImplementedError(f"{type(self).__name__} has a goal_size and no goal(t).")

    def picture(self, q: Array) -> Picture | None:
        """What a picture of positions q ``(n,)`` shows, or None. It is traced: it must not branch on values."""
        return None

    def at(self, t: Array) -> Task:
        """The task of the step that begins t seconds ``(...)`` into the episode; itself if the goal never changes."""
        return self

    @abstractmethod
    def reward(self, q: Array, v: Array, u: Array, next_q: Array, next_v: Array) -> Array:
        """Reward ``(...)`` of going from (q, v) under forces u ``(..., m)`` to the next state."""

    @abstractmethod
    def terminated(self, q: Array, v: Array) -> Array:
        """Whether states ``(..., n)`` end the episode; bool ``(...)``."""


class NumberedStarts(Task):
    """A task whose starts are functions of so many uniform numbers, so that many copies can draw theirs ahead.

    Attributes:
        start_numbers: how many.
    """

    start_numbers: int

    def initial(self, rng: np.random.Generator, options: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray]:
        """Draw a start (q, v), each ``(n,)`` float64."""
        return self.start(rng.random(self.start_numbers), options)

    def check_options(self, options: Mapping[str, Any]) -> None:
        """Refuse what :meth:`start` refuses."""
        self.start(np.zeros(self.start_numbers), options)

    @abstractmethod
    def start(self, numbers: np.ndarray, options: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray]:
        """Starts (q, v), each ``(..., n)`` float64, of uniform numbers in [0, 1), ``(..., start_numbers)``."""
