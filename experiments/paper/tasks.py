"""The paper's simulated tasks as data: system, distributions, training protocol, scoring protocol.

Source: Greydanus, Dzamba, Yosinski 2019, sections 3 and 4 and their code. The real pendulum, which has
recorded data instead of a system, is in :mod:`experiments.paper.real_pendulum`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Literal

from experiments.paper.starts import Starts, square_frame
from hnn_gym.physics.dynamics import SeparableHamiltonian
from hnn_gym.physics.hamiltonians import NBody, Pendulum, Spring
from hnn_gym.systems.starts import near_circular_pair, near_circular_triple, ring


@dataclass(frozen=True)
class Protocol:
    """How the paper trains: Adam at 1e-3 on derivatives.

    Attributes:
        steps: gradient steps.
        batch: states in a step; None: all.
        decay: Adam's coupled L2 weight decay.
    """

    steps: int
    batch: int | None
    decay: float


@dataclass(frozen=True)
class PaperTask:
    """One simulated task.

    Attributes:
        name: as in tables.
        system: the true H.
        trajectories: number of trajectories.
        points: of a trajectory, both ends included.
        duration: of a trajectory in s.
        noise: standard deviation of the noise on the inputs (never on the targets).
        train_fraction: share of the trajectories for training.
        starts: of the training distribution; also the in-distribution starts of scoring.
        outside: starts outside it.
        scoring_starts: the paper's own, where they differ from ``starts``.
        horizon: of scoring in s.
        scored_points: of a scored trajectory.
        protocol: how the paper trains.
        quirk: peculiarity of the paper's scoring: it stretches time, or takes q^2 + p^2 for the energy.
    """

    name: str
    system: SeparableHamiltonian
    trajectories: int
    points: int
    duration: float
    noise: float
    train_fraction: float
    starts: Starts
    outside: Starts
    scoring_starts: Starts
    horizon: float
    scored_points: int
    protocol: Protocol
    quirk: Literal["time stretch", "q^2 + p^2", ""] = ""

    @property
    def training_trajectories(self) -> int:
        """Number of training trajectories."""
        return round(self.trajectories * self.train_fraction)


_SMALL = Protocol(steps=2000, batch=None, decay=1e-4)
_PAIR = partial(near_circular_pair, smallest=0.5, largest=1.5, noise=0.05)
_TRIPLE = partial(near_circular_triple, smallest=0.9, largest=1.2, noise=0.2)

SPRING = PaperTask(
    name="spring",
    system=Spring(),
    trajectories=50,
    points=30,
    duration=3.0,
    noise=0.1,
    train_fraction=0.5,
    starts=partial(ring, smallest=0.1, largest=1.0),
    outside=partial(ring, smallest=1.1, largest=1.5),
    scoring_starts=square_frame(0.2, 1.0),
    horizon=20.0,
    scored_points=2000,
    protocol=_SMALL,
    quirk="time stretch",
)
PENDULUM = PaperTask(
    name="pendulum",
    system=Pendulum(),
    trajectories=50,
    points=45,
    duration=3.0,
    noise=0.1,
    train_fraction=0.5,
    starts=partial(ring, smallest=1.3, largest=2.3),
    outside=partial(ring, smallest=0.2, largest=1.2),
    scoring_starts=square_frame(0.2, 1.0),
    horizon=20.0,
    scored_points=2000,
    protocol=_SMALL,
    quirk="q^2 + p^2",
)
TWO_BODY = PaperTask(
    name="two-body",
    system=NBody(),
    trajectories=1000,
    points=50,
    duration=20.0,
    noise=0.0,
    train_fraction=0.8,
    starts=_PAIR,
    outside=partial(_PAIR, smallest=1.55, largest=2.0),
    scoring_starts=_PAIR,
    horizon=25.0,
    scored_points=500,
    protocol=Protocol(steps=10_000, batch=200, decay=0.0),
)
THREE_BODY = PaperTask(
    name="three-body",
    system=NBody(masses=(1.0, 1.0, 1.0)),
    trajectories=5000,
    points=20,
    duration=5.0,
    noise=0.0,
    train_fraction=0.8,
    starts=_TRIPLE,
    outside=partial(_TRIPLE, smallest=1.25, largest=1.5),
    scoring_starts=_TRIPLE,
    horizon=3.0,
    scored_points=500,
    protocol=Protocol(steps=10_000, batch=200, decay=1e-4),
)
SIMULATED = {task.name: task for task in (SPRING, PENDULUM, TWO_BODY, THREE_BODY)}
