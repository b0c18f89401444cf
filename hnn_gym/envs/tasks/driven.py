"""A known task in a world in which only some of the controls act."""

from __future__ import annotations

from collections.abc import Sequence

from gymnasium.spaces import Box

from hnn_gym.envs.tasks.wrapper import TaskWrapper
from hnn_gym.errors import InputError
from hnn_gym.physics.phase import Array, namespace
from hnn_gym.systems.task import Task


class DrivenTask(TaskWrapper):
    """Everything but the action space is the wrapped task's, which sees forces of 0 where nothing acts."""

    def __init__(self, task: Task, controls: Sequence[int]) -> None:
        """Leave ``task`` with those of its actions that drive these controls.

        Raises:
            InputError: the actions of the task are no Box.
        """
        super().__init__(task)
        if not isinstance(task.action_space, Box):
            raise InputError(f"controls need a task whose actions are real numbers, and they are {task.action_space}.")
        self._controls, self._all = list(controls), task.action_space.shape[0]
        low, high = (bound[self._controls] for bound in (task.action_space.low, task.action_space.high))
        self._space = Box(low, high, dtype=task.action_space.dtype.type)

    @property
    def action_space(self) -> Box:  # type: ignore[override]
        """The entries of the wrapped task's that act."""
        return self._space

    def at(self, t: Array) -> DrivenTask:
        """The wrapped task of the step from t seconds ``(...)``, with the same controls."""
        now = self.task.at(t)
        return self if now is self.task else DrivenTask(now, self._controls)

    def reward(self, q: Array, v: Array, u: Array, next_q: Array, next_v: Array) -> Array:
        """The wrapped task's reward ``(...)`` under forces ``(..., k)`` of the controls that act."""
        acting = {control: u[..., i] for i, control in enumerate(self._controls)}
        forces = [acting.get(i, 0 * u[..., 0]) for i in range(self._all)]
        return self.task.reward(q, v, namespace(u).stack(forces, axis=-1), next_q, next_v)
