"""What systems of bodies in the plane share: q = [x_1, y_1, x_2, y_2, ...], and the task of keeping them together.

r = 1 - mean_i (|x_i - x_c| / R)^2 - 0.05 (|a_1| + |a_2|); the episode is over when a body escapes beyond R.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium.spaces import Box

from hnn_gym.coordinates import Control, Coordinates, DegreeOfFreedom
from hnn_gym.errors import InputError, checked_arguments
from hnn_gym.physics.phase import Array, namespace, split
from hnn_gym.systems.picture import Disc, Picture
from hnn_gym.systems.starts import Starts
from hnn_gym.systems.task import Task

RESOLVED = 1e-3
"""Largest error of energy in one step, as a share of the kinetic energy, that counts as resolved."""


def bodies_coordinates(bodies: int, *, force_limit: float) -> Coordinates:
    """Observe positions, then velocities, of bodies in the plane; push the first one along x and y.

    Args:
        bodies: how many.
        force_limit: in N; the actions are shares of it.
    """
    n = 2 * bodies
    return Coordinates(
        degrees=tuple(DegreeOfFreedom(position=i, velocity=n + i) for i in range(n)),
        controls=tuple(Control(degree=i, limit=force_limit, unit="N", scale=force_limit) for i in range(2)),
    )


def in_plane(q: Array) -> Array:
    """Positions or velocities ``(..., 2b)`` by body: ``(..., b, 2)``."""
    return namespace(q).reshape(q, (*q.shape[:-1], q.shape[-1] // 2, 2))


def from_centre(q: Array, masses: tuple[float, ...]) -> Array:
    """Distances of the bodies from their centre of mass ``(..., b)`` in m, of positions ``(..., 2b)``."""
    positions = in_plane(q)
    total = sum(masses)
    centre = sum(positions[..., i, :] * (mass / total) for i, mass in enumerate(masses))
    offset = positions - centre[..., None, :]
    return (offset * offset).sum(-1) ** 0.5


def closest(q: Array) -> Array:
    """Smallest distance between two bodies ``(...)`` in m, of positions ``(..., 2b)``."""
    xp, positions = namespace(q), in_plane(q)
    separation = positions[..., None, :, :] - positions[..., :, None, :]
    itself = xp.eye(positions.shape[-2], dtype=q.dtype, device=getattr(q, "device", None))
    squared = (separation * separation).sum(-1) + xp.where(itself > 0, float("inf"), itself)
    return xp.min(squared, axis=(-2, -1)) ** 0.5


def refuse_coinciding(q: np.ndarray) -> None:
    """Refuse positions ``(2b,)`` with two bodies in the same place.

    Raises:
        InputError: two bodies coincide.
    """
    positions = in_plane(q)
    for i in range(len(positions)):
        for j in range(i):
            if np.array_equal(positions[i], positions[j]):
                raise InputError(
                    f"Bodies {j} and {i} are both at {positions[i].tolist()} m, where their forces are not defined: "
                    "start them apart."
                )


def bodies_picture(q: Array, masses: tuple[float, ...], view_radius: float) -> Picture:
    """Discs with trails at positions ``(2b,)``, as large as their masses say, seen from the centre of mass."""
    positions = in_plane(q)
    centre = sum(positions[..., i, :] * (mass / sum(masses)) for i, mass in enumerate(masses))
    largest = 0.8 * min(0.1, 0.2 / len(masses) ** 0.5) * view_radius
    discs = tuple(
        Disc(
            (positions[..., i, :] - centre)[..., None, :],
            largest * (mass / max(masses)) ** (1 / 3),
            ("body", "second", "third")[i % 3],
            trail=True,
        )
        for i, mass in enumerate(masses)
    )
    return Picture(discs, view_radius)


class KeepBound(Task):
    """Keep gravitating bodies bound, and apart, with an engine on the first of them.

    Attributes:
        masses: of the bodies in kg.
        starts: draws [q, v].
        escape_radius: R in m; a body further than this from the centre of mass has escaped.
        collision_distance: in m; two bodies closer than this have collided. 0: they pass through each other.
        force_limit: largest force on body 1 along x and along y, in N.
        view_radius: in m; how much a picture shows at least.
    """

    max_episode_steps = 1000
    renderer = "hnn_gym.envs.render.bodies:BodiesRenderer"
    energy_tolerance = RESOLVED
    force_limit = 0.2

    @checked_arguments
    def __init__(
        self,
        masses: tuple[float, ...],
        *,
        starts: Starts,
        escape_radius: float,
        collision_distance: float,
        view_radius: float,
    ) -> None:
        """Pose the task for bodies of the given masses."""
        self.masses, self.starts = masses, starts
        self.escape_radius, self.collision_distance, self.view_radius = escape_radius, collision_distance, view_radius
        self.observation_space = Box(-np.inf, np.inf, (4 * len(masses),), np.float32)
        self.action_space = Box(-1.0, 1.0, (2,), np.float32)

    def initial(self, rng: np.random.Generator, options: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray]:
        """Draw a start (q, v), each ``(2b,)``."""
        return split(self.starts(rng, 1)[0])

    def check_state(self, q: np.ndarray, v: np.ndarray) -> None:
        """Refuse coinciding bodies."""
        refuse_coinciding(q)

    def reward(self, q: Array, v: Array, u: Array, next_q: Array, next_v: Array) -> Array:
        """Reward ``(...)`` of arriving at states ``(..., 2b)`` under thrusts ``(..., 2)``."""
        spread = from_centre(next_q, self.masses) / self.escape_radius
        return 1 - (spread * spread).sum(-1) / len(self.masses) - 0.05 * abs(u / self.force_limit).sum(-1)

    def terminated(self, q: Array, v: Array) -> Array:
        """Whether a body of states ``(..., 2b)`` escaped or two collided; bool ``(...)``."""
        escaped = (from_centre(q, self.masses) > self.escape_radius).sum(-1) > 0
        return escaped if self.collision_distance == 0 else escaped | (closest(q) < self.collision_distance)

    def picture(self, q: Array) -> Picture:
        """The bodies at q ``(2b,)``, seen from their centre of mass."""
        return bodies_picture(q, self.masses, self.view_radius)
