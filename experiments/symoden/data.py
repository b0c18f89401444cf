"""The trajectories of the published code: five constant actions from the same random starts.

The published generator draws the starts again for every action with the same seed, by the random numbers of gym 0.14,
and stores a trajectory from the state after the first step on. The first half of the starts is for training. Its
prediction error is measured from these training starts; the corrected protocol takes starts of another seed.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

from experiments.symoden.systems import ACROBOT, CART_POLE, PENDULUM
from hnn_gym.systems import System


@dataclass(frozen=True)
class SymodenTask:
    """One task of the paper.

    Attributes:
        system: the simulator.
        half_widths: of the uniform starts (q, v).
        train: starts for training, and as many for testing.
        predicted: starts of the prediction error.
        single: whether starts are rounded to float32.
        largest: speeds beyond which a trajectory is drawn again.
    """

    system: System
    half_widths: tuple[float, ...]
    order: tuple[int, ...]
    predicted: int = 64
    single: bool = False
    largest: tuple[float, ...] = ()
    train: int = 64


TASKS = {
    "pendulum": SymodenTask(PENDULUM, (np.pi, 1.0), (0, 1)),
    "cart-pole": SymodenTask(CART_POLE, (0.5, 0.05, 3.14, 3.0), (0, 2, 1, 3), predicted=32, single=True),
    "acrobot": SymodenTask(ACROBOT, (3.14,) * 4, (0, 1, 2, 3), largest=(4 * np.pi, 9 * np.pi)),
}
ACTIONS = (0.0, -1.0, 1.0, -2.0, 2.0)
POINTS, LONG = 20, 40


def old_gym_generator(seed: int) -> np.random.RandomState:
    """The random numbers of gym 0.14: a hash of the seed, in words of 32 bits, seeds NumPy's old generator."""
    whole = int.from_bytes(hashlib.sha512(str(seed).encode()).digest()[:8], "little")
    generator = np.random.RandomState()
    generator.seed([whole % 2**32, whole >> 32])
    return generator


def trajectories(task: SymodenTask, action: float, *, seed: int, starts: int, points: int) -> np.ndarray:
    """Trajectories ``(starts, points, d)`` under a constant action, the first ones of a seed."""
    world, generator = task.system.true_world(), old_gym_generator(seed)
    found: list[np.ndarray] = []
    width = np.array(task.half_widths)
    while len(found) < starts:
        drawn = generator.uniform(-width, width, (starts, len(width)))
        if task.single:
            drawn = drawn.astype(np.float32).astype(np.float64)
        q, v = np.split(drawn[:, task.order], 2, axis=1)
        path = world.rollout(world.phase_point(q, v), np.full((points, starts, 1), action))
        within = np.ones(starts, bool)
        if task.largest:
            within = (np.abs(world.state(path)[1]) < task.largest).all(axis=(0, 2))
        found.extend(world.decode(path[1:, i]) for i in np.flatnonzero(within))
    return np.stack(found[:starts])
