"""MuJoCo's Swimmer-v5: three links that swim in a plane, pushed by motors at the two joints between them.

The state is q = (x and y of the point about which the first link turns in m, angle of the first link from the x axis,
angles of the second and the third relative to the link before, in rad). x and y are not observed: nothing depends on
them, and they count from 0. Every joint turns by 100 degrees to either side, and its stops give way a little. The fluid
is denser than the swimmer, and its drag is as large as the forces of the motors.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium.spaces import Box

from hnn_gym.coordinates import Control, Coordinates, DegreeOfFreedom
from hnn_gym.physics.integrators import InVelocities, RungeKutta4, Substeps
from hnn_gym.physics.phase import Array, namespace
from hnn_gym.systems.base import Recording, System, Twin
from hnn_gym.systems.picture import Disc, Line, Picture, points
from hnn_gym.systems.task import Task

_GEAR, _DT = 150.0, 0.04
_EFFORT = 1e-4
_FARTHEST = math.radians(100)
_VIEW = 2.2


class SwimmerForward(Task):
    """The task of Swimmer-v5: same spaces, starts, reward and length.

    | observation | what | unit | range |
    |---|---|---|---|
    | 0 | angle of the first link from the x axis | rad | infinite |
    | 1, 2 | angles of the second and the third link, each relative to the link before | rad | about 100 degrees |
    | 3, 4 | velocity of the point about which the first link turns, along x and y | m/s | infinite |
    | 5, 6, 7 | angular velocities | rad/s | infinite |

    | action | what | unit | range |
    |---|---|---|---|
    | 0, 1 | torques at the joints | 150 N m | [-1, 1] |

    Reward, with the action a:

        r = (x' - x) / 0.04 - 1e-4 |a|^2.

    Starts: angles and velocities uniform in [-0.1, 0.1]. Episodes do not end early; truncated after 1,000 steps.
    """

    observation_space = Box(-np.inf, np.inf, (8,), np.float64)
    action_space = Box(-1.0, 1.0, (2,), np.float32)
    max_episode_steps = 1000
    renderer = "hnn_gym.envs.render.picture:PictureRenderer"

    def initial(self, rng: np.random.Generator, options: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray]:
        """Draw a start (q, v), each ``(5,)``, as the environment does; x and y count from 0."""
        q = rng.uniform(-0.1, 0.1, 5)
        v = rng.uniform(-0.1, 0.1, 5)
        return np.where([False, False, True, True, True], q, 0.0), v

    def reward(self, q: Array, v: Array, u: Array, next_q: Array, next_v: Array) -> Array:
        """Reward ``(...)`` of swimming from q to ``next_q`` ``(..., 5)`` under torques ``(..., 2)`` in N m."""
        return (next_q[..., 0] - q[..., 0]) / _DT - _EFFORT * (u * u).sum(-1) / _GEAR**2

    def terminated(self, q: Array, v: Array) -> Array:
        """Episodes do not end early; False ``(...)``."""
        return namespace(q).zeros_like(q[..., 0]) > 0

    def picture(self, q: Array) -> Picture:
        """The three links at q ``(5,)`` over tiles of 1 m, seen from above by a camera that follows the middle link."""
        xp = namespace(q)
        first, second = q[..., 2], q[..., 2] + q[..., 3]
        third = second + q[..., 4]
        near, head = _ahead(q, (0.0, 0.0), first, 0.5), _ahead(q, (0.0, 0.0), first, 1.5)
        back = _ahead(q, near, second, -1.0)
        tail, eye = _ahead(q, back, third, -1.0), _ahead(q, near, second, -0.5)

        def seen(place: tuple[Array, Array]) -> tuple[Array, Array]:
            return place[0] - eye[0], place[1] - eye[1]

        left, low = (-(place - xp.floor(place)) for place in (q[..., 0] + eye[0], q[..., 1] + eye[1]))
        tiles = [Line(points(q, (left + k, -_VIEW - 1), (left + k, _VIEW + 1)), "ground") for k in range(-2, 4)]
        tiles += [Line(points(q, (-_VIEW - 1, low + k), (_VIEW + 1, low + k)), "ground") for k in range(-2, 4)]
        links = [
            Line(points(q, seen(one), seen(other)), colour, width=0.2)
            for one, other, colour in ((back, tail, "third"), (near, back, "second"), (head, near, "body"))
        ]
        joints = [Disc(points(q, seen(joint)), 0.05, "frame") for joint in (near, back)]
        return Picture((*tiles, *links, *joints), _VIEW)


def _ahead(q: Array, start: tuple[Any, Any], angle: Array, length: float) -> tuple[Array, Array]:
    """The place at a distance from ``start`` in the direction at ``angle`` from the x axis."""
    xp = namespace(q)
    return start[0] + length * xp.cos(angle), start[1] + length * xp.sin(angle)


_SCHEME = Substeps(RungeKutta4(), 4)
"""How MuJoCo steps it: 4 steps of Runge-Kutta between two observations."""

SYSTEM = System(
    "Swimmer-v5",
    coordinates=Coordinates(
        degrees=(
            DegreeOfFreedom(velocity=3),
            DegreeOfFreedom(velocity=4),
            DegreeOfFreedom(position=0, velocity=5, angle=True),
            *(
                DegreeOfFreedom(position=1 + i, velocity=6 + i, angle=True, stops=(-_FARTHEST, _FARTHEST, "soft"))
                for i in range(2)
            ),
        ),
        controls=tuple(Control(degree=3 + i, limit=_GEAR, unit="N m", scale=_GEAR) for i in range(2)),
    ),
    dt=_DT,
    task=SwimmerForward,
    recording=Recording(5000),
    twins={
        "HNN": Twin(
            "chain",
            {"symmetric": True, "rotors": True, "drag": True, "gravity": False},
            integrator=InVelocities(_SCHEME),
            by_steps=True,
        ),
        "Baseline": Twin("second-order", {"hidden": (32,)}, integrator=InVelocities(_SCHEME), by_steps=True),
    },
)
