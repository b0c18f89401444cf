"""The pure core of every environment: (x, action) -> (x', reward, terminated), with free batch axes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from hnn_gym.dynamics import PortHamiltonian
from hnn_gym.envs.tasks import Task
from hnn_gym.phase import Array, split
from hnn_gym.world_model import WorldModel


class Transition(NamedTuple):
    """What one step yields, with batch axes ``(...)``.

    Attributes:
        x: next phase points ``(..., 2n)``.
        force: the forces that acted ``(..., m)``.
        reward: ``(...)``.
        terminated: bool ``(...)``.
        unresolved: bool ``(...)``, whether the step made or lost more energy than the task tolerates, as in a close
            encounter of two bodies; None where the task does not ask, or the world has no H.
    """

    x: Array
    force: Array
    reward: Array
    terminated: Array
    unresolved: Array | None = None


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
        unresolved = None
        if self.task.energy_tolerance is not None and self.world.has_energy:
            error = abs(unexplained_energy(self.world, x, new, force))
            unresolved = ~(error <= self.task.energy_tolerance * (split(new)[1] * next_v).sum(-1) / 2)
        return Transition(
            new, force, self.task.reward(q, v, force, next_q, next_v), self.task.terminated(next_q, next_v), unresolved
        )


def unexplained_energy(world: WorldModel, x: Array, new: Array, force: Array) -> Array:
    """H(new) - H(x) in J that neither the work of the forces nor friction explains: the error of one step ``(...)``.

    A constant force u does the work u (q' - q), exactly; friction takes the integral of D v^2, here its trapezoid.

    Args:
        world: a world with an H and a port.
        x: phase points before the step ``(..., 2n)``.
        new: and after it.
        force: the forces that acted ``(..., m)``.
    """
    error = world.energy(new) - world.energy(x)
    dynamics = world.dynamics
    if isinstance(dynamics, PortHamiltonian):
        if dynamics.control is not None:
            error = error - ((split(new)[0] - split(x)[0]) * (force @ dynamics.control.T)).sum(-1)
        if dynamics.damping is not None:
            before, after = world.state(x)[1], world.state(new)[1]
            error = error + world.dt / 2 * (dynamics.damping * (before * before + after * after)).sum(-1)
    return error
