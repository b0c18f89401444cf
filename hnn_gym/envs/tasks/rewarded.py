"""A known task with a reward of the caller's."""

from __future__ import annotations

from hnn_gym.coordinates import Coordinates
from hnn_gym.envs.tasks.recorded import Reward
from hnn_gym.envs.tasks.wrapper import TaskWrapper
from hnn_gym.physics.phase import Array
from hnn_gym.systems.task import Task


class RewardedTask(TaskWrapper):
    """Replaces the reward of the wrapped task."""

    def __init__(self, task: Task, coordinates: Coordinates, reward: Reward) -> None:
        """Put ``reward``, a function of observations, in place of the reward of ``task``."""
        super().__init__(task)
        self._coordinates, self._reward = coordinates, reward

    def at(self, t: Array) -> RewardedTask:
        """The wrapped task of the step from t seconds ``(...)``, under the given reward."""
        now = self.task.at(t)
        return self if now is self.task else RewardedTask(now, self._coordinates, self._reward)

    def reward(self, q: Array, v: Array, u: Array, next_q: Array, next_v: Array) -> Array:
        """The given reward ``(...)`` of the observations before and after the step."""
        return self._reward(self._coordinates.observation(q, v), u, self._coordinates.observation(next_q, next_v))
