"""Gravity: its symmetries and what they conserve, its limits, and the input it refuses."""

import numpy as np
import pytest
import torch

from hnn_gym.errors import InputError
from hnn_gym.physics.dynamics import PortHamiltonian
from hnn_gym.physics.hamiltonians import NBody
from hnn_gym.physics.integrators import Leapfrog
from hnn_gym.physics.phase import split
from hnn_gym.physics.simulate import integrate

SYSTEMS = {
    "two equal": NBody(),
    "three unequal, softened": NBody(masses=(1.0, 2.0, 0.5), gravity=0.7, softening=0.1),
    "four in space": NBody(masses=(1.0, 0.3, 0.8, 2.0), dimensions=3, softening=0.3),
}


def start(system, *shape):
    """Random phase points with the bodies on a line some metres apart."""
    x = np.random.default_rng(3).normal(size=(*shape, 2 * system.n))
    x[..., : system.n] += 3 * np.repeat(np.arange(system.bodies), system.dimensions)
    return x


def bodies(system, x):
    """Positions and momenta ``(..., bodies, dimensions)``."""
    q, p = split(x)
    shape = (*x.shape[:-1], system.bodies, system.dimensions)
    return q.reshape(shape), p.reshape(shape)


def angular_momentum(system, x):
    """Sum of q x p over the bodies, as the antisymmetric matrix q p^T - p q^T, in any dimension."""
    q, p = bodies(system, x)
    outer = np.einsum("...bi,...bj->...ij", q, p)
    return outer - np.swapaxes(outer, -1, -2)


@pytest.mark.parametrize("name", SYSTEMS)
def test_forces_add_up_to_zero_and_exert_no_torque(name):
    system = SYSTEMS[name]
    q, _ = split(start(system, 4))
    force = -system.potential_gradient(q)
    x = np.concatenate([q, force], axis=-1)
    # Pairs of forces of order 1 cancel to rounding.
    np.testing.assert_allclose(bodies(system, x)[1].sum(-2), 0, atol=1e-13)
    np.testing.assert_allclose(angular_momentum(system, x), 0, atol=1e-12)


@pytest.mark.parametrize("name", SYSTEMS)
def test_momentum_and_angular_momentum_are_conserved_along_a_trajectory(name):
    system = SYSTEMS[name]
    x = integrate(PortHamiltonian(system), start(system), integrator=Leapfrog(), dt=0.02, steps=200)
    # Leapfrog conserves both exactly; 200 steps of rounding on sums of order 10.
    for conserved in (bodies(system, x)[1].sum(-2), angular_momentum(system, x)):
        np.testing.assert_allclose(conserved - conserved[0], 0, atol=1e-11)


def test_swapping_two_bodies_with_their_masses_changes_nothing():
    system = NBody(masses=(1.0, 2.0, 0.5), softening=0.1)
    swapped = NBody(masses=(2.0, 1.0, 0.5), softening=0.1)
    order = [1, 0, 2]
    x = start(system, 4)
    y = np.stack([part[..., order, :].reshape(4, system.n) for part in bodies(system, x)], axis=-2).reshape(4, -1)
    # The same terms in another order.
    np.testing.assert_allclose(swapped.energy(y), system.energy(x), rtol=1e-13)
    for found, expected in zip(bodies(swapped, swapped.gradient(y)), bodies(system, system.gradient(x)), strict=True):
        np.testing.assert_allclose(found, expected[..., order, :], rtol=1e-12, atol=1e-13)


def test_a_rotation_and_a_shift_change_no_energy():
    system = SYSTEMS["three unequal, softened"]
    x = start(system, 4)
    turn = np.array([[np.cos(0.7), -np.sin(0.7)], [np.sin(0.7), np.cos(0.7)]])
    q, p = (part @ turn for part in bodies(system, x))
    moved = np.concatenate([(q + np.array([5.0, -2.0])).reshape(4, -1), p.reshape(4, -1)], axis=-1)
    np.testing.assert_allclose(system.energy(moved), system.energy(x), rtol=1e-13)


