"""A system whose Hamiltonian is not separable, small enough to be checked by eye."""

from dataclasses import dataclass

import pytest

from hnn_gym.physics.dynamics import PortHamiltonian
from hnn_gym.physics.phase import join, split


@dataclass(frozen=True)
class BeadOnParabola:
    """Unit mass on the wire y = q^2 / 2 in unit gravity: M = 1 + q^2, H = p^2 / (2 M) + q^2 / 2."""

    n: int = 1

    def energy(self, x):
        q, p = split(x)
        return (p**2 / (2 * (1 + q**2)) + q**2 / 2).sum(-1)

    def gradient(self, x):
        q, p = split(x)
        return join(q - q * p**2 / (1 + q**2) ** 2, p / (1 + q**2))

    def momentum(self, q, v):
        return v * (1 + q**2)

    def velocity(self, q, p):
        return p / (1 + q**2)


@pytest.fixture
def bead():
    return PortHamiltonian(BeadOnParabola())
