"""Compensated sums: a long trajectory and its way back, without the rounding that adds up."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import torch

from hnn_gym.errors import InputError
from hnn_gym.physics.dynamics import PortHamiltonian
from hnn_gym.physics.hamiltonians import Pendulum, Spring
from hnn_gym.physics.integrators import Compensated, ImplicitMidpoint, Leapfrog, SymplecticEuler, Yoshida4
from hnn_gym.physics.simulate import integrate


@pytest.mark.parametrize("scheme", [Leapfrog(), SymplecticEuler(), Yoshida4()])
def test_two_thousand_steps_and_back_end_at_the_start(scheme: Leapfrog | SymplecticEuler) -> None:
    ours = Compensated(scheme)
    dynamics = PortHamiltonian(Pendulum(), control=np.eye(1))
    rng = np.random.default_rng(0)
    x0, u = rng.normal(size=(4, 2)), rng.uniform(-1, 1, (2_000, 4, 1))
    there = integrate(dynamics, ours.pair(x0), integrator=ours, dt=0.05, steps=2_000, u=u)[-1]
    back = integrate(dynamics, there, integrator=ours.adjoint, dt=-0.05, steps=2_000, u=u[::-1])[-1]
    np.testing.assert_array_equal(back[0], x0)
    plain = integrate(dynamics, x0, integrator=scheme, dt=0.05, steps=2_000, u=u)[-1]
    plain = integrate(dynamics, plain, integrator=scheme.adjoint, dt=-0.05, steps=2_000, u=u[::-1])[-1]
    assert np.abs(plain - x0).max() > 0


def test_the_sums_are_those_of_twice_the_precision() -> None:
    # Symplectic Euler of a spring in exact fractions of dt = 1/16: every number has a finite binary expansion.
    ours, dynamics = Compensated(SymplecticEuler()), PortHamiltonian(Spring(mass=1.0, stiffness=1.0))
    x = integrate(dynamics, ours.pair(np.array([1.0, 0.0])), integrator=ours, dt=1 / 16, steps=8)[-1]
    q, p, dt = Fraction(1), Fraction(0), Fraction(1, 16)
    for _ in range(8):
        p -= dt * q
        q += dt * p
    exact = [Fraction(float(x[0, i])) + Fraction(float(x[1, i])) for i in range(2)]
    # 8 steps of 2^-4 twice need at most 64 bits: more than 53, and forces at q alone miss but 2^-53 of 2^-4.
    assert max(abs(exact[0] - q), abs(exact[1] - p)) < Fraction(1, 2**53)
    assert float(x[0, 0]) == float(q)


def test_it_equals_the_scheme_up_to_rounding_on_numpy_and_torch() -> None:
    ours, dynamics = Compensated(), PortHamiltonian(Pendulum())
    x0 = np.array([[1.0, 0.3], [-2.0, 1.0]])
    expected = integrate(dynamics, x0, integrator=Leapfrog(), dt=0.05, steps=100)[-1]
    for pair in (ours.pair(x0), ours.pair(torch.tensor(x0))):
        found = integrate(dynamics, pair, integrator=ours, dt=0.05, steps=100)[-1]
        np.testing.assert_allclose(np.asarray(found[0]), expected, rtol=0, atol=1e-12)  # 100 roundings of 1e-16, spread
    assert (ours.order, ours.reversible) == (2, True)


def test_arguments_that_are_not_a_pair_or_a_scheme_of_moves_are_refused() -> None:
    dynamics = PortHamiltonian(Pendulum())
    for x in (np.ones(2), np.ones((2, 2)), np.ones((3, 2))):
        with pytest.raises(InputError, match=r"start from pair\(x\)"):
            Compensated().step(dynamics, x, 0.1)
    with pytest.raises(InputError, match="Compensated needs a scheme of kicks and drifts"):
        Compensated(ImplicitMidpoint())
