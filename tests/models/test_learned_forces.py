"""Friction, residual forces, controls of unknown joints, and constants of the episode."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from hnn_gym.errors import InputError
from hnn_gym.models import HNN, Baseline, MechanicalHNN, SecondOrderBaseline, SeparableHNN, Variables
from hnn_gym.physics.dynamics import Structure
from hnn_gym.physics.integrators import ImplicitMidpoint, InVelocities, SymplecticEuler
from hnn_gym.physics.phase import join

ARM = Variables((True, True), (1.0, 1.0), (2.0, 3.0), (5.0, 4.0), (1,), (2.0,), in_physical_units=True)
WITH_TARGET = Variables(
    (True, False, True, False), (1.0, 0.2, 1.0, 0.1), (2.0, 1.0, 3.0, 1.0), (5.0, 1.0, 4.0, 1.0), (2,), (2.0,),
    fixed=(False, True, False, True),
)  # fmt: skip
PLAIN = MechanicalHNN(ARM, hidden=(8,), mass_matrix="full")


def built(architecture, to=np.asarray, seed=0):
    rng = np.random.default_rng(seed)
    drawn = architecture.initial_parameters(rng)
    parameters = {name: to(value + 0.3 * rng.normal(size=value.shape)) for name, value in drawn.items()}
    return architecture.build(parameters), parameters


def states(n=2, count=50):
    return np.random.default_rng(1).normal(size=(2, count, n)) * 2


def test_learned_friction_never_gives_energy():
    dynamics, parameters = built(replace(PLAIN, friction=(6,), damping=True, dry=True))
    assert {"friction.w0", "damping.log", "dry.log"} <= set(parameters)
    q, v = states()
    (friction,) = dynamics.forces
    assert ((friction(q, v, None) * v) <= 0).all()  # of every degree of freedom
    assert (dynamics.power(q, v) < 0).all()
    np.testing.assert_array_equal(friction(q, 0 * v, None), 0 * v)


def test_a_residual_force_depends_on_everything_and_acts_beside_H():
    dynamics, _ = built(replace(PLAIN, residual=(6,)))
    q, v = states()
    u = np.random.default_rng(2).normal(size=(50, 1))
    (residual,) = dynamics.forces
    force = residual(q, v, u)
    for changed in (residual(q + 0.1, v, u), residual(q, v + 0.1, u), residual(q, v, u + 0.1)):
        assert np.abs(changed - force).max() > 1e-3
    np.testing.assert_array_equal(residual(q, v, None), residual(q, v, 0 * u))
    bare = replace(dynamics, forces=())
    mass = dynamics.hamiltonian.mass.at(q)
    found = mass.times(dynamics.acceleration(q, v, u) - bare.acceleration(q, v, u))
    np.testing.assert_allclose(found, force, rtol=1e-9, atol=1e-10)
    assert built(MechanicalHNN(ARM, residual=(6,)))[0].structure == Structure.SPLIT


def test_a_control_map_depends_on_the_positions():
    dynamics, _ = built(replace(PLAIN, control_map=(6,)))
    q, _ = states()
    u = np.ones((50, 1))
    force = dynamics.control_force(q, u)
    np.testing.assert_allclose(dynamics.control_force(q, 2 * u), 2 * force, rtol=1e-14)
    assert np.abs(force - force[0]).max() > 1e-2
    with pytest.raises(InputError, match="no control map"):
        MechanicalHNN(replace(ARM, control_degrees=(), force_scales=(), in_physical_units=False), control_map=(4,))


@pytest.mark.parametrize("units", [False, True])
def test_the_column_of_a_control_with_an_unknown_degree_of_freedom_is_learned(units):
    variables = replace(ARM, control_degrees=(None, 0), force_scales=(2.0, 1.0), in_physical_units=units)
    dynamics, parameters = built(MechanicalHNN(variables))
    columns = parameters["control.columns"]
    np.testing.assert_array_equal(dynamics.control[:, 0], columns[:, 0])
    expected = 1.0 if units else parameters["control.gain"][1]
    np.testing.assert_array_equal(dynamics.control[:, 1], [expected, 0.0])


@pytest.mark.parametrize(
    "architecture",
    [
        MechanicalHNN(WITH_TARGET, damping=True, dry=True, residual=(5,), friction=(5,), control_map=(5,)),
        MechanicalHNN(WITH_TARGET, hidden=(5,), mass_matrix="full", damping=True, residual=(5,)),
        MechanicalHNN(WITH_TARGET, hidden=(), mass_matrix="full"),
        MechanicalHNN(WITH_TARGET, hidden=(5,), mass_matrix="diagonal", magnetic=True),
        MechanicalHNN(WITH_TARGET, hidden=(5,), magnetic=True),
        MechanicalHNN(replace(WITH_TARGET, control_degrees=(None,))),
        SeparableHNN(WITH_TARGET, damping=True),
        HNN(WITH_TARGET, hidden=(6, 6)),
        SecondOrderBaseline(WITH_TARGET),
        Baseline(WITH_TARGET),
    ],
    ids=lambda a: f"{a.kind} {sorted((k, v) for k, v in a.hyperparameters().items() if v)}",
)
def test_constants_of_the_episode_stay_and_matter(architecture):
    dynamics, _ = built(architecture)
    scheme = architecture.integrator
    q, v = states(4)
    v = v * WITH_TARGET.moving
    x = join(q, dynamics.momentum(q, v))
    fixed = np.flatnonzero(np.tile(1 - WITH_TARGET.moving, 2))
    new = scheme.step(dynamics, x, 0.01, np.ones((50, 1)))
    np.testing.assert_array_equal(new[:, fixed], x[:, fixed])
    assert np.abs(new - x).max() > 1e-3
    elsewhere = join(q + 0.3 * (1 - WITH_TARGET.moving), dynamics.momentum(q, v))
    assert np.abs(scheme.step(dynamics, elsewhere, 0.01, np.ones((50, 1)))[:, 0] - new[:, 0]).max() > 1e-7


def test_the_schemes_of_a_model_fit_its_friction():
    assert MechanicalHNN(ARM, dry=True).integrator == SymplecticEuler()
    assert replace(PLAIN, dry=True).integrator == InVelocities(SymplecticEuler())
    assert PLAIN.integrator == ImplicitMidpoint()
    for architecture in (MechanicalHNN(ARM, dry=True), replace(PLAIN, dry=True), PLAIN):
        architecture.integrator.check(built(architecture)[0])


def test_every_learned_force_is_differentiable_on_torch():
    architecture = replace(PLAIN, residual=(4,), friction=(4,), control_map=(4,), damping=True, dry=True, magnetic=True)
    dynamics, parameters = built(architecture, lambda value: torch.tensor(value, requires_grad=True))
    q, v = (torch.tensor(one) for one in states())
    u = torch.ones((50, 1), dtype=torch.float64)
    stepped = architecture.integrator.step(dynamics, join(q, dynamics.momentum(q, v)), 0.05, u)
    gradients = torch.autograd.grad((stepped**2).sum(), list(parameters.values()))
    for name, gradient in zip(parameters, gradients, strict=True):
        assert bool(torch.isfinite(gradient).all()), name
        assert float(gradient.abs().max()) > 0, name
    on_numpy = built(architecture)[0]
    x = join(q, dynamics.momentum(q, v)).detach().numpy()
    expected = architecture.integrator.step(on_numpy, x, 0.05, u.numpy())
    np.testing.assert_allclose(stepped.detach().numpy(), expected, rtol=1e-9, atol=1e-10)
