"""Schemes have the geometric properties that they declare, and lack those that they do not declare."""

import numpy as np
import pytest
import torch

from hnn_gym.errors import InputError
from hnn_gym.physics.dynamics import PortHamiltonian
from hnn_gym.physics.hamiltonians import NBody, Pendulum
from hnn_gym.physics.integrators import INTEGRATORS, SymplecticEuler
from hnn_gym.physics.phase import symplectic_matrix
from hnn_gym.physics.simulate import integrate

SCHEMES = {name: scheme() for name, scheme in INTEGRATORS.items()} | {"drift first": SymplecticEuler(drift_first=True)}
SYMPLECTIC = [name for name, scheme in SCHEMES.items() if scheme.symplectic]
NOT_SYMPLECTIC = [name for name, scheme in SCHEMES.items() if not scheme.symplectic]
SYSTEMS = {
    "pendulum": (PortHamiltonian(Pendulum()), np.array([1.0, 0.5])),
    "two bodies": (PortHamiltonian(NBody()), np.array([-0.5, 0, 0.5, 0, 0.1, -0.6, -0.1, 0.6])),
}
DT = 0.1  # s: coarse, so that what is not conserved shows


def symplectic_defect(scheme, dynamics, x):
    """Largest entry of M^T J M - J for the Jacobian M of a step."""
    M = torch.autograd.functional.jacobian(lambda y: scheme.step(dynamics, y, DT), torch.tensor(x)).numpy()
    J = symplectic_matrix(dynamics.n)
    return np.abs(M.T @ J @ M - J).max()


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("name", SYMPLECTIC)
def test_a_symplectic_step_preserves_J(name, system):
    # Rounding of products of some 30 Jacobians with entries of order 1 stays near 1e-14.
    assert symplectic_defect(SCHEMES[name], *SYSTEMS[system]) < 1e-10


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("name", NOT_SYMPLECTIC)
def test_a_step_that_is_not_symplectic_visibly_does_not(name, system):
    # RungeKutta4 misses by some (w dt)^6 / 72, here 3e-7: three thousand times the bound of the test above.
    assert symplectic_defect(SCHEMES[name], *SYSTEMS[system]) > 1e-7


def test_implicit_midpoint_is_symplectic_where_H_is_not_separable(bead):
    assert symplectic_defect(SCHEMES["ImplicitMidpoint"], bead, np.array([0.8, 0.3])) < 1e-10
    assert symplectic_defect(SCHEMES["RungeKutta4"], bead, np.array([0.8, 0.3])) > 1e-8


def round_trip(there, back, dynamics, x0, *, u=None, steps=50):
    """Largest distance from x0 after ``steps`` steps there and as many back, forces in reverse."""
    x = integrate(dynamics, x0, integrator=there, dt=DT, steps=steps, u=u)[-1]
    x = integrate(dynamics, x, integrator=back, dt=-DT, steps=steps, u=None if u is None else u[::-1])[-1]
    return np.abs(x - x0).max()


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("name", [name for name, scheme in SCHEMES.items() if scheme.reversible])
def test_a_reversible_scheme_runs_back_to_where_it_started(name, system):
    # Rounding of 100 steps, magnified a hundredfold by the bodies' passage.
    assert round_trip(SCHEMES[name], SCHEMES[name], *SYSTEMS[system]) < 1e-10


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("name", [name for name, scheme in SCHEMES.items() if not scheme.reversible])
def test_a_scheme_that_is_not_reversible_does_not(name, system):
    assert round_trip(SCHEMES[name], SCHEMES[name], *SYSTEMS[system]) > 1e-6


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("name", SYMPLECTIC)
def test_the_adjoint_undoes_every_symplectic_scheme(name, system):
    scheme = SCHEMES[name]
    assert round_trip(scheme, scheme.adjoint, *SYSTEMS[system]) < 1e-10
    assert scheme.adjoint.adjoint == scheme


@pytest.mark.parametrize("name", SYMPLECTIC)
def test_the_adjoint_undoes_steps_under_control(name):
    pushed = PortHamiltonian(Pendulum(), control=np.ones((1, 1)))
    u = np.random.default_rng(0).uniform(-2, 2, (50, 1))
    assert round_trip(SCHEMES[name], SCHEMES[name].adjoint, pushed, np.array([1.0, 0.5]), u=u) < 1e-10


@pytest.mark.parametrize("name", NOT_SYMPLECTIC)
def test_a_scheme_without_an_explicit_adjoint_says_so(name):
    with pytest.raises(InputError, match=f"{name} cannot be run backwards exactly: use .*Leapfrog"):
        _ = SCHEMES[name].adjoint


def energy_bands(name):
    """Largest error of H in J in the first and in the last thousand of 10^4 steps, from four starts."""
    pendulum = Pendulum()
    x0 = np.array([[0.5, 0.0], [1.5, 0.0], [2.0, 0.5], [0.0, 3.0]])  # the last one rotates
    x = integrate(PortHamiltonian(pendulum), x0, integrator=SCHEMES[name], dt=DT, steps=10_000)
    error = np.abs(pendulum.energy(x) - pendulum.energy(x0))
    return error[:1000].max(axis=0), error[-1000:].max(axis=0)


@pytest.mark.parametrize("name", SYMPLECTIC)
def test_the_energy_error_of_a_symplectic_scheme_does_not_grow_in_ten_thousand_steps(name):
    first, last = energy_bands(name)
    # The band is sampled at other phases, which changes it by a few per cent; rounding walks by 1e-12.
    assert (last < 1.1 * first + 1e-11).all()
    assert (first < 2.0).all()


@pytest.mark.parametrize("name", NOT_SYMPLECTIC)
def test_the_energy_drifts_away_under_a_scheme_that_is_not_symplectic(name):
    first, last = energy_bands(name)
    # A steady drift makes the error ten times as large in ten times the time.
    assert (last > 3 * first).all()
