"""Chains of poles without friction, with or without a cart, that have to be brought upright and held there.

Every pole is a rod of 0.1 kg and 1 m, the cart 1 kg, g = 9.8. The pendulum is a point mass of 1 kg at 1 m. The first
angle is measured from the upright, the others from the pole before. Actions are shares of the largest forces. As in the
published simulators every degree of freedom has 1e-6 of inertia of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from gymnasium.spaces import Box

from hnn_gym.coordinates import Control, Coordinates, DegreeOfFreedom
from hnn_gym.physics.hamiltonians import Link, PlanarChain
from hnn_gym.physics.integrators import InVelocities, RungeKutta4
from hnn_gym.physics.phase import Array, namespace
from hnn_gym.systems import System, Task, Truth

ROD = Link(0.1, 1.0, 0.5, 0.1 / 12)
OWN_INERTIA = 1e-6


class Upright(Task):
    """The published reward of chains of poles; starts hang still, up to 0.01 rad.

    The reward is the product of the mean height of the poles, of a factor for the fastest pole and, with a cart, of one
    for its position. All lie between 0 and 1.
    """

    max_episode_steps = 1_000

    def __init__(self, poles: int, *, cart: bool, controls: int) -> None:
        """Make the task of so many poles."""
        entries = 3 * poles + 2 * cart
        self.observation_space = Box(-np.inf, np.inf, (entries,), np.float64)
        self.action_space = Box(-1.0, 1.0, (controls,), np.float32)
        self._poles, self._cart = poles, int(cart)

    def initial(self, rng: np.random.Generator, options: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray]:
        """Draw a start (q, v), each ``(n,)``."""
        return self.hanging(rng.normal(size=self._poles + self._cart))

    def hanging(self, numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Starts (q, v), each ``(..., n)``, of standard normal numbers ``(..., n)``."""
        q = 0.01 * numbers
        q[..., self._cart] += np.pi
        return q, np.zeros_like(q)

    def reward(self, q: Array, v: Array, u: Array, next_q: Array, next_v: Array) -> Array:
        """Reward ``(...)`` of the next state, at most 1."""
        xp, first = namespace(next_q), self._cart
        phi, w = next_q[..., first : first + 1], next_v[..., first : first + 1]
        height, fastest = (1 + xp.cos(phi[..., 0])) / 2, w[..., 0] * w[..., 0]
        for i in range(first + 1, first + self._poles):
            phi, w = phi + next_q[..., i : i + 1], w + next_v[..., i : i + 1]
            height = height + (1 + xp.cos(phi[..., 0])) / 2
            fastest = xp.maximum(fastest, w[..., 0] * w[..., 0])
        reward = height / self._poles * (1 + _tenth(xp, fastest / 400)) / 2
        if not self._cart:
            return reward
        x = next_q[..., 0]
        return reward * xp.where(abs(x) > 2, 0.1, (1 + _tenth(xp, x * x / 4)) / 2)

    def terminated(self, q: Array, v: Array) -> Array:
        """Nothing ends an episode; bool ``(...)``."""
        return q[..., 0] != q[..., 0]


def _tenth(xp: Any, exponent: Array) -> Array:
    return xp.exp(-np.log(10.0) * exponent)


def _system(
    name: str, poles: int, dt: float, actuated: Mapping[int, float], *, cart: bool, gravity: float = 9.8
) -> System:
    links = (Link(1.0, 1.0, 1.0),) if name == "Pendulum" else (ROD,) * poles
    hamiltonian = PlanarChain.of_links(links, gravity=gravity, upright=True, cart=1.0 if cart else None)
    entries = 3 * poles + 2 * cart
    rates = entries - poles - cart
    degrees = [DegreeOfFreedom(position=0, velocity=rates)] if cart else []
    degrees += [
        DegreeOfFreedom(cos=cart + 2 * i, sin=cart + 2 * i + 1, velocity=rates + cart + i) for i in range(poles)
    ]
    controls = tuple(
        Control(degree=degree, limit=scale, unit="N" if cart and degree == 0 else "N m", scale=scale)
        for degree, scale in actuated.items()
    )
    return System(
        f"Upright{name}-v0",
        coordinates=Coordinates(tuple(degrees), controls),
        dt=dt,
        task=lambda: Upright(poles, cart=cart, controls=len(actuated)),
        truth=Truth(replace(hamiltonian, rotors=np.full(hamiltonian.n, OWN_INERTIA)), InVelocities(RungeKutta4())),
    )


SYSTEMS = {
    "Reacher": _system("Reacher", 2, 0.02, {0: 0.1, 1: 0.1}, cart=False, gravity=0.0),
    "Pendulum": _system("Pendulum", 1, 0.02, {0: 2.0}, cart=False),
    "Cartpole": _system("Cartpole", 1, 0.01, {0: 10.0}, cart=True),
    "Acrobot": _system("Acrobot", 2, 0.01, {1: 1.75}, cart=False),
    "Cart-2-pole": _system("Cart2pole", 2, 0.01, {0: 10.0}, cart=True),
    "Cart-3-pole": _system("Cart3pole", 3, 0.01, {0: 10.0, 3: 1.0}, cart=True),
    "Acro-3-bot": _system("Acro3bot", 3, 0.01, {0: 0.5, 2: 2.0}, cart=False),
}
"""By the published name."""
PUBLISHED = {
    "Reacher": (943.4, 0.125),
    "Pendulum": (786.7, 0.125),
    "Cartpole": (900.0, 0.125),
    "Acrobot": (911.8, 0.5),
    "Cart-2-pole": (828.3, 0.5),
    "Cart-3-pole": (916.6, 0.5),
    "Acro-3-bot": (929.4, 0.5),
}
"""Return of their method with a Lagrangian network, and millions of real steps."""
