"""The recordings of the study: what is recorded, how much of it, and how far ahead forecasts are judged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import gymnasium

from experiments.mechanisms.motions import Pendulum, acrobot, charged_particle, double_pendulum, two_rods
from hnn_gym.data import TransitionDataset, record_steps
from hnn_gym.physics.dynamics import PortHamiltonian

FRESH = 1_000
"""Added to the seed of a recording, it is that of the fresh episodes that judge what was learned from it."""


@dataclass(frozen=True)
class Row:
    """One row of the table.

    Attributes:
        recorded: records steps of a number with a seed.
        steps: transitions to learn from.
        horizons: steps after which forecasts are judged, in standard deviations of fresh episodes.
        bars: what the errors with the scheme of the recording should be at most, by horizon.
        scheme: the name of the scheme that made the data; "": it has no name here.
        extra: what else is measured: "energy", "lengths", "free", "rest".
        truth: the true dynamics, whose own flow is compared with the recordings too.
    """

    recorded: Callable[[int, int], TransitionDataset]
    steps: int
    horizons: tuple[int, ...]
    bars: tuple[float, ...] = ()
    scheme: str = ""
    extra: tuple[str, ...] = ()
    truth: Callable[[], PortHamiltonian] | None = None


def environment(env_id: str, policy: str, steps: int, seed: int) -> TransitionDataset:
    """Record a registered environment."""
    env = gymnasium.make(env_id)
    try:
        return record_steps(env, steps=steps, policy=policy, seed=seed)
    finally:
        env.close()


def _pendulum(friction: float, steps: int, seed: int) -> TransitionDataset:
    return record_steps(gymnasium.wrappers.TimeLimit(Pendulum(friction), 100), steps=steps, seed=seed)


def _known(env_id: str, policy: str = "random") -> Callable[[int, int], TransitionDataset]:
    return partial(environment, env_id, policy)


ROWS: dict[str, Row] = {
    "CartPole-v1": Row(_known("CartPole-v1"), 1000, (1,), (5e-5,), "explicit-euler", ("energy",)),
    "Acrobot-v1": Row(_known("Acrobot-v1"), 2000, (1, 50, 200), (1e-3, 0.01, 0.05), "rk4", truth=acrobot),
    "MountainCarContinuous-v0": Row(
        _known("MountainCarContinuous-v0", "bang-bang"),
        2000,
        (50, 200),
        (0.01, 0.03),
        "semi-implicit-euler",
        ("lengths",),
    ),
    "InvertedPendulum-v5": Row(_known("InvertedPendulum-v5"), 1500, (1,), (3e-4,), "rk4 x 2"),
    "InvertedDoublePendulum-v5": Row(_known("InvertedDoublePendulum-v5"), 1500, (1,), (2e-3,), "rk4 x 5"),
    "Reacher-v5": Row(_known("Reacher-v5"), 2000, (1,), (5e-3,), "rk4 x 2"),
    "Pendulum-v1": Row(_known("Pendulum-v1"), 400, (), scheme="semi-implicit-euler"),
    "pendulum": Row(partial(_pendulum, 0.0), 400, (), extra=("free",)),
    "pendulum with dry friction": Row(partial(_pendulum, 0.1), 400, (), extra=("free", "rest")),
    "chaotic double pendulum": Row(double_pendulum, 2000, (50,), (0.02,), truth=two_rods),
    "charged particle": Row(charged_particle, 2000, (50, 200), (0.005, 0.005), extra=("energy",)),
}
"""By name."""
FREE_BARS = {"pendulum": 0.01, "pendulum with dry friction": 0.05}
"""Absolute errors after 200 free steps."""
CONTACTS = ("Hopper-v5", "HalfCheetah-v5")
"""Environments whose feet hit the ground, :data:`CONTACT_STEPS` steps of each."""
CONTACT_STEPS, CONTACT_HORIZONS = 2000, (1, 10)
