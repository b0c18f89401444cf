"""The pure core of every environment: (x, action) -> (x', reward, terminated), with free batch axes.

An action channel turns the action into an energy bump, which comes first, and controls, under which the world steps.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
from gymnasium.spaces import Box

from hnn_gym.envs.channels import ActionChannel, ForceChannel
from hnn_gym.envs.ensemble import Ensemble
from hnn_gym.physics.dynamics import PortHamiltonian
from hnn_gym.physics.phase import Array, namespace, split
from hnn_gym.systems import Task
from hnn_gym.worlds.world_model import WorldModel


class Transition(NamedTuple):
    """What one step yields, with batch axes ``(...)``.

    Attributes:
        x: next phase points ``(..., 2n)``.
        q: their positions ``(..., n)``.
        v: their velocities ``(..., n)``.
        force: the forces that acted ``(..., m)``.
        reward: ``(...)``.
        terminated: bool ``(...)``.
        energy: H in J ``(...)`` of the next phase points, where it was needed; else None.
        unresolved: bool ``(...)``, whether the step made or lost more energy than the task tolerates, as in a close
            encounter of two bodies; None where the task does not ask, or the world has no H.
        requested: energy in J ``(...)`` that the action asked for, or None where it cannot.
        realised: energy in J ``(...)`` that the bump gave, by the world's own H.
        realised_truly: the same by the true H, where that is known.
        disagreement: ``(...)`` of an ensemble about the step; None for a world alone.
    """

    x: Array
    q: Array
    v: Array
    force: Array
    reward: Array
    terminated: Array
    energy: Array | None = None
    unresolved: Array | None = None
    requested: Array | None = None
    realised: Array | None = None
    realised_truly: Array | None = None
    disagreement: Array | None = None


@dataclass(frozen=True)
class Simulator:
    """A world and a task; no state, no randomness.

    Attributes:
        world: the physics, true or learned.
        task: the problem posed in it.
        channel: how actions reach the physics.
        truth: the true world that a learned one stands for, where it is known.
        doubt: the other members of the ensemble that ``world`` is of; None for a world alone.
    """

    world: WorldModel
    task: Task
    channel: ActionChannel = field(default_factory=ForceChannel)
    truth: WorldModel | None = None
    ensemble: Ensemble | None = None

    def spaces(self) -> tuple[Box, Box]:
        """Return the observation and action space of one copy, new each time: a space holds its own randomness."""
        return deepcopy(self.task.observation_space), deepcopy(self.channel.space(self.task))

    def observation(self, q: Array, v: Array, t: Array | float = 0.0) -> Array:
        """What the agent sees ``(..., d)`` of states ``(..., n)``, t seconds ``(...)`` into the episode."""
        seen = self.world.coordinates.observation(q, v)
        if not self.task.goal_size:
            return seen
        return namespace(q).concat([seen, self.task.goal(0 * q[..., 0] + t)], axis=-1)

    def transition(self, x: Array, action: Array, t: Array | float = 0.0) -> Transition:
        """Step phase points ``(..., 2n)`` under actions ``(..., k)`` of the channel's space.

        Args:
            x: phase points.
            action: actions.
            t: seconds since the episodes began ``(...)``; matters only to tasks whose goal changes.
        """
        applied = self.channel.apply(self.world, x, action)
        force = self.world.coordinates.force(applied.action)
        new = self.world.advance(applied.x, force)
        q, v = self.world.state(x)
        next_q, next_v = self.world.state(new)
        energy = unresolved = None
        if self.task.energy_tolerance is not None and self.world.has_energy:
            energy = self.world.energy(new)
            error = abs(unexplained_energy(self.world, applied.x, new, force, energy=energy))
            unresolved = ~(error <= self.task.energy_tolerance * (split(new)[1] * next_v).sum(-1) / 2)
        task = self.task.at(0 * q[..., 0] + t) if self.task.goal_size else self.task
        reward = task.reward(q, v, force, next_q, next_v)
        if applied.cost is not None:
            reward = reward - applied.cost
        realised, bumped = applied.realised, applied.x
        if applied.requested is not None and realised is None:
            realised, bumped = self.world.energy(new) - self.world.energy(x), new
        disagreement = None
        if self.ensemble is not None:
            disagreement = self.ensemble.disagreement(self.world, applied.x, force, next_q, next_v)
            reward = reward - self.ensemble.penalty * disagreement
        return Transition(
            x=new,
            q=next_q,
            v=next_v,
            force=force,
            reward=reward,
            terminated=self.task.terminated(next_q, next_v),
            energy=energy,
            unresolved=unresolved,
            requested=applied.requested,
            realised=realised,
            realised_truly=None if applied.requested is None else self._true_change(x, bumped),
            disagreement=disagreement,
        )

    def cut(self, disagreement: Array | float | None) -> Array | None:
        """Whether to truncate where the members of the ensemble disagree so much ``(...)``; None without a limit."""
        if disagreement is None or self.ensemble is None or self.ensemble.limit is None:
            return None
        return disagreement > self.ensemble.limit

    def like(self, x: Array) -> Simulator:
        """The same with arrays in the library, dtype and place of ``x``; the truth stays on NumPy where x is."""
        moved = replace(
            self, world=self.world.like(x), ensemble=None if self.ensemble is None else self.ensemble.like(x)
        )
        if self.truth is None or namespace(x) is np:
            return moved
        return replace(moved, truth=self.truth.like(x))

    @property
    def told_of_states(self) -> tuple[str, ...]:
        """The names in :meth:`info` that tell of a state alone, and not of the step that led there."""
        return ("energy",) if self.world.has_energy else ()

    def info(self, x: Array, transition: Transition | None = None) -> dict[str, Array]:
        """What every shell tells of phase points ``(..., 2n)`` and the step that led there; arrays ``(...)``."""
        told = {}
        if self.world.has_energy:
            # A shell may have begun new episodes since: then x is not where the step led.
            known = transition.energy if transition is not None and transition.x is x else None
            told["energy"] = self.world.energy(x) if known is None else known
        if transition is not None and transition.unresolved is not None:
            told["close_encounter"] = transition.unresolved
        if transition is not None and transition.disagreement is not None:
            told["disagreement"] = transition.disagreement
        if transition is not None and transition.requested is not None:
            told |= {"bump_requested": transition.requested, "bump_realised": transition.realised}
            if transition.realised_truly is not None:
                told["bump_realised_truly"] = transition.realised_truly
        return told

    def _true_change(self, x: Array, bumped: Array) -> Array | None:
        if self.truth is None:
            return None
        after, before = (self.truth.phase_point(*self.world.state(point)) for point in (bumped, x))
        return self.truth.energy(after) - self.truth.energy(before)


def unexplained_energy(world: WorldModel, x: Array, new: Array, force: Array, *, energy: Array | None = None) -> Array:
    """H(new) - H(x) in J that neither the work of the forces nor friction explains: the error of one step ``(...)``.

    A constant force u does the work u (q' - q), exactly; the work of friction and other forces is the trapezoid of
    their power.

    Args:
        world: a world with an H and a port.
        x: phase points before the step ``(..., 2n)``.
        new: and after it.
        force: the forces that acted ``(..., m)``.
        energy: H(new) ``(...)``, where it is known already.
    """
    error = (world.energy(new) if energy is None else energy) - world.energy(x)
    dynamics = world.dynamics
    if isinstance(dynamics, PortHamiltonian):
        if dynamics.control is not None:
            error = error - ((split(new)[0] - split(x)[0]) * dynamics.control_force(split(x)[0], force)).sum(-1)
        if dynamics.dissipative:
            before, after = (dynamics.power(*world.state(point), force) for point in (x, new))
            error = error - world.dt / 2 * (before + after)
    return error
