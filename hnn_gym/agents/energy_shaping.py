"""Energy shaping: ask for the energy that is missing, E* - H(x), and otherwise let the world move.

This agent of a few lines solves the bump tasks from the learned H alone. The target is one number, or a :data:`Target`
that computes it from the observation: :func:`upright`, :func:`circle`.
Source: Astrom and Furuta, *Swinging up a pendulum by energy control*, Automatica 36 (2000) 287-295.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from hnn_gym.agents.observed import observed
from hnn_gym.errors import InputError, checked_arguments, finite_number
from hnn_gym.physics.phase import join, split
from hnn_gym.worlds.world_model import WorldModel

Target = Callable[[np.ndarray], np.ndarray]
"""Returns the target energy in J ``(...)`` for observations ``(..., d)``."""

_STEP = 1e-4
"""Step of the difference quotient of V, as a share of the distance."""


class EnergyShaping:
    """Requests bumps towards a target energy, with the ``predict`` of stable-baselines3.

    Attributes:
        world: a learned world with an H.
        target: energy to reach in J, a number or a :data:`Target`.
        limit: largest abs(dE) of one request, in J.
        tolerance: energies closer to the target than this, in J, are left alone.
    """

    @checked_arguments
    def __init__(
        self, world: WorldModel, *, target: float | Target, limit: float = 1.0, tolerance: float = 1e-3
    ) -> None:
        """Aim at ``target`` in the world's H.

        Raises:
            InputError: the world is a baseline and has no H, or a number is not finite or out of range.
        """
        if not world.has_energy:
            raise InputError("Energy shaping needs a world with a Hamiltonian, and a baseline has none.")
        self.world, self.target = world, target if callable(target) else finite_number(target, "target")
        self.limit = finite_number(limit, "limit", above=0.0)
        self.tolerance = finite_number(tolerance, "tolerance", at_least=0.0)

    def predict(
        self, observation: np.ndarray, state: Any = None, episode_start: Any = None, deterministic: bool = True
    ) -> tuple[np.ndarray, Any]:
        """Return dE in J ``(..., 1)`` for observations ``(..., d)``, and the state, which is not used."""
        seen = observed(observation, self.world.coordinates.observation_size, more=True)
        observation = np.asarray(seen, np.float64)
        target = self.target(observation) if callable(self.target) else self.target
        x = self.world.encode(observation)
        q, p = split(x)
        # No impulse leads below H at rest: it is better to fall freely first, and to remove the kinetic energy then.
        missing = np.where(target < self.world.energy(join(q, 0 * p)), 0.0, target - self.world.energy(x))
        dE = np.where(np.abs(missing) <= self.tolerance, 0.0, np.clip(missing, -self.limit, self.limit))
        return dE[..., None].astype(np.float32), state


def upright(world: WorldModel, *, angle: float, still_within: float = 0.07) -> Target:
    """Target the energy at rest at ``angle``; close to it, the energy at rest at the present angle, so that it stops.

    No bump can balance a pendulum, because it changes p along p alone; but from rest near the top it falls slowly.

    Args:
        world: a learned world of one angle.
        angle: q at the top, in rad.
        still_within: distance from it in rad at which to stop.
    """
    top = float(world.energy(np.array([angle, 0.0])))

    def target(observation: np.ndarray) -> np.ndarray:
        q, p = split(world.encode(observation))
        distance = np.abs((q[..., 0] - angle + np.pi) % (2 * np.pi) - np.pi)
        standing = world.energy(join(q, 0 * p))
        return np.where(distance < still_within, np.minimum(standing, top), top)

    return target


def circle(world: WorldModel, *, distance: float, width: float = 0.01) -> Target:
    """Target the energy of a transfer orbit to the circle of two bodies ``distance`` apart, then that of the circle.

    An impulse multiplies both momenta, seen from the centre of mass, by one factor s. With T the kinetic energy, T_t
    its part across the line between the bodies and L their angular momentum, the orbit then turns at d* where

        s^2 (T - T_t (d / d*)^2) = V(d*) - V(d),

    since T_t d^2 = L^2 / 2m. On the transfer orbit the same law gives s = 1. At d*, a circle has T = d V'(d) / 2. V and
    T are computed from H alone, at scaled positions, without and with momenta.

    Args:
        world: a learned world of two equal masses in the plane.
        distance: d* in m.
        width: tolerance for having arrived: of the distance from d*, and of the radial speed as a share of the speed.
    """

    def target(observation: np.ndarray) -> np.ndarray:
        q, p = split(world.encode(observation))
        common = p[..., :2] + p[..., 2:]
        own = p - np.concatenate([common, common], axis=-1) / 2
        line, along = q[..., 2:] - q[..., :2], own[..., 2:] - own[..., :2]
        d, energy = np.linalg.norm(line, axis=-1), world.energy(join(q, p))
        radial = ((line * along).sum(-1) / d) ** 2 / np.maximum((along * along).sum(-1), 1e-300)

        def potential(factor: np.ndarray) -> np.ndarray:
            return world.energy(join(np.expand_dims(factor, -1) * q, 0 * p))

        one = np.ones_like(d)
        here = potential(one)
        kinetic = world.energy(join(q, own)) - here
        rise, room = potential(distance / d) - here, kinetic * (1 - (1 - radial) * (d / distance) ** 2)
        # If the bodies pass d* on too straight a path, no factor makes them turn there, and they are left alone.
        turns = rise * room > 0
        transfer = np.where(turns, rise / np.where(turns, room, one), one) * kinetic
        circular = (potential(one + _STEP) - potential(one - _STEP)) / (4 * _STEP)
        arrived = (np.abs(d / distance - 1) < width) & (radial < width**2)
        return energy + np.where(arrived, circular, transfer) - kinetic

    return target
