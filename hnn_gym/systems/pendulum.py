"""Gymnasium's Pendulum-v1: H = p^2 / (2 I) - k (1 - cos q), I = 1/3 kg m^2, k = 5 N m, q = 0 upright.

Swing it up and hold it: r = -(q^2 + 0.1 v^2 + 0.001 u^2). The true world steps by Gymnasium's own map, which is
symplectic Euler.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium.spaces import Box

from hnn_gym.coordinates import Control, Coordinates, DegreeOfFreedom
from hnn_gym.errors import InputError
from hnn_gym.physics.hamiltonians import Pendulum
from hnn_gym.physics.integrators import SymplecticEuler
from hnn_gym.physics.phase import Array, namespace
from hnn_gym.systems.base import Recording, System, Truth, Twin
from hnn_gym.systems.picture import Picture, rod
from hnn_gym.systems.task import NumberedStarts


class PendulumSwingUp(NumberedStarts):
    """The task of Pendulum-v1: same spaces, starts, reward and length.

    | observation | what | unit | range |
    |---|---|---|---|
    | 0, 1 | cos and sin of the angle q from upright | 1 | [-1, 1] |
    | 2 | angular velocity v | rad/s | [-8, 8] |

    | action | what | unit | range |
    |---|---|---|---|
    | 0 | torque u | N m | [-2, 2] |

    Reward, on the state *before* the step, with the angle brought to [-pi, pi):

        r = -(q^2 + 0.1 v^2 + 0.001 u^2),  q in rad from upright, v in rad/s, u in N m.

    Starts: q uniform in [-x_init, x_init], v in [-y_init, y_init]; by default pi and 1. Truncated after 200 steps.
    """

    observation_space = Box(np.array([-1, -1, -8], np.float32), np.array([1, 1, 8], np.float32), dtype=np.float32)
    action_space = Box(-2.0, 2.0, (1,), np.float32)
    max_episode_steps = 200
    renderer = "hnn_gym.envs.render.pendulum:PendulumRenderer"
    options = ("x_init", "y_init")
    start_numbers = 2

    def start(self, numbers: np.ndarray, options: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray]:
        """Starts (q, v), each ``(..., 1)``: those that Pendulum-v1 makes of the same numbers ``(..., 2)``.

        Raises:
            InputError: a bound is no finite number from 0.
        """
        try:
            high = float(options.get("x_init", np.pi)), float(options.get("y_init", 1.0))
        except (TypeError, ValueError):
            raise InputError(f"x_init and y_init must be numbers, got {dict(options)}.") from None
        if not all(0 <= bound < np.inf for bound in high):
            raise InputError(f"x_init and y_init must be finite and not negative, got {dict(options)}.")
        bound = np.array(high)
        drawn = -bound + (bound + bound) * numbers  # as rng.uniform(-bound, bound) computes it
        return drawn[..., :1], drawn[..., 1:]

    def reward(self, q: Array, v: Array, u: Array, next_q: Array, next_v: Array) -> Array:
        """Reward ``(...)`` for states ``(..., 1)`` and torques ``(..., 1)``."""
        angle = (q[..., 0] + np.pi) % (2 * np.pi) - np.pi
        speed, torque = v[..., 0], u[..., 0]
        return -(angle * angle + 0.1 * speed * speed + 0.001 * torque * torque)

    def terminated(self, q: Array, v: Array) -> Array:
        """Never: the episode is only truncated."""
        return namespace(q).zeros_like(q[..., 0], dtype=bool)

    def picture(self, q: Array) -> Picture:
        """The rod at q ``(1,)``, counter-clockwise."""
        return rod(q, -q[..., 0])


SYSTEM = System(
    "Pendulum-v1",
    coordinates=Coordinates(
        degrees=(DegreeOfFreedom(cos=0, sin=1, velocity=2, speed_limit=8.0),),
        controls=(Control(degree=0, limit=2.0, unit="N m"),),
    ),
    dt=0.05,
    task=PendulumSwingUp,
    truth=lambda g=10.0: Truth(Pendulum.of_gymnasium(g=g), SymplecticEuler()),
    recording=Recording(2000),
    twins={"HNN": Twin("mechanical"), "Baseline": Twin("baseline")},
    pixel_twins={
        "HNN": Twin("mechanical", options={"hidden": (16,)}),
        "Baseline": Twin("second-order", options={"hidden": (32,)}),
    },
)
