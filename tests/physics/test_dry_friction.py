"""Dry friction brakes with its own size, and holds a body for ever if it can."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch

from hnn_gym.errors import InputError
from hnn_gym.models import MechanicalHNN, Variables
from hnn_gym.physics.dry_friction import stopped, stopped_together
from hnn_gym.physics.dynamics import PortHamiltonian, Structure
from hnn_gym.physics.hamiltonians import Pendulum
from hnn_gym.physics.integrators import (
    ImplicitMidpoint,
    InVelocities,
    Leapfrog,
    RungeKutta4,
    Substeps,
    SymplecticEuler,
    Yoshida4,
)
from hnn_gym.physics.simulate import integrate

STICKING = [SymplecticEuler(), SymplecticEuler(drift_first=True), Leapfrog(), Substeps(Leapfrog(), 5)]


def rough(mu=0.1, **port):
    return PortHamiltonian(Pendulum(), control=np.eye(1), dry=np.array([mu]), **port)


def test_momenta_are_reduced_by_the_impulse_or_stopped():
    p = np.array([[3.0, -3.0], [0.5, -0.5], [0.0, 1.0]])
    np.testing.assert_array_equal(stopped(p, np.array([1.0, 2.0])), [[2.0, -1.0], [0.0, 0.0], [0.0, 0.0]])


@pytest.mark.parametrize("n", [1, 2, 4, 6])
def test_coupled_velocities_minimise_the_dissipation(n):
    rng = np.random.default_rng(0)
    v, impulse = rng.normal(size=(200, n)), rng.uniform(0.1, 1.0, n)
    root = rng.normal(size=(200, n, n))
    coupled = 10.0 if n < 5 else 0.05  # sweeps, for many degrees of freedom, converge where little is coupled
    M = coupled * root @ np.swapaxes(root, -1, -2) + np.eye(n)
    new = stopped_together(v, M, impulse)
    # Optimality: the friction impulse M (v - v') is the largest where something moves, and at most that at rest.
    friction = (M @ (v - new)[..., None])[..., 0]
    moving = new != 0
    assert moving.any()
    assert (~moving).any()
    np.testing.assert_allclose((friction - np.sign(new) * impulse)[moving], 0, atol=1e-10)
    assert (np.abs(friction) <= impulse + (1e-9 if n < 5 else 1e-3)).all()
    if n == 1:
        np.testing.assert_allclose(M[..., 0, 0] * new[..., 0], stopped(M[..., 0, 0] * v[..., 0], impulse[0]))


@pytest.mark.parametrize("scheme", STICKING, ids=str)
def test_a_pendulum_that_sticks_does_not_creep_in_ten_thousand_steps(scheme):
    # At 0.03 rad gravity pulls with 0.09 N m, the control with 0.05, and friction holds up to 0.3.
    assert abs(Pendulum().potential_gradient(np.array([0.03]))[0]) < 0.1
    u = np.full((10_000, 1), -0.05)
    start = np.array([0.03, 0.0])
    x = integrate(rough(0.3), start, integrator=scheme, dt=0.05, steps=10_000, u=u, record_every=100)
    np.testing.assert_array_equal(x, np.broadcast_to(start, x.shape))


@pytest.mark.parametrize("scheme", STICKING, ids=str)
def test_a_pendulum_that_slides_comes_to_rest_and_stays(scheme):
    x = integrate(rough(), np.array([1.0, 0.0]), integrator=scheme, dt=0.05, steps=4_000)
    assert np.abs(x[-1, 0]) < 0.3
    resting = np.flatnonzero((x[1:] == x[:-1]).all(-1))
    assert len(resting)
    np.testing.assert_array_equal(x[resting[0] :], np.broadcast_to(x[resting[0]], x[resting[0] :].shape))


def test_friction_dissipates_its_size_times_the_distance():
    pendulum = Pendulum()
    x = integrate(rough(), np.array([1.5, 0.0]), integrator=Substeps(Leapfrog(), 10), dt=0.05, steps=60)
    way = np.abs(np.diff(x[:, 0])).sum()
    assert way > 2
    # Leapfrog ripples by (w dt / 10)^2.
    assert pendulum.energy(x[0]) - pendulum.energy(x[-1]) == pytest.approx(0.1 * way, rel=2e-3)


def test_a_push_beyond_friction_moves_and_one_below_does_not():
    for force, moves in ((0.09, False), (0.11, True)):
        x = Leapfrog().step(rough(), np.zeros(2), 0.05, np.array([force]))
        assert (x != 0).any() == moves


def arm(to=np.asarray):
    """Two joints of an arm with M(q), friction on both."""
    variables = Variables((True, True), (1.0, 1.0), (2.0, 2.0), (5.0, 5.0), (1,), (1.0,), True)
    architecture = MechanicalHNN(variables, hidden=(6,), mass_matrix="full")
    rng = np.random.default_rng(0)
    parameters = {k: to(v + 0.3 * rng.normal(size=v.shape)) for k, v in architecture.initial_parameters(rng).items()}
    dynamics = architecture.build(parameters)
    return PortHamiltonian(dynamics.hamiltonian, dynamics.control, dry=to(np.array([3.0, 3.0])))


def test_joints_of_an_arm_with_a_mass_matrix_stick_one_by_one():
    dynamics, scheme = arm(), InVelocities(Substeps(Leapfrog(), 4))
    q = np.array([0.4, -0.2])
    weight = dynamics.hamiltonian.potential.gradient(q)
    dynamics = replace(dynamics, dry=np.array([abs(weight[0]) + 1.0, 3.0]))
    x = np.concatenate([q, np.zeros(2)])
    moved = scheme.step(dynamics, x, 0.01, np.array([weight[1] + 3.5]))  # just enough to move joint 1
    assert moved[1] > q[1]
    assert moved[0] == q[0]
    u = np.full((200, 1), weight[1] + 2.5)
    still = integrate(dynamics, x, integrator=scheme, dt=0.01, steps=200, u=u)[-1]
    np.testing.assert_array_equal(still, x)


def test_numpy_and_torch_agree_with_a_mass_matrix():
    x, u = np.random.default_rng(1).normal(size=(5, 4)), np.ones((5, 1))
    scheme = InVelocities(SymplecticEuler())
    on_torch = scheme.step(arm(torch.tensor), torch.tensor(x), 0.05, torch.tensor(u)).numpy()
    np.testing.assert_allclose(scheme.step(arm(), x, 0.05, u), on_torch, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("scheme", [RungeKutta4(), ImplicitMidpoint(), Yoshida4(), InVelocities(RungeKutta4())])
def test_schemes_without_kicks_forwards_in_time_refuse_dry_friction(scheme):
    with pytest.raises(InputError, match=r"dry friction|needs a separable"):
        integrate(rough(), np.zeros(2), integrator=scheme, dt=0.1, steps=1)


def test_dry_friction_does_not_run_backwards():
    with pytest.raises(InputError, match="backwards in time"):
        SymplecticEuler().step(rough(), np.zeros(2), -0.1)


def test_the_power_of_friction_is_negative_and_the_structure_knows_of_it():
    q, v = np.random.default_rng(0).normal(size=(2, 50, 1))
    for dynamics in (rough(), rough(damping=np.array([0.2]))):
        assert (dynamics.power(q, v) < 0).all()
        assert dynamics.structure == Structure.SPLIT
    np.testing.assert_allclose(rough().power(q, v), -0.1 * np.abs(v[:, 0]))
    for first, second in itertools.pairwise([PortHamiltonian(Pendulum()), rough()]):
        assert not first.dissipative
        assert second.dissipative
