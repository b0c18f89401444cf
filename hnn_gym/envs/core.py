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
from hnn_gym.systems.task import ActionSpace, Task
from hnn_gym.worlds.world_model import WorldModel


class Motion(NamedTuple):
    """The physics of one step, with batch axes ``(...)``.

    Attributes:
        x: next phase points ``(..., 2n)``.
        q: positions before the step ``(..., n)``.
        v: velocities before the step ``(..., n)``.
        force: the forces that acted ``(..., m)``.
        next_q: positions after the step ``(..., n)``.
        next_v: velocities after the step ``(..., n)``.
        charge: to be subtracted from any reward ``(...)``: the cost of a bump and the penalty for the disagreement of
            an ensemble. None: nothing.
        energy: H in J ``(...)`` of the next phase points, if it was needed; else None.
        unresolved: bool ``(...)``, whether the step's energy error exceeds the task's tolerance, as in a close
            encounter of two bodies; None if the task has no tolerance, or the world has no H.
        requested: energy in J ``(...)`` that the action asked for, or None where it cannot.
        realised: energy in J ``(...)`` that the bump gave, by the world's own H.
        realised_truly: the same by the true H, if that is known.
        disagreement: ``(...)`` of an ensemble about the step; None for a single world.
    """

    x: Array
    q: Array
    v: Array
    force: Array
    next_q: Array
    next_v: Array
    charge: Array | None = None
    energy: Array | None = None
    unresolved: Array | None = None
    requested: Array | None = None
    realised: Array | None = None
    realised_truly: Array | None = None
    disagreement: Array | None = None


class Transition(NamedTuple):
    """The result of one step, with batch axes ``(...)``.

    Attributes:
        x: next phase points ``(..., 2n)``.
        q: their positions ``(..., n)``.
        v: their velocities ``(..., n)``.
        force: the forces that acted ``(..., m)``.
        reward: ``(...)``.
        terminated: bool ``(...)``.
        unresolved: as of :class:`Motion`.
        disagreement: as of :class:`Motion`.
    """

    x: Array
    q: Array
    v: Array
    force: Array
    reward: Array
    terminated: Array
    unresolved: Array | None = None
    disagreement: Array | None = None


