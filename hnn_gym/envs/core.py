"""The pure core of every environment: (x, action) -> (x', reward, terminated), with free batch axes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from hnn_gym.envs.tasks import Task
from hnn_gym.phase import Array
from hnn_gym.world_model import WorldModel


class Transition(NamedTuple):
    """What one step yields, with batch axes ``(...)``.

    Attributes:
        x: next phase points ``(..., 2n)``.
        force: the forces that acted ``(..., m)``.
        reward: ``(...)``.
        terminated: bool ``(...)``.
    """

    x: Array
    force: Array
    reward: Array
    terminated: Array


@dataclass(frozen=True)
class Simulator:
    """A world and a task; no state, no randomness.

    Attributes:
        world: the physics, true or learned.
        task: the problem posed in it.
    """

    world: WorldModel
    task: Task

    def transition(self, x: Array, action: Array) -> Transition:
        """Step phase points ``(..., 2n)`` under actions ``(..., m)``."""
        force = self.world.coordinates.force(action)
        new = self.world.step(x, action)
        q, v = self.world.state(x)
        next_q, next_v = self.world.state(new)
        return Transition(
            new, force, self.task.reward(q, v, force, next_q, next_v), self.task.terminated(next_q, next_v)
        )
