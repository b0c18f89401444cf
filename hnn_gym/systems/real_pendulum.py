"""The real pendulum of Schmidt and Lipson, known from its film alone: no environment, and no true H.

Keep it swinging against its friction: r = -((E - E*) / E*)^2 - 0.01 a^2.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium.spaces import Box

from hnn_gym.coordinates import Control, Coordinates, DegreeOfFreedom
from hnn_gym.physics.integrators import ImplicitMidpoint
from hnn_gym.physics.phase import Array, namespace
from hnn_gym.systems.base import System, Twin
from hnn_gym.systems.picture import Picture, rod
from hnn_gym.systems.task import Task


class RealPendulumSustain(Task):
    """Keep the pendulum of Schmidt and Lipson swinging at one energy, which friction takes from it.

    The pendulum was filmed, not pushed: its recording contains no control. An agent's action is therefore
    **hypothetical**: an angular acceleration, that is a torque per unit of the unknown inertia, which by the
    definition of both adds to dv/dt and needs no learning. Energies are per unit of inertia too, in rad^2/s^2.

    | observation | what | unit | range |
    |---|---|---|---|
    | 0 | cos q, q from hanging | 1 | [-1, 1] |
    | 1 | sin q | 1 | [-1, 1] |
    | 2 | angular velocity v | rad/s | (-inf, inf) |

    | action | what | unit | range |
    |---|---|---|---|
    | 0 | hypothetical acceleration, as a share of 0.1 rad/s^2 | 1 | [-1, 1] |

    Reward, on the state *after* the step: r = -((E - E*) / E*)^2 - 0.01 a^2, with E = v^2 / 2 + 1.2 (1 - cos q), the
    paper's energy H = 2.4 (1 - cos q) + p^2 of this pendulum (there p = v) by half, E* = 0.7 rad^2/s^2, and the action
    a clipped to [-1, 1].

    Starts: a swing of amplitude uniform in [0.8, 1.4] rad, where the recording is, at a random moment of it.
    Truncated after 200 steps of 1/6 s, the time between two frames; never terminated.

    Version history: v0, the first.
    """

    observation_space = Box(
        np.array([-1, -1, -np.inf], np.float32), np.array([1, 1, np.inf], np.float32), dtype=np.float32
    )
    action_space = Box(-1.0, 1.0, (1,), np.float32)
    max_episode_steps = 200
    renderer = "hnn_gym.envs.render.pendulum:HangingPendulumRenderer"

    gravity = 1.2
    target_energy = 0.7
    force_limit = 0.1

    def energy(self, q: Array, v: Array) -> Array:
        """The paper's energy per unit of inertia ``(...)`` in rad^2/s^2, of states ``(..., 1)``."""
        return v[..., 0] ** 2 / 2 + self.gravity * (1 - namespace(q).cos(q[..., 0]))

    def initial(self, rng: np.random.Generator, options: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray]:
        """Draw a start (q, v), each ``(1,)``."""
        amplitude, phase = rng.uniform(0.8, 1.4), rng.uniform(0, 2 * np.pi)
        q = amplitude * np.cos(phase)
        speed = np.sqrt(max(2 * self.gravity * (np.cos(q) - np.cos(amplitude)), 0.0))
        return np.array([q]), np.array([-np.sign(np.sin(phase)) * speed])

    def reward(self, q: Array, v: Array, u: Array, next_q: Array, next_v: Array) -> Array:
        """Reward ``(...)`` of arriving at states ``(..., 1)`` under accelerations ``(..., 1)``."""
        error = self.energy(next_q, next_v) / self.target_energy - 1
        effort = u[..., 0] / self.force_limit
        return -error * error - 0.01 * effort * effort

    def terminated(self, q: Array, v: Array) -> Array:
        """Never: the episode is only truncated."""
        return namespace(q).zeros_like(q[..., 0], dtype=bool)

    def picture(self, q: Array) -> Picture:
        """The rod at q ``(1,)`` from hanging, counter-clockwise."""
        return rod(q, np.pi - q[..., 0])


_SHOOTING = {"loss": "shooting", "horizon": 16}

SYSTEM = System(
    "RealPendulum",
    coordinates=Coordinates(
        degrees=(DegreeOfFreedom(cos=0, sin=1, velocity=2),),
        controls=(Control(0, limit=RealPendulumSustain.force_limit, scale=RealPendulumSustain.force_limit),),
    ),
    dt=1 / 6,
    task=RealPendulumSustain,
    twins={
        "HNN": Twin(
            "mechanical",
            options={"hidden": (8,), "damping": True},
            fit=_SHOOTING | {"decay": 1e-5, "adam_steps": 150, "lbfgs_steps": 200},
            integrator=ImplicitMidpoint(),
        ),
        "Baseline": Twin(
            "baseline",
            options={"hidden": (32,), "known_port": True},
            fit=_SHOOTING | {"decay": 1e-3, "adam_steps": 300, "lbfgs_steps": 300},
        ),
    },
)
