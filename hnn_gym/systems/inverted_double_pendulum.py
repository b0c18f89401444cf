"""MuJoCo's InvertedDoublePendulum-v5: two poles of 0.6 m on a cart that a motor pushes with up to 500 N.

The state is q = (x in m, angle of the lower pole from upright, angle of the upper pole relative to it, in rad). The tip
is at x_tip = x + 0.6 (sin q_1 + sin(q_1 + q_2)) and y_tip = 0.6 (cos q_1 + cos(q_1 + q_2)). The episode ends where
y_tip <= 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium.spaces import Box

from hnn_gym.coordinates import Control, Coordinates, DegreeOfFreedom, Readout
from hnn_gym.physics.integrators import InVelocities, RungeKutta4, Substeps
from hnn_gym.physics.phase import Array, namespace
from hnn_gym.systems.base import CLOSED_FORM, Recording, System, Twin
from hnn_gym.systems.picture import Picture, cart
from hnn_gym.systems.task import Task

_LENGTH = 0.6
_NOISE = 0.1


class InvertedDoublePendulumBalance(Task):
    """The task of InvertedDoublePendulum-v5: same spaces, starts, reward, termination and length.

    | observation | what | unit | range |
    |---|---|---|---|
    | 0 | position of the cart | m | infinite |
    | 1, 2 | sin of the angles: the lower pole from upright, the upper relative to it | 1 | [-1, 1] |
    | 3, 4 | cos of these angles | 1 | [-1, 1] |
    | 5 | velocity of the cart | m/s | infinite |
    | 6, 7 | angular velocities | rad/s | infinite |
    | 8 | force of the rail's ends, 0 until the cart reaches them | N | infinite |

    | action | what | unit | range |
    |---|---|---|---|
    | 0 | force on the cart | 500 N | [-1, 1] |

    Reward, on the state *after* the step:

        r = 10 [y_tip > 1] - 0.01 x_tip^2 - (y_tip - 2)^2 - 0.001 v_1^2 - 0.005 v_2^2.

    Starts: positions uniform in [-0.1, 0.1], velocities normal with a standard deviation of 0.1. Terminated where
    y_tip <= 1; truncated after 1,000 steps.
    """

    observation_space = Box(-np.inf, np.inf, (9,), np.float64)
    action_space = Box(-1.0, 1.0, (1,), np.float32)
    max_episode_steps = 1000
    renderer = "hnn_gym.envs.render.picture:PictureRenderer"

    def initial(self, rng: np.random.Generator, options: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray]:
        """Draw a start (q, v), each ``(3,)``, as the environment does."""
        return rng.uniform(-_NOISE, _NOISE, 3), rng.standard_normal(3) * _NOISE

    def reward(self, q: Array, v: Array, u: Array, next_q: Array, next_v: Array) -> Array:
        """Reward ``(...)`` of arriving at states ``(..., 3)``."""
        x, y = _tip(next_q)
        alive = namespace(q).where(y <= 1.0, 0.0, 10.0)
        v1, v2 = next_v[..., 1], next_v[..., 2]
        return alive - 0.01 * x * x - (y - 2.0) * (y - 2.0) - 1e-3 * v1 * v1 - 5e-3 * v2 * v2

    def terminated(self, q: Array, v: Array) -> Array:
        """Whether the tip is too low; bool ``(...)``."""
        return _tip(q)[1] <= 1.0

    def picture(self, q: Array) -> Picture:
        """The cart and both poles at q ``(3,)``, on a rail of 2 m."""
        return cart(q, (q[..., 1], q[..., 1] + q[..., 2]), rail=1.0, length=_LENGTH)


def _tip(q: Array) -> tuple[Array, Array]:
    xp = namespace(q)
    lower, upper = q[..., 1], q[..., 1] + q[..., 2]
    return q[..., 0] + _LENGTH * (xp.sin(lower) + xp.sin(upper)), _LENGTH * (xp.cos(lower) + xp.cos(upper))


_SCHEME = InVelocities(Substeps(RungeKutta4(), 5))
"""How MuJoCo steps it: 5 steps of Runge-Kutta between two observations."""

SYSTEM = System(
    "InvertedDoublePendulum-v5",
    coordinates=Coordinates(
        degrees=(
            DegreeOfFreedom(position=0, velocity=5),
            DegreeOfFreedom(cos=3, sin=1, velocity=6),
            DegreeOfFreedom(cos=4, sin=2, velocity=7),
        ),
        controls=(Control(degree=0, limit=500.0, unit="N", scale=500.0),),
        readouts=(Readout(8, (("1", 0.0),)),),  # the force of the rail's ends, which are out of reach while upright
    ),
    dt=0.05,
    task=InvertedDoublePendulumBalance,
    recording=Recording(1500),
    twins={
        "HNN": Twin("chain", {"damping": True}, CLOSED_FORM, _SCHEME),
        "Baseline": Twin("second-order", {"hidden": (24,)}, integrator=_SCHEME, by_steps=True),
    },
)
