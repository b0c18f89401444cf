"""Follow a target energy on a spring that rises and falls: E*(t) = 0.5 J + 0.3 J sin(2 pi t / 5 s)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from gymnasium.spaces import Box

from hnn_gym.envs.tasks.spring import SpringHold
from hnn_gym.physics.phase import Array, namespace


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
