"""MuJoCo's Reacher-v5: an arm of two joints in a horizontal plane, whose fingertip is to reach a target.

The state is q = (angle of the upper arm, angle of the forearm relative to it, in rad, x and y of the target in m); the
target is a constant of the episode. The forearm turns by 3 rad to either side; MuJoCo's stops give way a little, and
here they are hard. The fingertip is at

    (x, y) = 0.1 (cos q_0, sin q_0) + 0.11 (cos(q_0 + q_1), sin(q_0 + q_1)).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium.spaces import Box

from hnn_gym.coordinates import Control, Coordinates, DegreeOfFreedom, Readout
from hnn_gym.physics.integrators import InVelocities, RungeKutta4, Substeps
from hnn_gym.physics.phase import Array, namespace
from hnn_gym.systems.base import Recording, System, Twin
from hnn_gym.systems.picture import Disc, Line, Picture, along, points
from hnn_gym.systems.task import Task

_UPPER, _FOREARM = 0.1, 0.11
_FARTHEST = 0.2
_GEAR = 200.0


class ReacherReaching(Task):
    """The task of Reacher-v5: same spaces, starts, reward and length.

    | observation | what | unit | range |
    |---|---|---|---|
    | 0, 1 | cos of the angles: the upper arm, the forearm relative to it | 1 | [-1, 1] |
    | 2, 3 | sin of these angles | 1 | [-1, 1] |
    | 4, 5 | x and y of the target | m | in the disc of radius 0.2 |
    | 6, 7 | angular velocities | rad/s | infinite |
    | 8, 9 | x and y from the target to the fingertip | m | [-0.41, 0.41] |

    | action | what | unit | range |
    |---|---|---|---|
    | 0, 1 | torques of the shoulder and the elbow | 200 N m | [-1, 1] |

    Reward, with the action a, on the state *after* the step:

        r = -|fingertip - target| - |a|^2.

    Starts: angles uniform in [-0.1, 0.1] rad, velocities in [-0.005, 0.005] rad/s, the target uniform in the disc of
    radius 0.2 m.
    """

    observation_space = Box(-np.inf, np.inf, (10,), np.float64)
    action_space = Box(-1.0, 1.0, (2,), np.float32)
    max_episode_steps = 50
    renderer = "hnn_gym.envs.render.picture:PictureRenderer"

    def initial(self, rng: np.random.Generator, options: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray]:
        """Draw a start (q, v), each ``(4,)``, as the environment does."""
        q = rng.uniform(-0.1, 0.1, 4)
        while True:
            q[2:] = rng.uniform(-_FARTHEST, _FARTHEST, 2)
            if np.linalg.norm(q[2:]) < _FARTHEST:
                break
        v = rng.uniform(-0.005, 0.005, 4)
        return q, np.where([True, True, False, False], v, 0.0)

    def reward(self, q: Array, v: Array, u: Array, next_q: Array, next_v: Array) -> Array:
        """Reward ``(...)`` of arriving at states ``(..., 4)`` under torques ``(..., 2)`` in N m."""
        xp = namespace(next_q)
        outer = next_q[..., 0] + next_q[..., 1]
        x = _UPPER * xp.cos(next_q[..., 0]) + _FOREARM * xp.cos(outer) - next_q[..., 2]
        y = _UPPER * xp.sin(next_q[..., 0]) + _FOREARM * xp.sin(outer) - next_q[..., 3]
        return -xp.sqrt(x * x + y * y) - (u * u).sum(-1) / _GEAR**2

    def terminated(self, q: Array, v: Array) -> Array:
        """Episodes do not end early; False ``(...)``."""
        return namespace(q).zeros_like(q[..., 0]) > 0

    def picture(self, q: Array) -> Picture:
        """The arm and its target at q ``(4,)``, in an arena of 0.6 m."""
        shoulder = (0.0, 0.0)
        elbow = along(q, shoulder, q[..., 0], _UPPER)
        tip = along(q, elbow, q[..., 0] + q[..., 1], _FOREARM)
        walls = points(q, (-0.3, -0.3), (-0.3, 0.3), (0.3, 0.3), (0.3, -0.3), (-0.3, -0.3))
        shapes = (
            Line(walls, "frame", width=0.02),
            Line(points(q, shoulder, elbow), "body", width=0.02),
            Line(points(q, elbow, tip), "second", width=0.02),
            Disc(points(q, shoulder), 0.011, "frame"),
            Disc(points(q, tip), 0.01, "body"),
            Disc(points(q, (q[..., 2], q[..., 3])), 0.009, "mark"),
        )
        return Picture(shapes, 0.32)


_SCHEME = Substeps(RungeKutta4(), 2)
"""How MuJoCo steps it: 2 steps of Runge-Kutta between two observations."""

SYSTEM = System(
    "Reacher-v5",
    coordinates=Coordinates(
        degrees=(
            DegreeOfFreedom(cos=0, sin=2, velocity=6),
            DegreeOfFreedom(cos=1, sin=3, velocity=7, stops=(-3.0, 3.0, "soft")),
            DegreeOfFreedom(position=4, fixed=True),
            DegreeOfFreedom(position=5, fixed=True),
        ),
        controls=tuple(Control(degree=i, limit=_GEAR, unit="N m", scale=_GEAR) for i in range(2)),
        readouts=(
            Readout(8, (("q2", -1.0), ("cos(q0)", _UPPER), ("cos(q0 + q1)", _FOREARM))),
            Readout(9, (("q3", -1.0), ("sin(q0)", _UPPER), ("sin(q0 + q1)", _FOREARM))),
        ),
    ),
    dt=0.02,
    task=ReacherReaching,
    recording=Recording(2000),
    twins={
        "HNN": Twin(
            "mechanical",
            {"hidden": (), "damping": True, "mass_matrix": "full"},
            integrator=InVelocities(_SCHEME),
            by_steps=True,
        ),
        "Baseline": Twin("second-order", {"hidden": (24,)}, integrator=InVelocities(_SCHEME), by_steps=True),
    },
)
