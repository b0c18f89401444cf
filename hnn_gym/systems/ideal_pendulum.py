"""The ideal pendulum: H = 3 (1 - cos q) + p^2, the system of Greydanus et al. 2019, Task 2.

Swing it up and hold it: r = -(d^2 + 0.1 v^2 + 0.001 u^2), d the angle from upright. Yoshida's scheme of order 4
takes 51 steps a period, and the pendulum rotates by up to 10 rad/s.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium.spaces import Box

from hnn_gym.coordinates import Control, Coordinates, DegreeOfFreedom
from hnn_gym.physics.hamiltonians import Pendulum
from hnn_gym.physics.integrators import Yoshida4
from hnn_gym.physics.phase import Array, namespace, split
from hnn_gym.systems.base import Recording, System, Truth, Twin
from hnn_gym.systems.picture import Picture, rod
from hnn_gym.systems.starts import ring
from hnn_gym.systems.task import Task


class IdealPendulumSwingUp(Task):
    """Swing a frictionless pendulum up from the bottom and balance it, with a third of the torque of gravity.

    The pendulum of Greydanus et al. 2019, Task 2: H = 3 (1 - cos q) + p^2 in J, that is an inertia of 0.5 kg m^2
    and a largest torque of gravity of 3 N m. It hangs at q = 0 and stands at q = pi, where H = 6 J. Unlike in
    Pendulum-v1 the angle starts at the bottom and no speed is clipped.

    | observation | what | unit | range |
    |---|---|---|---|
    | 0 | cos q, q from hanging | 1 | [-1, 1] |
    | 1 | sin q, counter-clockwise | 1 | [-1, 1] |
    | 2 | angular velocity v = 2 p | rad/s | (-inf, inf) |

    | action | what | unit | range |
    |---|---|---|---|
    | 0 | torque u | N m | [-1, 1] |

    Reward, on the state *after* the step: r = -(d^2 + 0.1 v^2 + 0.001 u^2), d = q - pi brought to [-pi, pi), in rad,
    v in rad/s, u in N m.

    Starts: (q, p) at a radius uniform in [1.3, 2.3] and in the paper's random direction. Truncated after 200 steps
    of 0.05 s; never terminated.

    Version history: v0, the first.
    """

    observation_space = Box(
        np.array([-1, -1, -np.inf], np.float32), np.array([1, 1, np.inf], np.float32), dtype=np.float32
    )
    action_space = Box(-1.0, 1.0, (1,), np.float32)
    max_episode_steps = 200
    renderer = "hnn_gym.envs.render.pendulum:HangingPendulumRenderer"

    truth = Pendulum()
    force_limit = 1.0

    def initial(self, rng: np.random.Generator, options: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray]:
        """Draw a start (q, v), each ``(1,)``."""
        q, p = split(ring(rng, 1, smallest=1.3, largest=2.3)[0])
        return q, self.truth.velocity(q, p)

    def reward(self, q: Array, v: Array, u: Array, next_q: Array, next_v: Array) -> Array:
        """Reward ``(...)`` of arriving at states ``(..., 1)`` under torques ``(..., 1)``."""
        angle = next_q[..., 0] % (2 * np.pi) - np.pi
        speed, torque = next_v[..., 0], u[..., 0]
        return -(angle * angle + 0.1 * speed * speed + 0.001 * torque * torque)

    def terminated(self, q: Array, v: Array) -> Array:
        """Never: the episode is only truncated."""
        return namespace(q).zeros_like(q[..., 0], dtype=bool)

    def picture(self, q: Array) -> Picture:
        """The rod at q ``(1,)`` from hanging, counter-clockwise."""
        return rod(q, np.pi - q[..., 0])


SYSTEM = System(
    "IdealPendulum-v0",
    coordinates=Coordinates(
        degrees=(DegreeOfFreedom(cos=0, sin=1, velocity=2),),
        controls=(Control(0, limit=IdealPendulumSwingUp.force_limit, unit="N m"),),
    ),
    dt=0.05,
    task=IdealPendulumSwingUp,
    truth=Truth(IdealPendulumSwingUp.truth, Yoshida4()),
    variants={"IdealPendulumBump": {"actions": "bump", "bump_limit": 0.2}},
    recording=Recording(2000),
    twins={
        "HNN": Twin("mechanical", integrator=Yoshida4()),
        "Baseline": Twin("baseline", fit={"decay": 1e-9}),
    },
)
