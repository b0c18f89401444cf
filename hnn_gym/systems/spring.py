"""A mass on a spring: H = q^2 + p^2, the system of Greydanus et al. 2019, Task 1.

Hold a target energy: r = -((E - E*) / E*)^2 - 0.01 (u / u_max)^2, with E the true energy and E* fixed
(:class:`SpringHold`) or rising and falling, E*(t) = 0.5 J + 0.3 J sin(2 pi t / 5 s) (:class:`SpringSweep`). Yoshida's
scheme of order 4 takes 63 steps a period.
"""

from __future__ import annotations

import math
import reprlib
from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
from gymnasium.spaces import Box

from hnn_gym.coordinates import Control, Coordinates, DegreeOfFreedom
from hnn_gym.errors import InputError, finite_number
from hnn_gym.physics.hamiltonians import Spring
from hnn_gym.physics.integrators import Leapfrog, Yoshida4
from hnn_gym.physics.phase import Array, join, namespace, split
from hnn_gym.systems.base import Recording, System, Truth, Twin
from hnn_gym.systems.picture import Coil, Line, Picture, Polygon, points
from hnn_gym.systems.starts import ring
from hnn_gym.systems.task import Task


@dataclass(frozen=True)
class SpringHold(Task):
    """Bring a mass on a spring to an energy of 0.5 J and hold it there, with a force far below the spring's own.

    The spring of Greydanus et al. 2019, Task 1: H = q^2 + p^2 in J, that is a mass of 0.5 kg on a spring of 2 N/m.
    The force is a tenth of the largest force of the spring, so that energy has to be pumped in step with the swing.

    | observation | what | unit | range |
    |---|---|---|---|
    | 0 | displacement q | m | (-inf, inf) |
    | 1 | velocity v = 2 p | m/s | (-inf, inf) |

    | action | what | unit | range |
    |---|---|---|---|
    | 0 | share of the largest force, u = 0.2 N x action | 1 | [-1, 1] |

    Reward, on the state *after* the step: r = -((E - E*) / E*)^2 - 0.01 (u / 0.2 N)^2, with the true energy
    E = q^2 + v^2 / 4 and E* = 0.5 J.

    Starts: (q, p) at a radius uniform in [0.1, 1] and in the paper's random direction, so that E lies in
    [0.01, 1] J. Truncated after 200 steps of 0.05 s; never terminated.

    Version history: v0, the first.

    Attributes:
        target_energy: E* in J, a number or ``(...)``.
    """

    target_energy: Array | float = 0.5

    def __post_init__(self) -> None:
        """Check the target, which the reward divides by.

        Raises:
            InputError: it is no finite number above 0, and no array of such numbers.
        """
        target, name = self.target_energy, f"The target_energy of a {type(self).__name__}"
        if isinstance(target, np.ndarray):
            if target.dtype.kind not in "iuf" or not np.all(np.isfinite(target) & (target > 0)):
                raise InputError(f"{name} must hold finite numbers greater than 0, got {reprlib.repr(target)}.")
        elif isinstance(target, Real) or not hasattr(target, "shape"):  # not an array of torch, or of a traced step
            finite_number(target, name, above=0.0)

    observation_space = Box(-np.inf, np.inf, (2,), np.float32)
    action_space = Box(-1.0, 1.0, (1,), np.float32)
    max_episode_steps = 200
    renderer = "hnn_gym.envs.render.spring:SpringRenderer"

    truth = Spring()
    force_limit = 0.2

    def initial(self, rng: np.random.Generator, options: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray]:
        """Draw a start (q, v), each ``(1,)``."""
        q, p = split(ring(rng, 1, smallest=0.1, largest=1.0)[0])
        return q, self.truth.velocity(q, p)

    def reward(self, q: Array, v: Array, u: Array, next_q: Array, next_v: Array) -> Array:
        """Reward ``(...)`` of arriving at states ``(..., 1)`` under forces ``(..., 1)``."""
        energy = self.truth.energy(join(next_q, self.truth.momentum(next_q, next_v)))
        error, effort = energy / self.target_energy - 1, u[..., 0] / self.force_limit
        return -error * error - 0.01 * effort * effort

    def terminated(self, q: Array, v: Array) -> Array:
        """Never: the episode is only truncated."""
        return namespace(q).zeros_like(q[..., 0], dtype=bool)

    def picture(self, q: Array) -> Picture:
        """The block at q ``(1,)`` on the floor, and the coil between it and a wall."""
        x, floor, wall, edge = q[..., 0], -0.27, -2.2, 0.25
        block = ((x - edge, -edge), (x + edge, -edge), (x + edge, edge), (x - edge, edge))
        shapes = (
            Line(points(q, (wall, 0.7), (wall, floor), (2.2, floor)), "ground"),
            Line(points(q, (0.0, floor), (0.0, floor - 0.12)), "mark"),
            Coil(points(q, (wall, 0.0), (x - edge, 0.0))),
            Polygon(points(q, *block)),
        )
        return Picture(shapes, 2.4)


