"""Swing up and balance without learning a policy: energy shaping by force far away, linear-quadratic control close by.

Far from the target the force does work on the motion, u = u_max clip((E* - H) / band, -1, 1) sign(v), so that the
learned H tends to E*, its value at rest at the target. Where the linear controller can reach the target, it takes over.
Source: Astrom and Furuta, *Swinging up a pendulum by energy control*, Automatica 36 (2000) 287-295.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from hnn_gym.agents.lqr import LinearQuadratic
from hnn_gym.agents.observed import observed
from hnn_gym.errors import InputError, checked_arguments
from hnn_gym.physics.dynamics import PortHamiltonian
from hnn_gym.worlds.world_model import WorldModel


class SwingUp:
    """Brings a learned world to rest at a position by bounded force, with the ``predict`` of stable-baselines3.

    Attributes:
        world: the learned world.
        near: the linear controller.
        target: E*, H at rest at the target, in J.
        band: missing energy in J below which the force gets weaker.
        basin: the linear controller takes over where its cost-to-go is below this, in the units of the reward.

    Example:
        >>> import numpy as np
        >>> from hnn_gym.agents.swing_up import SwingUp
        >>> from hnn_gym.envs.shipped import resolve_world
        >>> agent = SwingUp(resolve_world("HNNPendulum-v0"), position=np.zeros(1))
        >>> action, _ = agent.predict(np.array([-1.0, 0.0, 0.1]))
    """

    @checked_arguments
    def __init__(
        self,
        world: WorldModel,
        *,
        position: np.ndarray,
        weights: tuple[float, float, float] = (1.0, 0.1, 0.001),
        band: float = 1.0,
        basin: float = 4.0,
    ) -> None:
        """Solve for both controllers; ``position`` and ``weights`` as for :class:`LinearQuadratic`.

        Raises:
            InputError: the world has no H, its controls have no limits, or it cannot be held at the target.
        """
        controls, dynamics = world.coordinates.controls, world.dynamics
        if not world.has_energy:
            raise InputError("SwingUp needs a world with a Hamiltonian, and a baseline has none.")
        if any(control.limit is None for control in controls):
            raise InputError("SwingUp needs controls with limits: declare them in the coordinates.")
        if not isinstance(dynamics, PortHamiltonian) or dynamics.control is None or callable(dynamics.control):
            raise InputError(
                "SwingUp needs dynamics with a constant control port: learn the world from data with actions, without "
                "B(q)."
            )
        self.near = LinearQuadratic(world, position=position, weights=weights)
        self.world, self.band, self.basin = world, band, basin
        place = np.asarray(position, np.float64)
        self.target = float(world.energy(world.phase_point(place, np.zeros_like(place))))
        self._work = np.asarray(dynamics.control) * [control.scale for control in controls]  # of an action, per v
        self._bounds = np.array([float(control.limit or 0.0) / abs(control.scale) for control in controls])

    def predict(
        self, observation: np.ndarray, state: Any = None, episode_start: Any = None, deterministic: bool = True
    ) -> tuple[np.ndarray, Any]:
        """Return actions ``(..., m)`` for observations ``(..., d)``, and the state, which is not used."""
        seen = observed(observation, self.world.coordinates.observation_size)
        x = self.world.encode(np.asarray(seen, np.float64))
        close = self.near.cost_to_go(x) < self.basin
        action = np.where(close[..., None], self.near.action(x), self._pumping(x))
        return np.clip(action, -self._bounds, self._bounds).astype(np.float32), state

    def _pumping(self, x: np.ndarray) -> np.ndarray:
        """Actions ``(..., m)`` that bring H of phase points ``(..., 2n)`` towards the target; at rest, to the right."""
        share = np.clip((self.target - self.world.energy(x)) / self.band, -1, 1)
        direction = np.where(self.world.state(x)[1] @ self._work < 0, -1.0, 1.0)
        return self._bounds * share[..., None] * direction
