"""A real double pendulum of DFKI RIC, known from the logs of its encoders and motors: no environment, and no true H.

Swing both links up and hold them there: r = -(1 - h) / 2 - 0.001 (u_0^2 + u_1^2), with h the height of the tip as a
share of its largest.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium.spaces import Box

from hnn_gym.coordinates import Control, Coordinates, DegreeOfFreedom
from hnn_gym.physics.integrators import InVelocities, Leapfrog, Substeps
from hnn_gym.physics.phase import Array, namespace
from hnn_gym.systems.base import System, Twin
from hnn_gym.systems.picture import Disc, Line, Picture, along, points
from hnn_gym.systems.task import NumberedStarts
from hnn_gym.systems.uniform import uniform_start

_FASTEST = 30.0
"""In rad/s, twice the speeds in the recordings: nothing was measured beyond, and the motors would push without end."""
_HIGH = np.array([1, 1, 1, 1, _FASTEST, _FASTEST], np.float32)
_LINKS = (0.2, 0.3)
"""Lengths of the links in m, from the makers' drawings: the task needs them, the physics does not."""
_TORQUE = 6.0


class RealDoublePendulumSwingUp(NumberedStarts):
    """Swing up a real robot of two links, 0.2 m and 0.3 m long, with motors of 6 N m in both joints.

    | observation | what | unit | range |
    |---|---|---|---|
    | 0, 1 | cos and sin of the angle of the first link from hanging | 1 | [-1, 1] |
    | 2, 3 | cos and sin of the angle of the second link relative to the first | 1 | [-1, 1] |
    | 4, 5 | angular velocities | rad/s | [-30, 30] |

    | action | what | unit | range |
    |---|---|---|---|
    | 0, 1 | torques of the motors at the shoulder and at the elbow, as shares of 6 N m | 1 | [-1, 1] |

    Reward, on the state *after* the step: r = -(1 - h) / 2 - 0.001 (u_0^2 + u_1^2), with h in [-1, 1] the height of the
    tip above the pivot as a share of 0.5 m, and torques u in N m.

    Velocities are clipped at 30 rad/s, twice the speed of the fastest recorded motion.

    Starts: hanging, all four numbers of the state uniform in [low, high], by default [-0.1, 0.1].
    Truncated after 500 steps of 0.02 s; never terminated.

    Version history: v0, the first.
    """

    observation_space = Box(-_HIGH, _HIGH, dtype=np.float32)
    action_space: Any = Box(-1.0, 1.0, (2,), np.float32)
    max_episode_steps = 500
    renderer = "hnn_gym.envs.render.picture:PictureRenderer"
    options = ("low", "high")
    start_numbers = 4

    def start(self, numbers: np.ndarray, options: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray]:
        """Starts (q, v), each ``(..., 2)``, of uniform numbers ``(..., 4)``.

        Raises:
            InputError: a bound is not a finite number, or low exceeds high.
        """
        drawn = uniform_start(numbers, options, low=-0.1, high=0.1)
        return drawn[..., :2], drawn[..., 2:]

    def reward(self, q: Array, v: Array, u: Array, next_q: Array, next_v: Array) -> Array:
        """Reward ``(...)`` of arriving at states ``(..., 2)`` under torques ``(..., 2)``."""
        xp, (first, second) = namespace(next_q), _LINKS
        tip = first * xp.cos(next_q[..., 0]) + second * xp.cos(next_q[..., 0] + next_q[..., 1])
        height = -tip / (first + second)
        return -(1 - height) / 2 - 0.001 * (u * u).sum(-1)

    def terminated(self, q: Array, v: Array) -> Array:
        """Never: the episode is only truncated."""
        return namespace(q).zeros_like(q[..., 0], dtype=bool)

    def picture(self, q: Array) -> Picture:
        """Both links at q ``(2,)``."""
        pivot, first = (0.0, 0.0), np.pi - q[..., 0]
        joint = along(q, pivot, first, _LINKS[0])
        tip = along(q, joint, first - q[..., 1], _LINKS[1])
        shapes = (
            Line(points(q, pivot, joint), "body", width=0.04),
            Line(points(q, joint, tip), "second", width=0.04),
            Disc(points(q, pivot), 0.015, "frame"),
            Disc(points(q, joint), 0.015, "frame"),
        )
        return Picture(shapes, 0.56)


SYSTEM = System(
    "RealDoublePendulum",
    coordinates=Coordinates(
        degrees=(
            DegreeOfFreedom(cos=0, sin=1, velocity=4, speed_limit=_FASTEST),
            DegreeOfFreedom(cos=2, sin=3, velocity=5, speed_limit=_FASTEST),
        ),
        controls=(
            Control(0, limit=_TORQUE, unit="N m", scale=_TORQUE),
            Control(1, limit=_TORQUE, unit="N m", scale=_TORQUE),
        ),
    ),
    dt=0.02,
    task=RealDoublePendulumSwingUp,
    variants={"RealPendubot": {"controls": (0,)}, "RealAcrobot": {"controls": (1,)}},
    twins={
        "HNN": Twin(
            "chain",
            options={"damping": True, "dry": True, "symmetric": True},
            fit={
                "loss": "shooting",
                "horizon": 50,
                "adam_steps": 0,
                "lbfgs_steps": 0,
                "least_squares_steps": 25,
                "decay": 1e-8,
            },
            integrator=Substeps(InVelocities(Leapfrog()), 2),
        ),
    },
)
