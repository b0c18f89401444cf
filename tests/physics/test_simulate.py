"""The one time loop: which points it returns, which forces it applies when, and what it refuses."""

import numpy as np
import pytest
import torch

from hnn_gym.errors import InputError
from hnn_gym.physics.dynamics import PortHamiltonian
from hnn_gym.physics.hamiltonians import Pendulum, Spring
from hnn_gym.physics.integrators import Leapfrog, Yoshida4
from hnn_gym.physics.simulate import integrate, rollout

SPRING = PortHamiltonian(Spring())


@pytest.mark.parametrize("shape", [(), (3,), (2, 3)])
@pytest.mark.parametrize(
    ("steps", "record_every", "rows"), [(0, 1, 1), (1, 1, 2), (10, 1, 11), (10, 3, 4), (10, 20, 1)]
)
def test_a_trajectory_starts_with_x0_and_keeps_every_kth_point(shape, steps, record_every, rows):
    x0 = np.random.default_rng(0).normal(size=(*shape, 2))
    every = integrate(SPRING, x0, integrator=Leapfrog(), dt=0.1, steps=steps)
    x = integrate(SPRING, x0, integrator=Leapfrog(), dt=0.1, steps=steps, record_every=record_every)
    assert x.shape == (rows, *shape, 2)
    np.testing.assert_array_equal(x[0], x0)
    np.testing.assert_array_equal(x, every[::record_every])


def test_the_spring_swings_as_it_should():
    x = integrate(SPRING, np.array([1.0, 0.0]), integrator=Leapfrog(), dt=0.01, steps=157)
    # q = cos(w t) with w = sqrt(k / m) = 2 rad/s; leapfrog's phase error is (w dt)^2 / 24 of w t, 5e-5.
    np.testing.assert_allclose(x[:, 0], np.cos(2 * 0.01 * np.arange(158)), atol=1e-4)


def test_step_k_is_pushed_by_force_k():
    x0, u = np.zeros(2), np.array([[1.0], [10.0], [100.0]])
    x = rollout(lambda x, force: x + force, x0, steps=3, u=u)
    np.testing.assert_array_equal(x[:, 0], [0, 1, 11, 111])


def test_a_negative_step_runs_backwards():
    x0 = np.array([0.4, -0.7])
    there = integrate(SPRING, x0, integrator=Leapfrog(), dt=0.1, steps=20)
    back = integrate(SPRING, there[-1], integrator=Leapfrog(), dt=-0.1, steps=20)
    np.testing.assert_allclose(back, there[::-1], atol=1e-13)  # rounding of 20 steps


def test_torch_trajectories_carry_gradients_to_the_start():
    x0 = torch.tensor([0.4, -0.7], dtype=torch.float64, requires_grad=True)
    x = integrate(SPRING, x0, integrator=Leapfrog(), dt=0.1, steps=5)
    (gradient,) = torch.autograd.grad(x[-1, 0], x0)
    basis = integrate(SPRING, np.eye(2), integrator=Leapfrog(), dt=0.1, steps=5)[-1]
    # The spring is linear: derivatives are the end points of unit vectors, in the same arithmetic.
    np.testing.assert_allclose(gradient.numpy(), basis[:, 0], atol=1e-14)


def test_x0_is_left_as_it_was():
    x0 = np.array([0.4, -0.7])
    integrate(SPRING, x0, integrator=Leapfrog(), dt=0.1, steps=3)[:] = 0
    np.testing.assert_array_equal(x0, [0.4, -0.7])


@pytest.mark.parametrize("given", [0, 2, 4])
def test_forces_for_another_number_of_steps_are_refused(given):
    pushed = PortHamiltonian(Pendulum(), control=np.ones((1, 1)))
    with pytest.raises(InputError, match=f"forces for {given} steps, and steps=3"):
        integrate(pushed, np.zeros(2), integrator=Leapfrog(), dt=0.1, steps=3, u=np.zeros((given, 1)))


@pytest.mark.parametrize("record_every", [0, -1])
def test_a_recording_interval_below_one_is_refused(record_every):
    with pytest.raises(InputError, match=f"record_every must be at least 1, got {record_every}"):
        integrate(SPRING, np.zeros(2), integrator=Leapfrog(), dt=0.1, steps=3, record_every=record_every)


def test_a_negative_number_of_steps_is_refused():
    with pytest.raises(InputError, match="steps must not be negative, got -1"):
        integrate(SPRING, np.zeros(2), integrator=Leapfrog(), dt=-0.1, steps=-1)


def test_misuse_is_noticed_before_the_first_step():
    damped = PortHamiltonian(Spring(), damping=np.ones(1))
    with pytest.raises(InputError, match="Yoshida4 needs"):
        integrate(damped, np.zeros(2), integrator=Yoshida4(), dt=0.1, steps=0)
