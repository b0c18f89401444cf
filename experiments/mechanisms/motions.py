"""Recordings of three systems whose truth is known here: a pendulum, a chaotic double pendulum, a charged particle.

All are integrated in substeps so fine that the recordings are those of exact motion.
"""

from __future__ import annotations

from collections.abc import Callable

import gymnasium
import numpy as np

from hnn_gym.data import LogSettings, TransitionDataset
from hnn_gym.physics.dynamics import PortHamiltonian
from hnn_gym.physics.hamiltonians import Link, PlanarChain
from hnn_gym.physics.integrators import RungeKutta4, Substeps

DT = 0.05
_SUBSTEPS = 10
_EPISODE, _LONG_EPISODE = 100, 200

Acceleration = Callable[[np.ndarray, np.ndarray], np.ndarray]


class Pendulum(gymnasium.Env[np.ndarray, np.ndarray]):
    """A pendulum d2q/dt2 = -9.81 sin q + torque, in ten substeps of leapfrog, with or without dry friction.

    Observations are cos q, sin q and the angular velocity; the torque is at most 2 N m.
    """

    dt = DT

    def __init__(self, friction: float = 0.0) -> None:
        """Hold the dry friction in N m."""
        self.friction = friction
        self.observation_space = gymnasium.spaces.Box(-np.inf, np.inf, (3,), np.float64)
        self.action_space = gymnasium.spaces.Box(-2.0, 2.0, (1,), np.float64)
        self.q = self.v = 0.0

    def reset(
        self, *, seed: int | None = None, options: dict[str, object] | None = None
    ) -> tuple[np.ndarray, dict[str, object]]:
        """Start at a random angle with a random velocity."""
        super().reset(seed=seed)
        self.q, self.v = self.np_random.uniform(-np.pi, np.pi), self.np_random.uniform(-2.0, 2.0)
        return self._seen(), {}

    def step(self, action: np.ndarray) -> tuple[np.ndarray, float, bool, bool, dict[str, object]]:
        """Turn for 0.05 s."""
        h = self.dt / _SUBSTEPS
        for _ in range(_SUBSTEPS):
            self._kick(h / 2, float(action[0]))
            self.q += h * self.v
            self._kick(h / 2, float(action[0]))
        return self._seen(), 0.0, False, False, {}

    def _kick(self, h: float, torque: float) -> None:
        free = self.v + h * (torque - 9.81 * np.sin(self.q))
        self.v = float(np.sign(free) * max(abs(free) - h * self.friction, 0.0))

    def _seen(self) -> np.ndarray:
        return np.array([np.cos(self.q), np.sin(self.q), self.v])


def two_rods() -> PortHamiltonian:
    """Two equal rods of 1 kg and 1 m that hang on each other."""
    rod = Link(mass=1.0, length=1.0, centre=0.5, inertia=1 / 12)
    return PortHamiltonian(PlanarChain.of_links([rod, rod], gravity=9.81, upright=False))


def acrobot() -> PortHamiltonian:
    """The physics of Acrobot-v1, which steps it by RK4."""
    link = Link(mass=1.0, length=1.0, centre=0.5, inertia=1.0)
    chain = PlanarChain.of_links([link, link], gravity=9.8, upright=False)
    return PortHamiltonian(chain, control=np.array([[0.0], [1.0]]))


def double_pendulum(steps: int, seed: int) -> TransitionDataset:
    """Two rods that swing freely from random angles, as arrays of angles and velocities."""
    dynamics = two_rods()
    rng = np.random.default_rng(seed)
    count = steps // _EPISODE
    q, v = rng.uniform(-np.pi, np.pi, (count, 2)), rng.normal(size=(count, 2))
    x = np.concatenate([q, dynamics.momentum(q, v)], axis=-1)
    states = [np.concatenate([q, v], axis=-1)]
    for _ in range(_EPISODE):
        x = Substeps(RungeKutta4(), _SUBSTEPS).step(dynamics, x, DT)
        states.append(np.concatenate([x[:, :2], dynamics.velocity(x[:, :2], x[:, 2:])], axis=-1))
    return _from_states(np.stack(states, axis=1))


def charged_particle(steps: int, seed: int) -> TransitionDataset:
    """A particle in a harmonic trap and a magnetic field B = 2 (1 + 0.3 x) across its plane."""
    rng = np.random.default_rng(seed)
    state = rng.uniform(-1.0, 1.0, (steps // _LONG_EPISODE, 4))
    states, h = [state], DT / _SUBSTEPS

    def field(x: np.ndarray) -> np.ndarray:
        q, v = x[:, :2], x[:, 2:]
        turn = 2 * (1 + 0.3 * q[:, :1]) * np.stack([v[:, 1], -v[:, 0]], axis=-1)
        return np.concatenate([v, -q + turn], axis=-1)

    for _ in range(_LONG_EPISODE):
        for _ in range(_SUBSTEPS):
            k1 = field(state)
            k2 = field(state + h / 2 * k1)
            k3 = field(state + h / 2 * k2)
            state = state + h / 6 * (k1 + 2 * k2 + 2 * k3 + field(state + h * k3))
        states.append(state)
    return _from_states(np.stack(states, axis=1), names=("x", "y"))


def _from_states(states: np.ndarray, *, names: tuple[str, ...] = ("q0", "q1")) -> TransitionDataset:
    """A dataset of states [q, v] ``(episodes, T + 1, 2n)`` without actions."""
    q, v = np.split(states, 2, axis=-1)
    time = np.arange(states.shape[1]) * DT
    settings = LogSettings(angle_unit="rad")  # the links may turn over many times
    return TransitionDataset.from_arrays(
        [time] * len(q), list(q), velocity=list(v), names={"position": names}, settings=settings
    )
