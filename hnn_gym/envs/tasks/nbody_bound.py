"""Keep bodies together: r = 1 - mean_i (|x_i - x_c| / R)^2 - 0.05 (|a_1| + |a_2|), over when one escapes beyond R."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from gymnasium.spaces import Box

from hnn_gym.envs.tasks.bodies import RESOLVED, closest, from_centre, refuse_coinciding
from hnn_gym.envs.tasks.starts import Starts, near_circular_triple, sunflower
from hnn_gym.errors import InputError
from hnn_gym.physics.hamiltonians import NBody
from hnn_gym.physics.phase import Array, split
from hnn_gym.systems.task import Task


class KeepBound(Task):
    """Keep gravitating bodies bound, and apart, with an engine on the first of them.

    Attributes:
        masses: of the bodies in kg.
        starts: draws [q, v].
        escape_radius: R in m; a body further than this from the centre of mass has escaped.
        collision_distance: in m; two bodies closer than this have collided. 0: they pass through each other.
        force_limit: largest force on body 1 along x and along y, in N.
        view_radius: in m; how much a picture shows at least.
    """

    max_episode_steps = 1000
    renderer = "bodies"
    energy_tolerance = RESOLVED
    force_limit = 0.2

    def __init__(
        self,
        masses: tuple[float, ...],
        *,
        starts: Starts,
        escape_radius: float,
        collision_distance: float,
        view_radius: float,
    ) -> None:
        """Pose the task for bodies of the given masses."""
        self.masses, self.starts = masses, starts
        self.escape_radius, self.collision_distance, self.view_radius = escape_radius, collision_distance, view_radius
        self.observation_space = Box(-np.inf, np.inf, (4 * len(masses),), np.float32)
        self.action_space = Box(-1.0, 1.0, (2,), np.float32)

    def initial(self, rng: np.random.Generator, options: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray]:
        """Draw a start (q, v), each ``(2b,)``."""
        return split(self.starts(rng, 1)[0])

    def check_state(self, q: np.ndarray, v: np.ndarray) -> None:
        """Refuse coinciding bodies."""
        refuse_coinciding(q)

    def reward(self, q: Array, v: Array, u: Array, next_q: Array, next_v: Array) -> Array:
        """Reward ``(...)`` of arriving at states ``(..., 2b)`` under thrusts ``(..., 2)``."""
        spread = from_centre(next_q, self.masses) / self.escape_radius
        return 1 - (spread * spread).sum(-1) / len(self.masses) - 0.05 * abs(u / self.force_limit).sum(-1)

    def terminated(self, q: Array, v: Array) -> Array:
        """Whether a body of states ``(..., 2b)`` escaped or two collided; bool ``(...)``."""
        escaped = (from_centre(q, self.masses) > self.escape_radius).sum(-1) > 0
        return escaped if self.collision_distance == 0 else escaped | (closest(q) < self.collision_distance)


class ThreeBodyBound(KeepBound):
    """Keep three point masses bound and apart. Left alone, most triples collide or break up within 20 s.

    The three bodies of Greydanus et al. 2019, Task 5: unit masses in kg, G = 1 N m^2 / kg^2, in the plane, without
    softening.

    | observation | what | unit | range |
    |---|---|---|---|
    | 0 ... 5 | positions x_1, y_1, x_2, y_2, x_3, y_3 | m | (-inf, inf) |
    | 6 ... 11 | velocities, in the same order | m/s | (-inf, inf) |

    | action | what | unit | range |
    |---|---|---|---|
    | 0, 1 | thrust on body 1 along x and y, as a share of 0.2 N | 1 | [-1, 1] |

    Reward, on the state *after* the step: r = 1 - mean_i (|x_i - x_c| / R)^2 - 0.05 (|a_1| + |a_2|), with x_c the
    centre of mass, R = 4 m, and actions a clipped to [-1, 1].

    Starts: on a circle of radius uniform in [0.9, 1.2] m, at 120 degrees, every entry of the circular velocities
    times 1 + 0.2 U(-1, 1). Terminated when a body is further than R from the centre of mass (it has escaped) or two
    come within 0.2 m (they have collided); truncated after 1,000 steps of 0.02 s.

    Version history: v0, the first.
    """

    def __init__(self) -> None:
        """Pose the task."""
        super().__init__(
            (1.0, 1.0, 1.0),
            starts=partial(near_circular_triple, smallest=0.9, largest=1.2, noise=0.2),
            escape_radius=4.0,
            collision_distance=0.2,
            view_radius=2.0,
        )


class NBodyBound(KeepBound):
    """Keep n bodies of any masses bound, with an engine on the first of them.

    | observation | what | unit | range |
    |---|---|---|---|
    | 0 ... 2n - 1 | positions x_1, y_1, ..., x_n, y_n | m | (-inf, inf) |
    | 2n ... 4n - 1 | velocities, in the same order | m/s | (-inf, inf) |

    | action | what | unit | range |
    |---|---|---|---|
    | 0, 1 | thrust on body 1 along x and y, as a share of 0.2 N | 1 | [-1, 1] |

    Reward, on the state *after* the step: r = 1 - mean_i (|x_i - x_c| / R)^2 - 0.05 (|a_1| + |a_2|), with x_c the
    centre of mass, R = 2 (1 + sqrt(n)) m, and actions a clipped to [-1, 1].

    Starts: the seeds of a sunflower, turned by a random angle, every position off by up to 0.1 m and every body at
    the speed of a circle around the centre of mass, entries times 1 + 0.2 U(-1, 1), without total momentum.
    Terminated when a body is further than R from the centre of mass or, without softening, when two come within
    0.2 m; truncated after 1,000 steps of 0.02 s.

    ``gymnasium.make("NBody-v0", n=5, masses=(...), softening=0.2)``: G = 1 N m^2 / kg^2, masses in kg, softening in m.

    Version history: v0, the first.
    """

    def __init__(self, n: int | None = None, masses: Sequence[float] | None = None, softening: float = 0.2) -> None:
        """Pose the task for ``n`` bodies of the given masses (all 1 kg unless given).

        Raises:
            InputError: fewer than two bodies, another number of masses, a mass that is not positive, or a
                negative softening.
        """
        self.truth = n_bodies(n, masses, softening)
        count = self.truth.bodies
        super().__init__(
            self.truth.masses,
            starts=partial(sunflower, system=self.truth, jitter=0.1, noise=0.2),
            escape_radius=2 * (1 + float(np.sqrt(count))),
            collision_distance=0.0 if softening > 0 else 0.2,
            view_radius=1.2 * float(np.sqrt(count)),
        )


def n_bodies(n: int | None = None, masses: Sequence[float] | None = None, softening: float = 0.2) -> NBody:
    """Gravity between ``n`` bodies (5 unless masses are given) of ``masses`` in kg (1 unless given).

    Raises:
        InputError: as for :class:`NBodyBound`.
    """
    if masses is None:
        count = 5 if n is None else n
        if isinstance(count, bool) or not isinstance(count, (int, np.integer)) or count < 2:
            raise InputError(f"NBody-v0 needs a whole number of at least 2 bodies, got n={n!r}.")
        masses = (1.0,) * int(count)
    try:
        masses = tuple(float(mass) for mass in masses)
        softening = float(softening)
    except (TypeError, ValueError):
        raise InputError(f"Masses and softening must be numbers, got {masses!r} and {softening!r}.") from None
    if n is not None and n != len(masses):
        raise InputError(f"n={n!r} bodies and {len(masses)} masses do not fit: give one mass per body, or leave out n.")
    return NBody(masses=masses, softening=softening)