def test_masses_gravity_and_softening_enter_as_in_the_formula():
    system = NBody(masses=(2.0, 3.0), dimensions=3, gravity=0.5, softening=4.0)
    x = np.array([0.0, 0.0, 0.0, 3.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 2.0, 0.0])
    expected = 1.0 / (2 * 2) + 4.0 / (2 * 3) - 0.5 * 2 * 3 / np.sqrt(3.0**2 + 4.0**2)
    assert system.energy(x) == pytest.approx(expected, rel=1e-14)


def test_two_bodies_on_a_circle_stay_on_it():
    v = np.sqrt(0.5)  # v^2 / (1/2) = G m / 1^2 for two unit masses a metre apart
    system, period = NBody(), np.pi / v
    x0 = np.array([-0.5, 0, 0.5, 0, 0, -v, 0, v])
    x = integrate(PortHamiltonian(system), x0, integrator=Leapfrog(), dt=period / 2000, steps=2000)
    distance = np.linalg.norm(x[:, 0:2] - x[:, 2:4], axis=-1)
    # Leapfrog of order 2: (2 pi / 2000)^2 = 1e-5 in radius; the phase error adds up over the turn.
    np.testing.assert_allclose(distance, 1.0, atol=1e-5)
    np.testing.assert_allclose(x[-1], x0, atol=1e-4)


def test_motion_in_a_plane_is_the_same_in_two_and_three_dimensions():
    flat, space = NBody(softening=0.1), NBody(softening=0.1, dimensions=3)
    x = start(flat)
    lifted = np.concatenate([np.pad(part, ((0, 0), (0, 1))).ravel() for part in bodies(flat, x)])
    assert space.energy(lifted) == pytest.approx(float(flat.energy(x)), rel=1e-14)
    for found, expected in zip(bodies(space, space.gradient(lifted)), bodies(flat, flat.gradient(x)), strict=True):
        np.testing.assert_allclose(found[:, :2], expected, rtol=1e-13)
        np.testing.assert_array_equal(found[:, 2], 0)


def test_softened_bodies_in_one_place_pull_with_finite_energy_and_no_force():
    system = NBody(softening=0.5)
    q = np.zeros(4)
    assert system.potential(q) == pytest.approx(-1 / 0.5, rel=1e-15)
    np.testing.assert_array_equal(system.potential_gradient(q), 0)


def test_one_system_serves_every_array_library_and_type_in_turn():
    system = NBody(masses=(1.0, 2.0))
    x = start(system)
    in_double = system.energy(x)
    assert system.energy(torch.tensor(x, dtype=torch.float32)).dtype == torch.float32
    assert system.energy(x.astype(np.float32)).dtype == np.float32
    assert system.energy(torch.tensor(x)).dtype == torch.float64
    assert system.energy(x) == in_double


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"masses": (1.0,)}, "at least 2 bodies"),
        ({"masses": (1.0, 0.0)}, "masses > 0"),
        ({"masses": (1.0, -1.0)}, "masses > 0"),
        ({"masses": (1.0, float("nan"))}, r"masses .* NaN is not a number"),
        ({"masses": (1.0, float("inf"))}, "masses > 0"),
        ({"softening": -0.1}, "softening >= 0"),
        ({"softening": float("nan")}, r"softening .* NaN is not a number"),
        ({"softening": float("inf")}, "finite softening"),
        ({"dimensions": 0}, "dimensions"),
        ({"dimensions": 4}, "dimensions"),
        ({"gravity": float("nan")}, "gravity"),
    ],
)
def test_wrong_constants_are_refused_by_name(arguments, message):
    with pytest.raises(InputError, match=message):
        NBody(**arguments)


@pytest.mark.parametrize("to", [np.asarray, torch.tensor], ids=["numpy", "torch"])
def test_whole_numbers_are_refused_because_masses_would_be_cut_to_them(to):
    with pytest.raises(InputError, match="floating point"):
        NBody(masses=(0.5, 1.5)).energy(to([0, 0, 3, 0, 0, 0, 0, 0]))
