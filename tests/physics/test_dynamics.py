"""dx/dt = (J - R) grad H + G u: the power balance, the structure schemes rely on, and what is refused."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch

from hnn_gym.errors import InputError
from hnn_gym.physics.dynamics import PortHamiltonian, Structure
from hnn_gym.physics.hamiltonians import NBody, Pendulum
from hnn_gym.physics.phase import join, split, symplectic_matrix

TWO = NBody(softening=0.1)
CONTROL = np.array([[1.0, 0.5], [0.0, 2.0], [0.0, 0.0], [-1.0, 0.0]])
DAMPING = np.array([0.1, 0.0, 0.3, 2.0])


@dataclass(frozen=True)
class NotSeparable:
    """H of the pendulum, which does not tell that it is T(p) + V(q)."""

    n: int = 1

    def energy(self, x):
        return Pendulum().energy(x)

    def gradient(self, x):
        return Pendulum().gradient(x)

    def momentum(self, q, v):
        return Pendulum().momentum(q, v)

    def velocity(self, q, p):
        return Pendulum().velocity(q, p)


def points(*shape):
    return np.random.default_rng(0).normal(size=(*shape, 8))


def forces(*shape):
    return np.random.default_rng(1).normal(size=(*shape, 2))


@pytest.mark.parametrize("shape", [(), (3,), (2, 3)])
def test_without_friction_and_control_the_field_is_J_grad_H(shape):
    x = points(*shape)
    # The same numbers with other signs: equal to the last bit.
    np.testing.assert_array_equal(PortHamiltonian(TWO).field(x), TWO.gradient(x) @ symplectic_matrix(4).T)


@pytest.mark.parametrize("shape", [(), (3,), (2, 3)])
def test_power_in_is_force_times_velocity_minus_friction(shape):
    x, u = points(*shape), forces(*shape)
    dynamics = PortHamiltonian(TWO, CONTROL, DAMPING)
    v = TWO.velocity(*split(x))
    rate = (TWO.gradient(x) * dynamics.field(x, u)).sum(-1)  # dH/dt by the chain rule
    power = ((u @ CONTROL.T) * v).sum(-1) - (DAMPING * v * v).sum(-1)
    # The conservative terms, of order 10, cancel to rounding.
    np.testing.assert_allclose(rate, power, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("damping", [None, DAMPING], ids=["free", "damped"])
@pytest.mark.parametrize("u", [None, forces(3)], ids=["alone", "pushed"])
def test_dqdt_and_dpdt_are_the_two_halves_of_the_field(damping, u):
    dynamics = PortHamiltonian(TWO, CONTROL, damping)
    q, p = split(points(3))
    np.testing.assert_allclose(
        join(dynamics.dqdt(p), dynamics.dpdt(q, p, u)), dynamics.field(points(3), u), rtol=1e-15, atol=1e-15
    )


def test_one_force_pushes_a_whole_batch():
    dynamics, x, u = PortHamiltonian(TWO, CONTROL), points(2, 3), forces()
    np.testing.assert_array_equal(dynamics.field(x, u), dynamics.field(x, np.broadcast_to(u, (2, 3, 2))))


def test_the_field_is_the_same_on_torch():
    dynamics, on_torch = (PortHamiltonian(TWO, to(CONTROL), to(DAMPING)) for to in (np.asarray, torch.tensor))
    x, u = points(3), forces(3)
    found = on_torch.field(torch.tensor(x), torch.tensor(u))
    np.testing.assert_allclose(found.numpy(), dynamics.field(x, u), rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize(
    ("dynamics", "structure"),
    [
        (PortHamiltonian(Pendulum()), Structure.SEPARABLE),
        (PortHamiltonian(Pendulum(), control=np.ones((1, 1))), Structure.SEPARABLE),
        (PortHamiltonian(Pendulum(), damping=np.ones(1)), Structure.SPLIT),
        (PortHamiltonian(NotSeparable()), Structure.GENERAL),
        (PortHamiltonian(NotSeparable(), damping=np.ones(1)), Structure.GENERAL),
    ],
)
def test_the_structure_is_as_strong_as_energy_and_friction_allow(dynamics, structure):
    assert dynamics.structure == structure


def test_levels_of_structure_include_the_ones_before():
    assert Structure.GENERAL < Structure.SPLIT < Structure.SEPARABLE


@pytest.mark.parametrize("half", ["dqdt", "dpdt"])
def test_the_halves_of_a_hamiltonian_that_is_not_separable_are_refused(half):
    dynamics = PortHamiltonian(NotSeparable())
    arguments = (np.zeros(1),) if half == "dqdt" else (np.zeros(1), np.zeros(1))
    with pytest.raises(InputError, match=r"NotSeparable is not separable: use field\(x, u\)"):
        getattr(dynamics, half)(*arguments)


def test_a_force_without_a_port_is_refused():
    with pytest.raises(InputError, match="no control port: step them with u=None"):
        PortHamiltonian(TWO).field(points(), forces())


def test_momentum_and_velocity_are_the_hamiltonians():
    dynamics = PortHamiltonian(NBody(masses=(2.0, 3.0)))
    q, v = split(points(3))
    np.testing.assert_array_equal(dynamics.momentum(q, v), v * [2, 2, 3, 3])
    np.testing.assert_allclose(dynamics.velocity(q, dynamics.momentum(q, v)), v, rtol=1e-15)
