"""The reference solver agrees with closed forms, and raises instead of returning half a trajectory."""

from dataclasses import dataclass

import numpy as np
import pytest

from hnn_gym.errors import ConvergenceError
from hnn_gym.physics.dynamics import PortHamiltonian, SeparableHamiltonian
from hnn_gym.physics.hamiltonians import Pendulum, Spring
from hnn_gym.physics.reference import reference_trajectory

TIMES = np.linspace(0, 5, 11)


def test_the_spring_is_a_cosine():
    x = reference_trajectory(PortHamiltonian(Spring()), np.array([1.0, 0.0]), TIMES)
    # w = 2 rad/s, p = m dq/dt with m = 1/2. DOP853 at 1e-12 a step, over some 50 steps.
    np.testing.assert_allclose(x, np.stack([np.cos(2 * TIMES), -np.sin(2 * TIMES)], axis=-1), atol=1e-10)


def test_starts_of_any_shape_are_integrated_together():
    dynamics, x0 = PortHamiltonian(Pendulum()), np.random.default_rng(0).normal(size=(2, 3, 2))
    together = reference_trajectory(dynamics, x0, TIMES)
    assert together.shape == (2, 3, len(TIMES), 2)
    for i in np.ndindex(2, 3):
        # The steps differ, and each keeps an error of 1e-12.
        np.testing.assert_allclose(together[i], reference_trajectory(dynamics, x0[i], TIMES), atol=1e-9)


def test_a_constant_force_moves_the_equilibrium():
    pushed = PortHamiltonian(Spring(), control=np.ones((1, 1)))
    x = reference_trajectory(pushed, np.zeros(2), TIMES, u=np.array([2.0]))
    # k q = u at q = 1; released from 0 the mass swings about it.
    np.testing.assert_allclose(x[:, 0], 1 - np.cos(2 * TIMES), atol=1e-10)


def test_friction_damps_as_the_closed_form_says():
    mass, stiffness, damping = 0.5, 2.0, 0.3
    damped = PortHamiltonian(Spring(mass, stiffness), damping=np.array([damping]))
    x = reference_trajectory(damped, np.array([1.0, 0.0]), TIMES)
    decay = damping / (2 * mass)
    w = np.sqrt(stiffness / mass - decay**2)
    expected = np.exp(-decay * TIMES) * (np.cos(w * TIMES) + decay / w * np.sin(w * TIMES))
    np.testing.assert_allclose(x[:, 0], expected, atol=1e-10)


def test_the_requested_times_do_not_change_the_trajectory():
    dynamics, x0 = PortHamiltonian(Pendulum()), np.array([1.0, 0.5])
    coarse = reference_trajectory(dynamics, x0, TIMES[::5])
    np.testing.assert_allclose(coarse, reference_trajectory(dynamics, x0, TIMES)[::5], atol=1e-10)


@dataclass(frozen=True)
class Cliff(SeparableHamiltonian):
    """V = -q^4 / 4: the particle reaches infinity in finite time."""

    n: int = 1

    def kinetic(self, p):
        return (p**2).sum(-1) / 2

    def kinetic_gradient(self, p):
        return p

    def potential(self, q):
        return -(q**4).sum(-1) / 4

    def potential_gradient(self, q):
        return -(q**3)

    def momentum(self, q, v):
        return v

    def velocity(self, q, p):
        return p


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # NumPy notes the overflow on the way there
def test_a_trajectory_that_ends_early_raises_with_its_time():
    # From q = 1 with p^2 = q^4 / 2 the fall is 1 / q = 1 - t / sqrt(2): it ends at t = 1.414.
    with pytest.raises(ConvergenceError, match=r"stopped at t = 1\.\d* s"):
        reference_trajectory(PortHamiltonian(Cliff()), np.array([1.0, np.sqrt(0.5)]), TIMES)
