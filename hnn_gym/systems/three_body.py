"""Three bodies: H = sum_i p_i^2 / 2 - sum_(i<j) 1 / d_ij, the system of Greydanus et al. 2019, Task 5.

Keep them bound, and apart: the task of :class:`.KeepBound`. Yoshida's scheme of order 6 takes a step of 0.02 s, since
encounters down to 0.2 m last 0.1 s.
"""

from __future__ import annotations

from functools import partial

from hnn_gym.physics.hamiltonians import NBody
from hnn_gym.physics.integrators import Leapfrog, Yoshida6
from hnn_gym.systems.base import Recording, System, Truth, Twin
from hnn_gym.systems.bodies import KeepBound, bodies_coordinates
from hnn_gym.systems.starts import near_circular_triple

_MASSES = (1.0, 1.0, 1.0)


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
            _MASSES,
            starts=partial(near_circular_triple, smallest=0.9, largest=1.2, noise=0.2),
            escape_radius=4.0,
            collision_distance=0.2,
            view_radius=2.0,
        )


SYSTEM = System(
    "ThreeBody-v0",
    coordinates=bodies_coordinates(3, force_limit=ThreeBodyBound.force_limit),
    dt=0.02,
    task=ThreeBodyBound,
    truth=Truth(NBody(masses=_MASSES), Yoshida6()),
    recording=Recording(8000, episode_steps=400),
    twins={
        "HNN": Twin("pairwise", fit={"lbfgs_steps": 600}, integrator=Yoshida6()),
        "Baseline": Twin("baseline", fit={"decay": 1e-6}),
    },
    pixel_twins={
        "HNN": Twin("pairwise", options={"hidden": (16,)}, integrator=Leapfrog()),
    },
)
