"""Gymnasium's Acrobot-v1: two links that hang from a pivot, with a motor of 1 N m at the joint between them.

The state is q = (angle of the first link from hanging down, angle of the second relative to the first), in rad. Every
step costs 1 until the tip is higher than one link above the pivot: -cos q_0 - cos(q_0 + q_1) > 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium.spaces import Box, Discrete

from hnn_gym.coordinates import Control, Coordinates, DegreeOfFreedom
from hnn_gym.physics.hamiltonians import Link, PlanarChain
from hnn_gym.physics.integrators import InVelocities, RungeKutta4
from hnn_gym.physics.phase import Array, namespace
from hnn_gym.systems.base import CLOSED_FORM, NETWORK, Recording, System, Truth, Twin
from hnn_gym.systems.picture import Disc, Line, Picture, along, points
from hnn_gym.systems.task import NumberedStarts
from hnn_gym.systems.uniform import uniform_start

_HIGH = np.array([1, 1, 1, 1, 4 * np.pi, 9 * np.pi], np.float32)


class AcrobotSwingUp(NumberedStarts):
    """The task of Acrobot-v1: same spaces, starts, reward, termination and length.

    | observation | what | unit | range |
    |---|---|---|---|
    | 0, 1 | cos and sin of the angle of the first link from hanging | 1 | [-1, 1] |
    | 2, 3 | cos and sin of the angle of the second link relative to the first | 1 | [-1, 1] |
    | 4, 5 | angular velocities | rad/s | 4 pi and 9 pi to both sides |

    | action | what | unit | range |
    |---|---|---|---|
    | 0, 1, 2 | the torque -1, 0 or 1 between the links | N m | |

    Reward: -1 for every step but the one that reaches the goal.

    Starts: all four numbers of the state uniform in [low, high], by default [-0.1, 0.1], in float32. Terminated where
    the tip is higher than one link above the pivot; truncated after 500 steps.
    """

    observation_space = Box(-_HIGH, _HIGH, dtype=np.float32)
    action_space: Any = Discrete(3)
    max_episode_steps = 500
    renderer = "hnn_gym.envs.render.classic:AcrobotRenderer"
    options = ("low", "high")
    start_numbers = 4

    def start(self, numbers: np.ndarray, options: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray]:
        """Starts (q, v), each ``(..., 2)``: those that Acrobot-v1 makes of the same numbers ``(..., 4)``.

        Raises:
            InputError: a bound is not a finite number, or low exceeds high.
        """
        drawn = uniform_start(numbers, options, low=-0.1, high=0.1).astype(np.float32).astype(np.float64)
        return drawn[..., :2], drawn[..., 2:]

    def reward(self, q: Array, v: Array, u: Array, next_q: Array, next_v: Array) -> Array:
        """Reward ``(...)``: -1 for every step but the one that reaches the goal."""
        return namespace(q).where(self.terminated(next_q, next_v), 0.0, -1.0)

    def terminated(self, q: Array, v: Array) -> Array:
        """Whether the tip is high enough; bool ``(...)``."""
        xp = namespace(q)
        return -xp.cos(q[..., 0]) - xp.cos(q[..., 0] + q[..., 1]) > 1.0

    def picture(self, q: Array) -> Picture:
        """Both links at q ``(2,)``, each 1 m long, and the height that the tip has to reach."""
        pivot, first = (0.0, 0.0), np.pi - q[..., 0]
        joint = along(q, pivot, first, 1.0)
        tip = along(q, joint, first - q[..., 1], 1.0)
        shapes = (
            Line(points(q, (-2.2, 1.0), (2.2, 1.0)), "mark"),
            Line(points(q, pivot, joint), "body", width=0.16),
            Line(points(q, joint, tip), "second", width=0.16),
            Disc(points(q, pivot), 0.06, "frame"),
            Disc(points(q, joint), 0.06, "frame"),
        )
        return Picture(shapes, 2.25)


SYSTEM = System(
    "Acrobot-v1",
    coordinates=Coordinates(
        degrees=(
            DegreeOfFreedom(cos=0, sin=1, velocity=4, speed_limit=4 * np.pi),
            DegreeOfFreedom(cos=2, sin=3, velocity=5, speed_limit=9 * np.pi),
        ),
        controls=(Control(degree=1, unit="N m"),),
        force_table=((-1.0,), (0.0,), (1.0,)),
    ),
    dt=0.2,
    task=AcrobotSwingUp,
    truth=Truth(
        PlanarChain.of_links([Link(1.0, 1.0, 0.5, inertia=1.0)] * 2, gravity=9.8, upright=False),
        InVelocities(RungeKutta4()),
    ),
    recording=Recording(2000),
    twins={
        "HNN": Twin("chain", {"symmetric": True}, CLOSED_FORM, integrator=InVelocities(RungeKutta4())),
        "Baseline": Twin("second-order", {"hidden": (24,)}, NETWORK, InVelocities(RungeKutta4())),
    },
)
