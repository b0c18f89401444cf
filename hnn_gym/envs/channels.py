"""How an agent's action reaches the physics: as a force, as an energy bump of dE joules, as both, or by force.

A bump is given first, at the start of the step; then the world steps under the force. Its cost,
``cost * abs(realised dE)``, is subtracted from the reward. A bump by force is a request too, but bounded force answers
it during the step, as :class:`hnn_gym.envs.bump_by_force.BumpByForce` does in an environment that has no bumps; it
costs what the force costs.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np
from gymnasium.spaces import Box

from hnn_gym.envs.energy_tracking import force_bounds, force_towards
from hnn_gym.errors import InputError, finite_number
from hnn_gym.physics.bumps import Direction
from hnn_gym.physics.phase import Array, namespace
from hnn_gym.systems.task import ActionSpace, Task
from hnn_gym.worlds.world_model import WorldModel


class Applied(NamedTuple):
    """What an action does before the world steps, with batch axes ``(...)``.

    Attributes:
        x: phase points from which to step ``(..., 2n)``.
        action: what the world's own controls receive ``(..., m)``.
        requested: energy asked for in J ``(...)``, or None where the channel has no bump.
        realised: energy given in J ``(...)``; None: the change of energy in the step itself.
        cost: to be subtracted from the reward ``(...)``, or None.
    """

    x: Array
    action: Array
    requested: Array | None = None
    realised: Array | None = None
    cost: Array | None = None


class ActionChannel(ABC):
    """A way for actions to reach the physics; stateless.

    Attributes:
        requests_energy: whether actions ask for energy, so that :class:`Applied` contains the requested energy.
    """

    requests_energy: ClassVar[bool] = False

    @abstractmethod
    def space(self, task: Task) -> ActionSpace:
        """The action space in a task."""

    def vector(self, world: WorldModel, action: Array) -> Array:
        """Convert actions of the space to the vectors ``(..., k)`` that :meth:`apply` takes; a Box's are unchanged."""
        return action

    @abstractmethod
    def apply(self, world: WorldModel, x: Array, action: Array) -> Applied:
        """Turn actions ``(..., k)`` at phase points ``(..., 2n)`` into a start and controls for the step."""


@dataclass(frozen=True)
class ForceChannel(ActionChannel):
    """The action is the task's own: a force."""

    def space(self, task: Task) -> ActionSpace:
        """The task's action space."""
        return task.action_space

    def vector(self, world: WorldModel, action: Array) -> Array:
        """Control vectors ``(..., m)`` of actions ``(..., m)``, or of whole numbers ``(..., k)`` in the force table."""
        return world.coordinates.control_vector(action)

    def apply(self, world: WorldModel, x: Array, action: Array) -> Applied:
        """Pass the action on."""
        return Applied(x, action)


@dataclass(frozen=True)
class BumpChannel(ActionChannel):
    """The action is an energy bump in J, alone or behind the entries of the force.

    Attributes:
        with_force: the first entries of the action are the task's own.
        limit: largest abs(dE) of one step, in J.
        cost: reward subtracted for each joule realised, given or removed.
        direction: of the bump, see :func:`hnn_gym.physics.bumps.bump`.
    """

    requests_energy = True

    with_force: bool = False
    limit: float = 1.0
    cost: float = 0.05
    direction: Direction = "momentum"

    def space(self, task: Task) -> Box:
        """Bumps in [-limit, limit] J, behind the task's own entries where there is a force too."""
        own = task.action_space
        if not self.with_force:
            return Box(-self.limit, self.limit, (1,), np.float32)
        if not isinstance(own, Box):
            raise InputError(
                f"actions='force+bump' joins a bump to the numbers of a force, and the actions here are {own}: use "
                "actions='force' or actions='bump'."
            )
        low, high = np.append(own.low, -self.limit), np.append(own.high, self.limit)
        return Box(low.astype(np.float32), high.astype(np.float32), dtype=np.float32)

    def apply(self, world: WorldModel, x: Array, action: Array) -> Applied:
        """Bump the phase points; H or a speed limit may clip the request, as ``realised`` shows."""
        dE = action[..., -1]
        given = world.bump(x, namespace(x).clip(dE, -self.limit, self.limit), direction=self.direction)
        forces = action[..., :-1] if self.with_force else _none(world, action)
        return Applied(given.x, forces, dE, given.realised, self.cost * abs(given.realised))


@dataclass(frozen=True)
class ForceBumpChannel(ActionChannel):
    """The action is a change of energy in J that bounded force approximates in the step as closely as it can.

    Attributes:
        limit: largest abs(dE) of one step, in J.
    """

    requests_energy = True

    limit: float = 1.0

    def space(self, task: Task) -> Box:
        """Requests in [-limit, limit] J."""
        return Box(-self.limit, self.limit, (1,), np.float32)

    def apply(self, world: WorldModel, x: Array, action: Array) -> Applied:
        """Choose the force; 0 asks that the energy stay as it is."""
        dE = action[..., 0]
        wanted = world.energy(x) + namespace(x).clip(dE, -self.limit, self.limit)
        return Applied(x, force_towards(world, x, wanted), dE)


def _none(world: WorldModel, action: Array) -> Array:
    """No force: zeros ``(..., m)``."""
    return namespace(action).concat([0 * action[..., :1]] * len(world.coordinates.controls), axis=-1)


def channel_of(actions: str, *, world: WorldModel, limit: float = 1.0, cost: float = 0.05) -> ActionChannel:
    """Return the channel named "force", "bump", "force+bump" or "bump-by-force".

    Args:
        actions: its name.
        world: the world it will act on.
        limit: largest abs(dE) of one step, in J.
        cost: reward taken for each joule realised; not of bumps by force.

    Raises:
        InputError: an unknown name, a limit or cost out of range, bumps on a world without an energy, or by force
            where none is bounded.
    """
    if actions == "force":
        return ForceChannel()
    if actions not in ("bump", "force+bump", "bump-by-force"):
        raise InputError(f"actions must be 'force', 'bump', 'force+bump' or 'bump-by-force', not {actions!r}.")
    limit = finite_number(limit, "bump_limit, in J,", above=0)
    cost = finite_number(cost, "bump_cost, per J,", at_least=0)
    if not world.has_energy:
        raise InputError(
            "A baseline world has no energy to bump: make it with actions='force', or use a world with a Hamiltonian, "
            "such as HNNPendulum-v0."
        )
    if actions == "bump-by-force":
        force_bounds(world)
        return ForceBumpChannel(limit=limit)
    return BumpChannel(with_force=actions == "force+bump", limit=limit, cost=cost)
