"""Schemes in velocities and schemes with substeps: the maps that games and physics engines make of the physics."""

import numpy as np
import pytest

from hnn_gym.errors import InputError
from hnn_gym.physics.dynamics import PortHamiltonian
from hnn_gym.physics.hamiltonians import Pendulum
from hnn_gym.physics.integrators import (
    Euler,
    ImplicitMidpoint,
    InVelocities,
    Lattice,
    Leapfrog,
    RungeKutta4,
    Substeps,
    SymplecticEuler,
    Yoshida4,
    integrator_from_json,
    integrator_to_json,
)
from hnn_gym.physics.phase import join
from hnn_gym.physics.simulate import integrate

DT = 0.05


def acceleration(q, v, u):
    """Of the bead on the wire y = q^2 / 2: (1 + q^2) a + q v^2 + q = u."""
    return (u - q * (1 + v**2)) / (1 + q**2)


def test_explicit_euler_in_velocities_is_the_formula_of_games(moving_bead):
    dynamics, q, v, u = moving_bead
    x = InVelocities(Euler()).step(dynamics, join(q, dynamics.momentum(q, v)), DT, u)
    new_q, new_v = q + DT * v, v + DT * acceleration(q, v, u)
    np.testing.assert_allclose(x, join(new_q, dynamics.momentum(new_q, new_v)), rtol=1e-14)
    # Euler on (q, p) is another map, by dt^2 dM/dt dv/dt.
    assert np.abs(Euler().step(dynamics, join(q, dynamics.momentum(q, v)), DT, u) - x).max() > 1e-4


def test_semi_implicit_euler_moves_at_the_new_velocity(moving_bead):
    dynamics, q, v, u = moving_bead
    x = InVelocities(SymplecticEuler()).step(dynamics, join(q, dynamics.momentum(q, v)), DT, u)
    new_v = v + DT * acceleration(q, v, u)
    new_q = q + DT * new_v
    np.testing.assert_allclose(x, join(new_q, dynamics.momentum(new_q, new_v)), rtol=1e-14)


def test_runge_kutta_in_velocities_has_order_four_and_substeps_are_smaller_steps(moving_bead):
    dynamics, q, v, u = moving_bead
    x0 = join(q, dynamics.momentum(q, v))

    def ahead(count):
        return InVelocities(Substeps(RungeKutta4(), count)).step(dynamics, x0, 0.4, u)

    exact = ahead(64)
    errors = [np.abs(ahead(count) - exact).max() for count in (2, 4, 8)]
    slopes = np.diff(np.log(errors)) / np.log(0.5)
    np.testing.assert_allclose(slopes, 4, atol=0.3)
    whole = integrate(dynamics, x0, integrator=InVelocities(RungeKutta4()), dt=0.1, steps=4, u=np.stack([u] * 4))[-1]
    np.testing.assert_allclose(ahead(4), whole, rtol=1e-13)


def test_where_the_mass_is_constant_a_scheme_and_its_form_in_velocities_are_the_same_map():
    dynamics = PortHamiltonian(Pendulum(mass=0.7), control=np.eye(1), damping=np.array([0.3]))
    rng = np.random.default_rng(0)
    x, u = rng.normal(size=(5, 2)), rng.normal(size=(5, 1))
    for scheme in (Euler(), SymplecticEuler(), RungeKutta4()):
        found = InVelocities(scheme).step(dynamics, x, DT, u)
        np.testing.assert_allclose(found, scheme.step(dynamics, x, DT, u), rtol=1e-13, atol=1e-14)


def test_substeps_have_the_properties_of_their_scheme(bead):
    fine = Substeps(Leapfrog(), 3)
    assert (fine.order, fine.symplectic, fine.reversible, fine.requires) == (2, True, True, Leapfrog.requires)
    pendulum = PortHamiltonian(Pendulum())
    x = np.array([1.0, 0.3])
    np.testing.assert_array_equal(
        fine.step(pendulum, x, 0.3), integrate(pendulum, x, integrator=Leapfrog(), dt=0.3 / 3, steps=3)[-1]
    )
    back = Substeps(SymplecticEuler(), 4)
    np.testing.assert_allclose(back.adjoint.step(pendulum, back.step(pendulum, x, 0.3), -0.3), x, rtol=1e-13)
    with pytest.raises(InputError, match="Leapfrog needs dq/dt that depends on p alone"):
        fine.check(bead)


def test_the_lattice_rounds_every_kick_of_every_substep():
    lattice = Lattice(Substeps(Leapfrog(), 2))
    pendulum, x0 = PortHamiltonian(Pendulum()), Lattice().snap(np.array([1.0, 0.3]))
    there = integrate(pendulum, x0, integrator=lattice, dt=0.1, steps=100)[-1]
    back = integrate(pendulum, there, integrator=lattice.adjoint, dt=-0.1, steps=100)[-1]
    np.testing.assert_array_equal(back, x0)
    with pytest.raises(InputError, match="does not consist of them"):
        Lattice(Substeps(RungeKutta4(), 2))


SCHEMES = [
    Leapfrog(),
    SymplecticEuler(drift_first=True),
    InVelocities(SymplecticEuler()),
    Substeps(ImplicitMidpoint(max_iterations=7), 3),
    InVelocities(Substeps(RungeKutta4(), 5)),
]


@pytest.mark.parametrize("scheme", SCHEMES, ids=str)
def test_a_scheme_comes_back_from_json(scheme):
    assert integrator_from_json(integrator_to_json(scheme)) == scheme


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"scheme": "Leapfrog7"},
        {"scheme": "Substeps", "inner": {"scheme": "Leapfrog"}, "count": 0},
        {"scheme": []},
        3,
    ],
)
def test_json_that_describes_no_scheme_is_refused(data):
    with pytest.raises(InputError):
        integrator_from_json(data)


def test_schemes_that_are_not_for_checkpoints_are_refused_by_name():
    with pytest.raises(InputError, match="Lattice is not for checkpoints"):
        integrator_to_json(Lattice())


def test_misuse_is_refused_by_name():
    with pytest.raises(InputError, match="Yoshida4 needs forces that do not depend on velocities"):
        InVelocities(Yoshida4())
    with pytest.raises(InputError, match="at least 1, got 0"):
        Substeps(Leapfrog(), 0)
    with pytest.raises(InputError, match="Take the substeps inside Lattice"):
        Substeps(Lattice(), 2)
    with pytest.raises(InputError, match="RungeKutta4 in velocities cannot be run backwards exactly"):
        _ = InVelocities(RungeKutta4()).adjoint


@pytest.fixture
def moving_bead(bead):
    """The bead with a control port, with positions, velocities and forces."""
    q, v, u = np.random.default_rng(1).normal(size=(3, 6, 1))
    return PortHamiltonian(NaturalBead(bead.hamiltonian), control=np.eye(1)), q, v, u


class NaturalBead:
    """The bead with its acceleration."""

    n = 1

    def __init__(self, bead):
        self.energy, self.gradient = bead.energy, bead.gradient
        self.momentum, self.velocity = bead.momentum, bead.velocity

    def acceleration(self, q, v, force):
        return acceleration(q, v, force)


def test_a_model_without_acceleration_is_refused(bead):
    with pytest.raises(InputError, match="InVelocities needs an acceleration dv/dt, and BeadOnParabola has none"):
        InVelocities(Euler()).check(bead)
    InVelocities(Euler()).check(PortHamiltonian(Pendulum()))
