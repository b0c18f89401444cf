"""MuJoCo's InvertedPendulum-v5: a pole on a cart that a motor pushes with up to 300 N.

The state is q = (x in m, angle of the pole from upright in rad). Every step pays 1 until the pole leans by more than
0.2 rad.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium.spaces import Box

from hnn_gym.coordinates import Control, Coordinates, DegreeOfFreedom
from hnn_gym.physics.integrators import InVelocities, RungeKutta4, Substeps
from hnn_gym.physics.phase import Array, namespace
from hnn_gym.systems.base import CLOSED_FORM, Recording, System, Twin
from hnn_gym.systems.picture import Picture, cart
from hnn_gym.systems.task import NumberedStarts

_STEEPEST = 0.2
_NOISE = 0.01


class InvertedPendulumBalance(NumberedStarts):
    """The task of InvertedPendulum-v5: same spaces, starts, reward, termination and length.

    | observation | what | unit | range |
    |---|---|---|---|
    | 0 | position of the cart | m | infinite |
    | 1 | angle of the pole from upright | rad | 0.2 to both sides |
    | 2 | velocity of the cart | m/s | infinite |
    | 3 | angular velocity of the pole | rad/s | infinite |

    | action | what | unit | range |
    |---|---|---|---|
    | 0 | force on the cart | 100 N | [-3, 3] |

    Reward: 1 for every step but the last.

    Starts: all four numbers of the state uniform in [-0.01, 0.01]. Terminated where the pole leaves its range;
    truncated after 1,000 steps.
    """

    observation_space = Box(-np.inf, np.inf, (4,), np.float64)
    action_space = Box(-3.0, 3.0, (1,), np.float32)
    max_episode_steps = 1000
    renderer = "hnn_gym.envs.render.picture:PictureRenderer"
    start_numbers = 4

    def start(self, numbers: np.ndarray, options: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray]:
        """Starts (q, v), each ``(..., 2)``: those that the environment makes of the same numbers ``(..., 4)``."""
        drawn = -_NOISE + (_NOISE + _NOISE) * numbers
        return drawn[..., :2], drawn[..., 2:]

    def reward(self, q: Array, v: Array, u: Array, next_q: Array, next_v: Array) -> Array:
        """Reward ``(...)``: 1 for every step but the last."""
        return namespace(q).where(self.terminated(next_q, next_v), 0.0, 1.0)

    def terminated(self, q: Array, v: Array) -> Array:
        """Whether the pole leans too much; bool ``(...)``."""
        return abs(q[..., 1]) > _STEEPEST

    def picture(self, q: Array) -> Picture:
        """The cart and its pole at q ``(2,)``, on a rail of 2 m."""
        return cart(q, (q[..., 1],), rail=1.0, length=0.6)


_SCHEME = InVelocities(Substeps(RungeKutta4(), 2))
"""How MuJoCo steps it: 2 steps of Runge-Kutta between two observations."""

SYSTEM = System(
    "InvertedPendulum-v5",
    coordinates=Coordinates(
        degrees=(DegreeOfFreedom(position=0, velocity=2), DegreeOfFreedom(position=1, velocity=3, angle=True)),
        controls=(Control(degree=0, limit=300.0, unit="N", scale=100.0),),
    ),
    dt=0.04,
    task=InvertedPendulumBalance,
    recording=Recording(1500),
    twins={
        "HNN": Twin("chain", {"damping": True}, CLOSED_FORM, _SCHEME),
        "Baseline": Twin("second-order", {"hidden": (24,)}, integrator=_SCHEME, by_steps=True),
    },
)
