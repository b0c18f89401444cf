"""Hold a target energy on a spring: r = -((E - E*) / E*)^2 - 0.01 (u / u_max)^2, with E the true energy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from gymnasium.spaces import Box

from hnn_gym.envs.tasks.starts import ring
from hnn_gym.physics.hamiltonians import Spring
from hnn_gym.physics.phase import Array, join, namespace, split
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

    observation_space = Box(-np.inf, np.inf, (2,), np.float32)
    action_space = Box(-1.0, 1.0, (1,), np.float32)
    max_episode_steps = 200
    renderer = "spring"

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
