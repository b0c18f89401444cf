"""A known task whose episodes end where the caller says."""

from __future__ import annotations

from hnn_gym.coordinates import Coordinates
from hnn_gym.envs.tasks.recorded import Termination
from hnn_gym.envs.tasks.wrapper import TaskWrapper
from hnn_gym.physics.phase import Array
from hnn_gym.systems.task import Task


class TerminatedTask(TaskWrapper):
    """Everything but the end of an episode is the wrapped task's."""

    def __init__(self, task: Task, coordinates: Coordinates, terminated: Termination) -> None:
        """Put ``terminated``, a function of observations, in place of the termination of ``task``."""
        super().__init__(task)
        self._coordinates, self._terminated = coordinates, terminated

    def at(self, t: Array) -> TerminatedTask:
        """The wrapped task of the step from t seconds ``(...)``, with the given termination."""
        now = self.task.at(t)
        return self if now is self.task else TerminatedTask(now, self._coordinates, self._terminated)

    def terminated(self, q: Array, v: Array) -> Array:
        """Whether the observations of states ``(..., n)`` end the episode; bool ``(...)``."""
        return self._terminated(self._coordinates.observation(q, v))