@dataclass(frozen=True)
class Simulator:
    """A world and a task, without state and without randomness.

    Attributes:
        world: the physics, true or learned.
        task: the problem posed in it.
        channel: how actions reach the physics.
        truth: the true world behind a learned one, if it is known.
        ensemble: the other members of the ensemble that ``world`` belongs to; None for a single world.
    """

    world: WorldModel
    task: Task
    channel: ActionChannel = field(default_factory=ForceChannel)
    truth: WorldModel | None = None
    ensemble: Ensemble | None = None

    def spaces(self) -> tuple[Box, ActionSpace]:
        """Return the observation and action space of one copy, new each time: a space holds its own randomness."""
        return deepcopy(self.task.observation_space), deepcopy(self.channel.space(self.task))

    @property
    def action_size(self) -> int:
        """Entries of the action vectors that a step takes."""
        space = self.channel.space(self.task)
        return space.shape[0] if isinstance(space, Box) else len(self.world.coordinates.controls)

    def action_vector(self, action: Array) -> Array:
        """Action vectors ``(..., k)`` of actions: those of a Box unchanged, whole numbers ``(..., j)`` by table."""
        return self.channel.vector(self.world, action)

    def observation(self, q: Array, v: Array, t: Array | float = 0.0) -> Array:
        """The agent's observation ``(..., d)`` of states ``(..., n)``, t seconds ``(...)`` into the episode."""
        seen = self.world.coordinates.observation(q, v)
        if not self.task.goal_size:
            return seen
        return namespace(q).concat([seen, self.task.goal(0 * q[..., 0] + t)], axis=-1)

    def move(self, x: Array, action: Array) -> Motion:
        """Step phase points ``(..., 2n)`` under action vectors ``(..., k)``: the physics alone."""
        applied = self.channel.apply(self.world, x, action)
        force = self.world.coordinates.force(applied.action)
        new = self.world.advance(applied.x, force)
        q, v = self.world.state(x)
        next_q, next_v = self.world.state(new)
        energy = unresolved = None
        if self._checks_energy:
            energy = self.world.energy(new)
            error = abs(unexplained_energy(self.world, applied.x, new, force, energy=energy))
            unresolved = ~(error <= self.task.energy_tolerance * (split(new)[1] * next_v).sum(-1) / 2)
        realised, bumped = applied.realised, applied.x
        if applied.requested is not None and realised is None:
            realised, bumped = self.world.energy(new) - self.world.energy(x), new
        charge, disagreement = applied.cost, None
        if self.ensemble is not None:
            disagreement = self.ensemble.disagreement(self.world, applied.x, force, next_q, next_v)
            penalty = self.ensemble.penalty * disagreement
            charge = penalty if charge is None else charge + penalty
        return Motion(
            x=new,
            q=q,
            v=v,
            force=force,
            next_q=next_q,
            next_v=next_v,
            charge=charge,
            energy=energy,
            unresolved=unresolved,
            requested=applied.requested,
            realised=realised,
            realised_truly=None if applied.requested is None else self._true_change(x, bumped),
            disagreement=disagreement,
        )

    def reward(
        self,
        q: Array,
        v: Array,
        force: Array,
        next_q: Array,
        next_v: Array,
        *,
        charge: Array | None = None,
        t: Array | float = 0.0,
    ) -> Array:
        """The task's reward ``(...)`` of a step that began t seconds ``(...)`` into the episode, less its charge.

        The other arguments are those of :class:`Motion`.
        """
        task = self.task.at(0 * q[..., 0] + t) if self.task.goal_size else self.task
        reward = task.reward(q, v, force, next_q, next_v)
        return reward if charge is None else reward - charge

    def transition(self, x: Array, action: Array, t: Array | float = 0.0) -> Transition:
        """Step phase points ``(..., 2n)`` under actions ``(..., k)`` of the channel's space, and judge the step.

        Args:
            x: phase points.
            action: actions.
            t: seconds since the episodes began ``(...)``; matters only to tasks whose goal changes.
        """
        motion = self.move(x, action)
        return Transition(
            x=motion.x,
            q=motion.next_q,
            v=motion.next_v,
            force=motion.force,
            reward=self.reward(*motion[1:6], charge=motion.charge, t=t),
            terminated=self.task.terminated(motion.next_q, motion.next_v),
            unresolved=motion.unresolved,
            disagreement=motion.disagreement,
        )

    def cut(self, disagreement: Array | float | None) -> Array | None:
        """Whether to truncate because the disagreement ``(...)`` exceeds the limit; None without a limit."""
        if disagreement is None or self.ensemble is None or self.ensemble.limit is None:
            return None
        return disagreement > self.ensemble.limit

    def like(self, x: Array) -> Simulator:
        """The same with arrays in the library, dtype and device of ``x``; the truth moves only to torch."""
        moved = replace(
            self, world=self.world.like(x), ensemble=None if self.ensemble is None else self.ensemble.like(x)
        )
        if self.truth is None or namespace(x) is np:
            return moved
        return replace(moved, truth=self.truth.like(x))

    @property
    def _checks_energy(self) -> bool:
        return self.task.energy_tolerance is not None and self.world.has_energy

    def state_info(self, x: Array, *, energy: Array | None = None) -> dict[str, Array]:
        """The info of phase points ``(..., 2n)``, whether or not a step led there; arrays ``(...)`` by name.

        Args:
            x: phase points.
            energy: H in J ``(...)``, if it is known already.
        """
        if not self.world.has_energy:
            return {}
        return {"energy": self.world.energy(x) if energy is None else energy}

    def step_info(self, motion: Motion) -> dict[str, Array]:
        """The info about a step; arrays ``(...)`` by the names of :attr:`no_step_info`."""
        given = (motion.unresolved, motion.disagreement, motion.requested, motion.realised, motion.realised_truly)
        names = ("close_encounter", "disagreement", "bump_requested", "bump_realised", "bump_realised_truly")
        return {name: value for name, value in zip(names, given, strict=True) if value is not None}

    @property
    def no_step_info(self) -> dict[str, bool | float]:
        """The same info where an episode begins, so that it has the same names as that of a step."""
        names: dict[str, bool | float] = {}
        if self._checks_energy:
            names["close_encounter"] = False
        if self.ensemble is not None:
            names["disagreement"] = 0.0
        if self.channel.requests_energy:
            names |= {"bump_requested": 0.0, "bump_realised": 0.0}
            if self.truth is not None:
                names["bump_realised_truly"] = 0.0
        return names

    def _true_change(self, x: Array, bumped: Array) -> Array | None:
        if self.truth is None:
            return None
        after, before = (self.truth.phase_point(*self.world.state(point)) for point in (bumped, x))
        return self.truth.energy(after) - self.truth.energy(before)


def unexplained_energy(world: WorldModel, x: Array, new: Array, force: Array, *, energy: Array | None = None) -> Array:
    """The energy error of one step in J ``(...)``: H(new) - H(x) less the work of the forces and of friction.

    A constant force u does the work u (q' - q), exactly; the work of friction and other forces is the trapezoid of
    their power.

    Args:
        world: a world with an H and a port.
        x: phase points before the step ``(..., 2n)``.
        new: phase points after the step.
        force: the forces that acted ``(..., m)``.
        energy: H(new) ``(...)``, if it is known already.
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
