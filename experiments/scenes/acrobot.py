"""Acrobot-v1 from frames: two links that swing under random torques of -1, 0 and 1 N m between them.

Random torques pump the motion up during an episode. So that all of its stages count, the ten held-out films begin 0,
25, ..., 225 steps after the start of theirs.
"""

from __future__ import annotations

import numpy as np

from experiments.scenes.driven import Driven
from hnn_gym.models.pixel import Arm
from hnn_gym.physics.integrators import InVelocities, RungeKutta4
from hnn_gym.systems import Twin

_PIXELS_PER_METRE = 64 / 4.4
_SCHEME = InVelocities(RungeKutta4())
"""Acrobot-v1 steps by this rule, and steps of 0.2 s are so long that another one would not do."""


def _joint_and_tip(q: np.ndarray) -> np.ndarray:
    """Places of the joint and of the tip in pixels ``(..., 4)``; both links are 1 m long."""
    first, second = q[..., 0], q[..., 0] + q[..., 1]
    joint = np.stack([np.sin(first), -np.cos(first)], axis=-1)
    tip = joint + np.stack([np.sin(second), -np.cos(second)], axis=-1)
    return _PIXELS_PER_METRE * np.concatenate([joint, tip], axis=-1)


ACROBOT = Driven(
    env_id="Acrobot-v1",
    scene=Arm(),
    models={
        "HNN": (Twin("chain", integrator=_SCHEME), None),
        "second-order network": (Twin("second-order", {"hidden": (16,)}, integrator=_SCHEME), None),
    },
    steps=6000,
    horizons=(5, 10, 20, 40),
    context=40,
    horizon=200,
    positions=(0, 1),
    marks=_joint_and_tip,
    action=lambda rng, observation: int(rng.integers(3)),
    lead=lambda number: 25 * number,
)
"""Settings were chosen on the recording of seed 11."""
