"""Gymnasium's MountainCarContinuous-v0: the car of MountainCar-v0 with any force in [-1, 1] and a nearer goal."""

from __future__ import annotations

import numpy as np
from gymnasium.spaces import Box

from hnn_gym.coordinates import Control, Coordinates
from hnn_gym.physics.phase import Array, namespace
from hnn_gym.systems.base import System
from hnn_gym.systems.mountain_car import CAR, RECORDING, TWINS, MountainCarClimb

_POWER = 0.0015
"""Force of an action of 1, in units per step squared."""


class MountainCarContinuousClimb(MountainCarClimb):
    """The task of MountainCarContinuous-v0: same spaces, starts, reward, termination and length.

    | observation | what | unit | range |
    |---|---|---|---|
    | 0 | position x of the car | unit of length | [-1.2, 0.6] |
    | 1 | velocity of the car | unit of length a step | [-0.07, 0.07] |

    | action | what | unit | range |
    |---|---|---|---|
    | 0 | a push | 0.0015 | [-1, 1] |

    Reward: 100 for arriving, less 0.1 a^2 for every action a.

    Starts: at rest with x uniform in [low, high], by default [-0.6, -0.4]. Terminated where x >= 0.45; truncated after
    999 steps.
    """

    action_space = Box(-1.0, 1.0, (1,), np.float32)
    max_episode_steps = 999
    goal_position = 0.45

    def reward(self, q: Array, v: Array, u: Array, next_q: Array, next_v: Array) -> Array:
        """Reward ``(...)``: 100 for arriving, less 0.1 times the square of the action."""
        action = u[..., 0] / _POWER
        return namespace(q).where(self.terminated(next_q, next_v), 100.0, 0.0) - 0.1 * action * action


SYSTEM = System(
    "MountainCarContinuous-v0",
    coordinates=Coordinates((CAR,), (Control(degree=0, limit=_POWER, scale=_POWER),)),
    task=MountainCarContinuousClimb,
    recording=RECORDING,
    twins=TWINS,
)
