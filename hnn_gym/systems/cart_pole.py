"""Gymnasium's CartPole-v1: a pole on a cart, pushed to the left or to the right with 10 N.

The state is q = (x in m, angle of the pole from upright in rad). The episode ends where the cart leaves [-2.4, 2.4] m
or the pole leans by more than 12 degrees, and every step pays 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium.spaces import Box, Discrete

from hnn_gym.coordinates import Control, Coordinates, DegreeOfFreedom
from hnn_gym.physics.hamiltonians import Link, PlanarChain
from hnn_gym.physics.integrators import Euler, InVelocities
from hnn_gym.physics.phase import Array
from hnn_gym.systems.base import CLOSED_FORM, NETWORK, Recording, System, Truth, Twin
from hnn_gym.systems.picture import Picture, cart
from hnn_gym.systems.task import NumberedStarts
from hnn_gym.systems.uniform import uniform_start

_FARTHEST = 2.4
_STEEPEST = 12 * 2 * np.pi / 360
_HIGH = np.array([2 * _FARTHEST, np.inf, 2 * _STEEPEST, np.inf], np.float32)


class CartPoleBalance(NumberedStarts):
    """The task of CartPole-v1: same spaces, starts, reward, termination and length.

    | observation | what | unit | range |
    |---|---|---|---|
    | 0 | position of the cart | m | [-2.4, 2.4] |
    | 1 | velocity of the cart | m/s | infinite |
    | 2 | angle of the pole from upright | rad | 12 degrees to both sides |
    | 3 | angular velocity of the pole | rad/s | infinite |

    | action | what | unit | range |
    |---|---|---|---|
    | 0, 1 | a push to the left or to the right | 10 N | |

    Reward: 1 for every step.

    Starts: all four numbers of the state uniform in [low, high], by default [-0.05, 0.05]. Terminated where the cart or
    the pole leaves its range; truncated after 500 steps.
    """

    observation_space = Box(-_HIGH, _HIGH, dtype=np.float32)
    action_space: Any = Discrete(2)
    max_episode_steps = 500
    renderer = "hnn_gym.envs.render.classic:CartPoleRenderer"
    options = ("low", "high")
    start_numbers = 4

    def start(self, numbers: np.ndarray, options: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray]:
        """Starts (q, v), each ``(..., 2)``: those that CartPole-v1 makes of the same numbers ``(..., 4)``.

        Raises:
            InputError: a bound is not a finite number, or low exceeds high.
        """
        drawn = uniform_start(numbers, options, low=-0.05, high=0.05)
        return drawn[..., ::2], drawn[..., 1::2]

    def reward(self, q: Array, v: Array, u: Array, next_q: Array, next_v: Array) -> Array:
        """Reward ``(...)``: 1 for every step."""
        return 0 * q[..., 0] + 1.0

    def terminated(self, q: Array, v: Array) -> Array:
        """Whether the cart is too far away or the pole leans too much; bool ``(...)``."""
        return (abs(q[..., 0]) > _FARTHEST) | (abs(q[..., 1]) > _STEEPEST)

    def picture(self, q: Array) -> Picture:
        """The cart and its pole at q ``(2,)``, on a rail that ends where the episode does."""
        return cart(q, (q[..., 1],), rail=_FARTHEST, length=1.0)


SYSTEM = System(
    "CartPole-v1",
    coordinates=Coordinates(
        degrees=(DegreeOfFreedom(position=0, velocity=1), DegreeOfFreedom(position=2, velocity=3, angle=True)),
        controls=(Control(degree=0, unit="N"),),
        force_table=((-10.0,), (10.0,)),
    ),
    dt=0.02,
    task=CartPoleBalance,
    truth=Truth(
        PlanarChain.of_links([Link(0.1, 1.0, 0.5, inertia=0.1 / 12)], gravity=9.8, upright=True, cart=1.0),
        InVelocities(Euler()),
    ),
    recording=Recording(500),
    twins={
        "HNN": Twin("chain", {"symmetric": True}, CLOSED_FORM, integrator=InVelocities(Euler())),
        "Baseline": Twin("second-order", {"hidden": (24,)}, NETWORK, InVelocities(Euler())),
    },
    pixel_twins={
        "HNN": Twin("chain", integrator=InVelocities(Euler())),
        "Baseline": Twin("second-order", {"hidden": (16,)}, integrator=InVelocities(Euler())),
    },
)
