"""The numbers that a plan consists of, and the actions that they stand for.

A plan of real-number actions holds the actions themselves. Where actions are whole numbers, it holds control vectors:
a planner searches the box around the rows of the table of forces, and what it imagines is always the nearest row.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from gymnasium.spaces import Box, Discrete, MultiBinary, MultiDiscrete

from hnn_gym.agents.evaluate import Policy
from hnn_gym.envs.core import Simulator
from hnn_gym.errors import InputError
from hnn_gym.systems.task import ActionSpace

_MOST_ROWS = 1024
"""Combinations of whole numbers that a planner compares with each number of a plan."""


@dataclass(frozen=True)
class PlannedActions:
    """Vectors that a planner may choose, and the actions of the space that they stand for.

    Attributes:
        space: of the actions.
        low: smallest vector ``(k,)``.
        high: largest vector ``(k,)``.
        rows: the only vectors that there are ``(R, k)``; None: all between ``low`` and ``high``.
        whole: the whole-number actions that the rows stand for ``(R, numbers)``, as the space counts them.
    """

    space: ActionSpace
    low: np.ndarray
    high: np.ndarray
    rows: np.ndarray | None = None
    whole: np.ndarray | None = None

    @classmethod
    def of(cls, simulator: Simulator) -> PlannedActions:
        """The vectors that a simulator takes as actions.

        Raises:
            InputError: the action space has an infinite bound, or whole numbers of too many combinations.
        """
        space = simulator.channel.space(simulator.task)
        if isinstance(space, Box):
            return cls(bounded(space), space.low, space.high)
        counts = _counts(space)
        if np.prod(counts.astype(float)) > _MOST_ROWS:
            raise InputError(f"A planner compares at most {_MOST_ROWS} combinations of actions, and {space} has more.")
        counted = np.array(list(product(*(range(count) for count in counts))), np.int64)
        rows = np.asarray(simulator.action_vector(counted), np.float64)
        start = 0 if isinstance(space, MultiBinary) else space.start
        return cls(space, rows.min(0), rows.max(0), rows, counted + start)

    def nearest(self, vectors: np.ndarray) -> np.ndarray:
        """The vectors ``(..., k)`` that are imagined for planned ones: the nearest rows, or the vectors themselves."""
        return vectors if self.rows is None else self.rows.astype(vectors.dtype)[self._places(vectors)]

    def actions(self, vectors: np.ndarray) -> np.ndarray:
        """Actions ``(..., *space.shape)`` of vectors ``(..., k)``: float32, or whole numbers."""
        if self.whole is None:
            return np.asarray(vectors, np.float32)
        return self.whole[self._places(vectors)].reshape((*np.shape(vectors)[:-1], *(self.space.shape or ())))

    def _places(self, vectors: np.ndarray) -> np.ndarray:
        """The row that is nearest to each of the vectors ``(..., k)``, in units of the range of each entry."""
        assert self.rows is not None
        width = np.where(self.high > self.low, self.high - self.low, 1.0)
        distance = [(((vectors - row) / width) ** 2).sum(-1) for row in self.rows]
        return np.argmin(distance, axis=0)


class NearestActions:
    """Any policy of control vectors as one of whole-number actions: it takes the nearest row of the table of forces.

    Example:
        >>> import numpy as np
        >>> from hnn_gym.agents.lqr import LinearQuadratic
        >>> from hnn_gym.envs.build import build_simulator
        >>> simulator = build_simulator("HNNCartPole-v0")
        >>> balance = NearestActions(LinearQuadratic(simulator.world, position=np.zeros(2)), simulator)
        >>> int(balance.predict(np.array([0.0, 0.0, 0.1, 0.0]))[0])  # it falls to the right: push there
        1
    """

    def __init__(self, policy: Policy, simulator: Simulator) -> None:
        """Take the control vectors of ``policy``, and the actions of the simulator's space.

        Raises:
            InputError: the actions have an infinite bound, or too many combinations.
        """
        self.policy, self._actions = policy, PlannedActions.of(simulator)

    def predict(
        self, observation: np.ndarray, state: Any = None, episode_start: Any = None, deterministic: bool = True
    ) -> tuple[np.ndarray, Any]:
        """Return actions ``(rows, *space.shape)`` for observations ``(rows, d)``, and the policy's state."""
        vectors, state = self.policy.predict(observation, state, episode_start, deterministic)
        return self._actions.actions(vectors), state


def bounded(space: ActionSpace) -> Box:
    """Return a space of real-number actions with finite bounds.

    Raises:
        InputError: the space is not a Box, or a bound is infinite.
    """
    if not isinstance(space, Box):
        raise InputError(
            f"Gradients need actions that are real numbers, and the action space here is {space}: use a planner of "
            "hnn_gym.agents, or train an agent that takes whole numbers by stable-baselines3, such as dqn or ppo."
        )
    if not np.isfinite([space.low, space.high]).all():
        raise InputError(f"A planner needs bounded actions, and the action space here is {space}.")
    return space


def _counts(space: Discrete | MultiDiscrete | MultiBinary) -> np.ndarray:
    """How many values each of the whole numbers of an action has."""
    if isinstance(space, Discrete):
        return np.array([space.n])
    return np.full(space.shape, 2).ravel() if isinstance(space, MultiBinary) else space.nvec.ravel()