@dataclass(frozen=True)
class SpringSweep(SpringHold):
    """Keep the energy of a mass on a spring at a target that sweeps from 0.5 J up to 0.8 J, down to 0.2 J, and back.

    The spring, the actions and the starts of :class:`SpringHold`. The target moves with the time t since the reset:

        E*(t) = 0.5 J + 0.3 J sin(2 pi t / T),  T = 5 s.

    | observation | what | unit | range |
    |---|---|---|---|
    | 0 | displacement q | m | (-inf, inf) |
    | 1 | velocity v = 2 p | m/s | (-inf, inf) |
    | 2 | target E*(t) of the coming step | J | [0.2, 0.8] |
    | 3 | its rate dE*/dt | J/s | [-0.377, 0.377] |

    Reward of the step from t, on the state *after* it: r = -((E - E*(t)) / E*(t))^2 - 0.01 (u / 0.2 N)^2, with the
    true energy E = q^2 + v^2 / 4. The force gives at most 0.2 N v < 0.36 W at these energies, less than the target's
    fastest rate: only energy bumps can follow it closely.

    Truncated after 200 steps of 0.05 s, two sweeps; never terminated.

    Version history: v0, the first.

    Attributes:
        target_energy: the middle of the sweep in J.
        swing: how far it goes above and below in J.
        period: T in s.
    """

    observation_space = Box(
        np.array([-np.inf, -np.inf, 0.2, -0.377], np.float32), np.array([np.inf, np.inf, 0.8, 0.377], np.float32)
    )
    goal_size = 2

    swing = 0.3
    period = 5.0

    def goal(self, t: Array) -> Array:
        """Return E* in J and dE*/dt in J/s, ``(..., 2)``, at t seconds ``(...)``."""
        rate = 2 * math.pi / self.period
        xp, phase = namespace(t), rate * t
        return xp.stack(
            [self.target_energy + self.swing * xp.sin(phase), self.swing * rate * xp.cos(phase)],
            axis=-1,
        )

    def at(self, t: Array) -> SpringHold:
        """Hold the energy that is the target of the step from t seconds ``(...)``."""
        return SpringHold(target_energy=self.goal(t)[..., 0])


_FORCE_LIMIT = SpringHold.force_limit

SYSTEM = System(
    "Spring-v0",
    coordinates=Coordinates(
        degrees=(DegreeOfFreedom(position=0, velocity=1),),
        controls=(Control(0, limit=_FORCE_LIMIT, unit="N", scale=_FORCE_LIMIT),),
    ),
    dt=0.05,
    task=SpringHold,
    truth=Truth(SpringHold.truth, Yoshida4()),
    tasks={"energy sweep": SpringSweep},
    variants={
        "SpringBump": {"actions": "bump", "bump_limit": 0.05},
        "SpringSweepBump": {"actions": "bump", "bump_limit": 0.05, "task": "energy sweep"},
    },
    recording=Recording(1000),
    twins={
        "HNN": Twin("mechanical", options={"hidden": (16,)}, integrator=Yoshida4()),
        "Baseline": Twin("baseline", options={"hidden": (64,)}, fit={"decay": 1e-13}),
    },
    pixel_twins={
        "HNN": Twin("mechanical", options={"hidden": ()}, integrator=Leapfrog()),
        "Baseline": Twin("second-order", options={"hidden": (16,)}),
    },
)
