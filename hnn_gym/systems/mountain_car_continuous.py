"""Gymnasium's MountainCarContinuous-v0: the car of MountainCar-v0 with any force in [-1, 1] and a nearer goal."""

from __future__ import annotations

import numpy as np
from gymnasium.spaces import Box

from hnn_gym.coordinates import Control, Coordinates
from hnn_gym.physics.phase import Array, namespace
from hnn_gym.systems.base import System
from hnn_gym.systems.mountain_car import CAR, MountainCarClimb


class MountainCarContinuousClimb(MountainCarClimb):
    """The task of MountainCarContinuous-v0: any force in [-1, 1], 100 for arriving at x = 0.45, and 0.1 u^2 a step."""

    action_space = Box(-1.0, 1.0, (1,), np.float32)
    max_episode_steps = 999
    goal_position = 0.45

    def reward(self, q: Array, v: Array, u: Array, next_q: Array, next_v: Array) -> Array:
        """Reward ``(...)`` of forces u ``(..., 1)``."""
        return namespace(q).where(self.terminated(next_q, next_v), 100.0, 0.0) - 0.1 * u[..., 0] * u[..., 0]


SYSTEM = System(
    "MountainCarContinuous-v0",
    coordinates=Coordinates((CAR,), (Control(degree=0, limit=1.0),)),
    task=MountainCarContinuousClimb,
)
