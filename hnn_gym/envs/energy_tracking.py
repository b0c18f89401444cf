"""The bounded force of one step that brings the energy closest to a target: how bumps become force."""

from __future__ import annotations

import numpy as np

from hnn_gym.errors import InputError
from hnn_gym.physics.phase import Array, namespace
from hnn_gym.worlds.world_model import WorldModel

CANDIDATES = 33
"""Forces tried in each step."""
_WEAKER = 1e-9
"""Preference in J for a weaker force among those that do equally well."""


def force_bounds(world: WorldModel) -> np.ndarray:
    """Largest actions ``(m,)`` of a world's controls.

    Raises:
        InputError: the world has no H or no bounded control.
    """
    controls = world.coordinates.controls
    if not world.has_energy:
        raise InputError("A baseline world has no energy to aim at: use a world with a Hamiltonian.")
    if not controls or any(control.limit is None for control in controls):
        raise InputError("Bumps by force need controls with limits, and this world has none.")
    return np.array([abs(control.limit / control.scale) for control in controls if control.limit is not None])


def force_towards(world: WorldModel, x: Array, target: Array, *, candidates: int = CANDIDATES) -> Array:
    """Return the action ``(..., m)`` whose outcome, by the world itself, is closest in H to ``target`` ``(...)``.

    It is one of evenly spaced shares of full force along the velocity, or against it. Work is u v dt, which is 0 at
    rest, and one step of bounded force may not reach the target.

    Args:
        world: a world with an H, and controls that have limits.
        x: phase points ``(..., 2n)``.
        target: energies in J ``(...)``.
        candidates: how many forces are tried.

    Raises:
        InputError: the world has no H or no bounded control.
    """
    xp, place = namespace(x), {"dtype": x.dtype, "device": x.device}
    bounds, shares = xp.asarray(force_bounds(world), **place), xp.linspace(-1, 1, candidates, **place)
    velocity = world.state(x)[1][..., [control.degree for control in world.coordinates.controls]]
    along = xp.where(velocity < 0, -bounds, bounds)
    actions = shares[:, None] * along[..., None, :]
    points = xp.broadcast_to(x[..., None, :], (*x.shape[:-1], candidates, x.shape[-1]))
    outcomes = world.energy(world.step(points, actions))
    best = xp.argmin(abs(outcomes - target[..., None]) + _WEAKER * abs(shares), axis=-1)
    where = xp.broadcast_to(best[..., None, None], (*x.shape[:-1], 1, len(bounds)))
    return xp.take_along_axis(actions, where, axis=-2)[..., 0, :]
