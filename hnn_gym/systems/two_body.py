"""Two bodies: H = (p_1^2 + p_2^2) / 2 - 1 / d, the system of Greydanus et al. 2019, Task 4.

Transfer them to a circular orbit of given size with little thrust:
r = 1 / (1 + 10 e) - 0.05 (|a_1| + |a_2|), with e the squared distance from that orbit, in units of it:
e = (d / d* - 1)^2 + (w_r^2 + (w_t - w*)^2) / w*^2, w* = sqrt(G (m_1 + m_2) / d*).
Yoshida's scheme of order 6 takes 75 to 390 steps a period, but 16 where the bodies are 0.5 m apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium.spaces import Box

from hnn_gym.physics.hamiltonians import NBody
from hnn_gym.physics.integrators import Yoshida6
from hnn_gym.physics.phase import Array, split
from hnn_gym.systems.base import Recording, System, Truth, Twin
from hnn_gym.systems.bodies import RESOLVED, bodies_coordinates, bodies_picture, closest, in_plane, refuse_coinciding
from hnn_gym.systems.picture import Picture
from hnn_gym.systems.starts import near_circular_pair
from hnn_gym.systems.task import Task


class OrbitTransfer(Task):
    """Bring two bodies that orbit each other to a circular orbit 3 m apart, with a weak engine on one of them.

    The two bodies of Greydanus et al. 2019, Task 4: unit masses in kg and G = 1 N m^2 / kg^2,
    H = (p_1^2 + p_2^2) / 2 - 1 / d in J, in the plane, d the distance between them.

    | observation | what | unit | range |
    |---|---|---|---|
    | 0, 1 | position of body 1, x and y | m | (-inf, inf) |
    | 2, 3 | position of body 2 | m | (-inf, inf) |
    | 4, 5 | velocity of body 1 | m/s | (-inf, inf) |
    | 6, 7 | velocity of body 2 | m/s | (-inf, inf) |

    | action | what | unit | range |
    |---|---|---|---|
    | 0, 1 | thrust on body 1 along x and y, as a share of 0.1 N | 1 | [-1, 1] |

    Reward, on the state *after* the step: r = 1 / (1 + 10 e) - 0.05 (|a_1| + |a_2|), with actions a clipped to
    [-1, 1] and e = (d / d* - 1)^2 + (w_r^2 + (w_t - w*)^2) / w*^2. Here w_r is the velocity of body 2 relative to
    body 1 away from it and w_t >= 0 across, in m/s; d* = 3 m, and w* = sqrt(2 / d*) = 0.816 m/s the speed of the
    circular orbit. On that orbit, coasting, r = 1; 0.05 per engine is the price of thrust.

    Starts: body 1 at r uniform in [0.5, 1.5]^2 m and body 2 at -r, on a circular orbit but for a factor
    1 + 0.05 N(0, 1) on the speed. Terminated when the bodies come within 0.5 m (a collision) or part beyond 12 m (an
    escape); truncated after 400 steps of 0.1 s.

    Version history: v0, the first.
    """

    observation_space = Box(-np.inf, np.inf, (8,), np.float32)
    action_space = Box(-1.0, 1.0, (2,), np.float32)
    max_episode_steps = 400
    renderer = "hnn_gym.envs.render.bodies:BodiesRenderer"
    energy_tolerance = RESOLVED

    masses = (1.0, 1.0)
    view_radius = 2.5
    target_distance = 3.0
    force_limit = 0.1
    collision_distance = 0.5
    escape_distance = 12.0

    @property
    def target_speed(self) -> float:
        """Relative speed w* on the target orbit in m/s, with G = 1."""
        return float(np.sqrt(sum(self.masses) / self.target_distance))

    def initial(self, rng: np.random.Generator, options: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray]:
        """Draw a start (q, v), each ``(4,)``."""
        return split(near_circular_pair(rng, 1, smallest=0.5, largest=1.5, noise=0.05)[0])

    def check_state(self, q: np.ndarray, v: np.ndarray) -> None:
        """Refuse coinciding bodies."""
        refuse_coinciding(q)

    def orbit_error(self, q: Array, v: Array) -> Array:
        """E ``(...)`` of states ``(..., 4)``: 0 on the target orbit."""
        s, w = (values[..., 1, :] - values[..., 0, :] for values in (in_plane(q), in_plane(v)))
        distance = (s * s).sum(-1) ** 0.5
        radial = (s * w).sum(-1) / distance
        across = abs(s[..., 0] * w[..., 1] - s[..., 1] * w[..., 0]) / distance
        speed = self.target_speed
        return (distance / self.target_distance - 1) ** 2 + (radial**2 + (across - speed) ** 2) / speed**2

    def reward(self, q: Array, v: Array, u: Array, next_q: Array, next_v: Array) -> Array:
        """Reward ``(...)`` of arriving at states ``(..., 4)`` under thrusts ``(..., 2)``."""
        return 1 / (1 + 10 * self.orbit_error(next_q, next_v)) - 0.05 * abs(u / self.force_limit).sum(-1)

    def terminated(self, q: Array, v: Array) -> Array:
        """Whether the bodies of states ``(..., 4)`` collide or escape; bool ``(...)``."""
        distance = closest(q)
        return (distance < self.collision_distance) | (distance > self.escape_distance)

    def picture(self, q: Array) -> Picture:
        """Both bodies at q ``(4,)``, seen from their centre of mass."""
        return bodies_picture(q, self.masses, self.view_radius)


SYSTEM = System(
    "TwoBody-v0",
    coordinates=bodies_coordinates(2, force_limit=OrbitTransfer.force_limit),
    dt=0.1,
    task=OrbitTransfer,
    truth=Truth(NBody(masses=OrbitTransfer.masses), Yoshida6()),
    variants={"TwoBodyBump": {"actions": "bump", "bump_limit": 0.02}},
    recording=Recording(5000),
    twins={
        "HNN": Twin("pairwise", integrator=Yoshida6()),
        "Baseline": Twin("baseline"),
    },
    pixel_twins={
        "HNN": Twin("pairwise", options={"hidden": (16,)}),
        "Baseline": Twin("second-order", options={"hidden": (16,)}),
    },
)
