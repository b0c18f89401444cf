"""Energy shaping: ask for the energy that is missing, E* - H(x), and otherwise let the world swing.

An agent of a few lines that solves the bump tasks from the learned H alone.
Source: Astrom and Furuta, *Swinging up a pendulum by energy control*, Automatica 36 (2000) 287-295.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from hnn_gym.world_model import WorldModel


class EnergyShaping:
    """Bumps towards a target energy; speaks stable-baselines3's ``predict``.

    Attributes:
        world: a learned world with an H.
        target: energy to reach in J.
        limit: largest abs(dE) of one request, in J.
        tolerance: energies closer to the target than this, in J, are left alone.
    """

    def __init__(self, world: WorldModel, *, target: float, limit: float = 1.0, tolerance: float = 1e-3) -> None:
        """Aim at ``target`` in the world's H."""
        self.world, self.target, self.limit, self.tolerance = world, target, limit, tolerance

    def predict(
        self, observation: np.ndarray, state: Any = None, episode_start: Any = None, deterministic: bool = True
    ) -> tuple[np.ndarray, Any]:
        """Return dE in J ``(..., 1)`` for observations ``(..., d)``, and the state, which is not used."""
        missing = self.target - self.world.energy(self.world.encode(np.asarray(observation, np.float64)))
        dE = np.where(np.abs(missing) <= self.tolerance, 0.0, np.clip(missing, -self.limit, self.limit))
        return dE[..., None].astype(np.float32), state
