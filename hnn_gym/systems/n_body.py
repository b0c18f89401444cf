"""n bodies of any masses, with Plummer softening: ``gymnasium.make("NBody-v0", n=5, masses=(...), softening=0.2)``.

Keep them bound: the task of :class:`.KeepBound`. Scheme and time step are those of three bodies.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from hnn_gym.coordinates import Coordinates
from hnn_gym.errors import InputError
from hnn_gym.physics.hamiltonians import NBody
from hnn_gym.physics.integrators import Yoshida6
from hnn_gym.systems.base import System, Truth
from hnn_gym.systems.bodies import KeepBound, bodies_coordinates
from hnn_gym.systems.starts import sunflower


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


def _coordinates(n: int | None = None, masses: Sequence[float] | None = None) -> Coordinates:
    return bodies_coordinates(n_bodies(n, masses).bodies, force_limit=NBodyBound.force_limit)


def _truth(n: int | None = None, masses: Sequence[float] | None = None, softening: float = 0.2) -> Truth:
    return Truth(n_bodies(n, masses, softening), Yoshida6())


SYSTEM = System("NBody-v0", coordinates=_coordinates, dt=0.02, task=NBodyBound, truth=_truth)
