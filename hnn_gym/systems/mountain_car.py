"""Gymnasium's MountainCar-v0: a car in a valley, too weak to drive straight out of it.

The state is q = x, on a curve of height sin(3 x). Units are Gymnasium's own: time is counted in steps, and the unit of
the force has no name. The left end is a wall that the car hits without bouncing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium.spaces import Box, Discrete

from hnn_gym.coordinates import Control, Coordinates, DegreeOfFreedom
from hnn_gym.errors import InputError
from hnn_gym.physics.integrators import InVelocities, SymplecticEuler
from hnn_gym.physics.phase import Array, namespace
from hnn_gym.systems.base import NETWORK, Recording, System, Twin
from hnn_gym.systems.picture import Disc, Line, Picture, Polygon, points
from hnn_gym.systems.task import NumberedStarts
from hnn_gym.systems.uniform import uniform_start

_LOW, _HIGH = np.array([-1.2, -0.07], np.float32), np.array([0.6, 0.07], np.float32)


class MountainCarClimb(NumberedStarts):
    """The task of MountainCar-v0: same spaces, starts, reward, termination and length.

    | observation | what | unit | range |
    |---|---|---|---|
    | 0 | position x of the car | unit of length | [-1.2, 0.6] |
    | 1 | velocity of the car | unit of length a step | [-0.07, 0.07] |

    | action | what | unit | range |
    |---|---|---|---|
    | 0, 1, 2 | a push to the left, none, or to the right | 0.001 | |

    Reward: -1 for every step.

    Starts: at rest with x uniform in [low, high], by default [-0.6, -0.4]. Terminated where x >= 0.5 with a velocity of
    at least ``goal_velocity``; truncated after 200 steps.
    """

    observation_space = Box(_LOW, _HIGH, dtype=np.float32)
    action_space: Any = Discrete(3)
    max_episode_steps = 200
    renderer = "hnn_gym.envs.render.classic:MountainCarRenderer"
    options = ("low", "high")
    start_numbers = 1
    goal_position = 0.5

    def __init__(self, goal_velocity: float = 0.0) -> None:
        """Take the velocity in units per step with which the car has to arrive.

        Raises:
            InputError: it is not a finite number.
        """
        if not np.isfinite(goal_velocity):
            raise InputError(f"goal_velocity must be a finite number, got {goal_velocity!r}.")
        self.goal_velocity = float(goal_velocity)

    def start(self, numbers: np.ndarray, options: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray]:
        """Starts (q, v), each ``(..., 1)``: those that Gymnasium makes of the same numbers ``(..., 1)``.

        Raises:
            InputError: a bound is not a finite number, or low exceeds high.
        """
        drawn = uniform_start(numbers, options, low=-0.6, high=-0.4)
        return drawn, np.zeros_like(drawn)

    def reward(self, q: Array, v: Array, u: Array, next_q: Array, next_v: Array) -> Array:
        """Reward ``(...)``: -1 for every step."""
        return 0 * q[..., 0] - 1.0

    def terminated(self, q: Array, v: Array) -> Array:
        """Whether the car has arrived; bool ``(...)``."""
        return (q[..., 0] >= self.goal_position) & (v[..., 0] >= self.goal_velocity)

    def picture(self, q: Array) -> Picture:
        """The car at q ``(1,)`` on the hills y = sin(3 x) / 3, and the flag at its goal."""
        xp, x = namespace(q), q[..., 0]
        track = np.linspace(-1.2, 0.6, 61)
        slope = xp.cos(3 * x)
        steep = (1 + slope * slope) ** 0.5
        right, up = (1 / steep, slope / steep), (-slope / steep, 1 / steep)

        def on_car(a: float, b: float) -> tuple[Array, Array]:
            return x + a * right[0] + b * up[0], xp.sin(3 * x) / 3 + a * right[1] + b * up[1]

        flag = self.goal_position, float(np.sin(3 * self.goal_position)) / 3
        corners = ((-0.09, 0.03), (0.09, 0.03), (0.06, 0.1), (-0.06, 0.1))
        pole = (flag[0], flag[1] + 0.2), (flag[0] + 0.1, flag[1] + 0.16), (flag[0], flag[1] + 0.12)
        shapes = (
            Line(points(q, *zip(track.tolist(), (np.sin(3 * track) / 3).tolist(), strict=True)), "ground"),
            Line(points(q, flag, pole[0]), "frame"),
            Polygon(points(q, *pole), "second"),
            Polygon(points(q, *(on_car(a, b) for a, b in corners))),
            Disc(points(q, on_car(-0.05, 0.03)), 0.03, "frame"),
            Disc(points(q, on_car(0.05, 0.03)), 0.03, "frame"),
        )
        return Picture(shapes, 0.95, (-0.3, 0.1))


CAR = DegreeOfFreedom(position=0, velocity=1, speed_limit=0.07, stops=(-1.2, 0.6, 0.0))
"""The car: its speed is clipped, and the walls at both ends take it away."""

_FIT = {**NETWORK, "least_squares_steps": 80}
RECORDING = Recording(2000, policy="bang-bang", hold=50)
TWINS = {
    "HNN": Twin("mechanical", {"hidden": (16,)}, _FIT, SymplecticEuler()),
    "Baseline": Twin("second-order", {"hidden": (24,)}, _FIT, InVelocities(SymplecticEuler())),
}

SYSTEM = System(
    "MountainCar-v0",
    coordinates=Coordinates((CAR,), (Control(degree=0, scale=0.001),), force_table=((-1.0,), (0.0,), (1.0,))),
    task=MountainCarClimb,
    recording=RECORDING,
    twins=TWINS,
)
