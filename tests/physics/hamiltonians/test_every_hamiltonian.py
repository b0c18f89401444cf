"""The contract of every Hamiltonian, true or learned. A new system or model is one more row."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from hnn_gym.errors import InputError
from hnn_gym.models import HNN, MechanicalHNN, PairwiseHNN, PlanarChainHNN, SeparableHNN, Variables
from hnn_gym.models.pairwise import LearnedBodies
from hnn_gym.physics.dynamics import Hamiltonian, PortHamiltonian
from hnn_gym.physics.hamiltonians import Link, NBody, Pendulum, PlanarChain, Spring
from hnn_gym.physics.phase import join, split
from hnn_gym.physics.reference import reference_trajectory

TRUE = {
    "spring": Spring(mass=0.7, stiffness=3.0),
    "pendulum": Pendulum(),
    "pendulum of Gymnasium": Pendulum.of_gymnasium(),
    "two bodies": NBody(),
    "three bodies in space": NBody(masses=(1.0, 2.0, 0.5), dimensions=3, gravity=0.8, softening=0.2),
    "chain": PlanarChain.of_links((Link(1.0, 0.8, 0.3, 0.1), Link(0.5, 1.0, 0.5, 0.2)), gravity=9.8, upright=False),
    "chain on a cart on a slope": replace(
        PlanarChain.of_links(
            (Link(0.5, 0.8, 0.8), Link(0.3, 0.6, 0.3, 0.1)), gravity=9.8, upright=True, cart=2.0, absolute=True
        ),
        sines=np.array([1.5, 0.0, 0.0]),
    ),
}

ROD = Variables(
    angles=(True,),
    position_scales=(1.5,),
    velocity_scales=(3.0,),
    acceleration_scales=(9.0,),
    control_degrees=(0,),
    force_scales=(1.2,),
    in_physical_units=True,
)
CART_POLE = Variables(
    angles=(False, True),
    position_scales=(2.0, 1.0),
    velocity_scales=(0.6, 1.4),
    acceleration_scales=(2.0, 5.0),
    control_degrees=(0,),
    force_scales=(10.0,),
)
ARM = Variables(
    angles=(True, True, False),
    position_scales=(1.0, 1.0, 0.5),
    velocity_scales=(2.0, 1.0, 0.6),
    acceleration_scales=(3.0, 5.0, 2.0),
    control_degrees=(1,),
    force_scales=(4.0,),
    in_physical_units=True,
)
THREE_BODIES = Variables((False,) * 6, (4.0,) * 6, (1.0,) * 6, (2.0,) * 6)
LEARNED = {
    "hnn": HNN(CART_POLE, hidden=(8, 8)),
    "hnn of a rod": HNN(ROD, hidden=(8,)),
    "separable": SeparableHNN(CART_POLE, hidden=(8, 8)),
    "separable of a rod": SeparableHNN(ROD, hidden=(8,)),
    "mechanical": MechanicalHNN(CART_POLE, hidden=(8, 8)),
    "mechanical of a rod": MechanicalHNN(ROD, hidden=(8,)),
    "mechanical with M(q)": MechanicalHNN(CART_POLE, hidden=(8, 8), mass_matrix="full"),
    "chain": PlanarChainHNN(ARM),
    "chain of absolute angles": PlanarChainHNN(ARM, absolute=True),
    "mechanical of rigid bodies": MechanicalHNN(ARM, hidden=(), mass_matrix="full"),
    "mechanical with diagonal M(q)": MechanicalHNN(ARM, hidden=(8,), mass_matrix="diagonal"),
    "magnetic": MechanicalHNN(CART_POLE, hidden=(8,), magnetic=True),
    "magnetic with M(q)": MechanicalHNN(ARM, hidden=(8,), mass_matrix="full", magnetic=True),
    "pairwise": PairwiseHNN(THREE_BODIES, hidden=(8,), masses=(1.0, 2.0, 0.5), softening=0.1),
}
EVERY = [*TRUE, *LEARNED]


def hamiltonian(name, to=np.asarray):
    """The energy of a row, its parameters (drawn away from their special initial values) turned by ``to``."""
    if name in TRUE:
        return TRUE[name]
    rng = np.random.default_rng(7)
    arrays = LEARNED[name].initial_parameters(rng)
    # A polynomial mass matrix is positive only near a positive one.
    spread = {key: 0.05 if key.startswith("mass.") else 0.3 for key in arrays}
    arrays = {key: to(value + spread[key] * rng.normal(size=value.shape)) for key, value in arrays.items()}
    return LEARNED[name].build(arrays).hamiltonian


def points(H, *shape, seed=0):
    """Random phase points; bodies sit a few metres apart, so that no force is extreme."""
    x = np.random.default_rng(seed).normal(size=(*shape, 2 * H.n))
    if isinstance(H, NBody | LearnedBodies):
        bodies = len(H.masses) if isinstance(H, NBody) else H.incidence.shape[1]
        x[..., : H.n] += 4 * np.repeat(np.arange(bodies), H.n // bodies)
    return x


@pytest.mark.parametrize("name", EVERY)
def test_it_is_a_hamiltonian(name):
    assert isinstance(hamiltonian(name), Hamiltonian)


@pytest.mark.parametrize("name", EVERY)
def test_the_closed_form_gradient_is_that_of_autograd(name):
    H = hamiltonian(name, torch.tensor)
    x = torch.tensor(points(H, 2, 3), requires_grad=True)
    (expected,) = torch.autograd.grad(H.energy(x).sum(), x)
    # Both are exact but for rounding: a few eps on entries of size 1 to 10.
    torch.testing.assert_close(H.gradient(x), expected, rtol=1e-12, atol=1e-12)
    assert float(expected.abs().min()) > 0  # every coordinate matters, so every entry was tested


@pytest.mark.parametrize("name", EVERY)
def test_numpy_and_torch_agree(name):
    on_numpy, on_torch = hamiltonian(name), hamiltonian(name, torch.tensor)
    x = points(on_numpy, 4)
    q, p = split(x)
    for method, arguments in [("energy", (x,)), ("gradient", (x,)), ("momentum", (q, p)), ("velocity", (q, p))]:
        found = getattr(on_torch, method)(*(torch.tensor(a) for a in arguments))
        expected = getattr(on_numpy, method)(*arguments)
        # The libraries may add in another order and round tanh and cos differently in the last bit.
        np.testing.assert_allclose(found.numpy(), expected, rtol=1e-12, atol=1e-12, err_msg=method)


@pytest.mark.parametrize("shape", [(), (3,), (2, 3)])
@pytest.mark.parametrize("name", EVERY)
def test_a_batch_is_its_points_one_by_one(name, shape):
    H = hamiltonian(name)
    x = points(H, *shape)
    q, p = split(x)
    assert H.energy(x).shape == shape
    assert H.gradient(x).shape == x.shape
    assert H.momentum(q, p).shape == H.velocity(q, p).shape == q.shape
    for i in np.ndindex(shape):
        # BLAS adds in another order for another batch size.
        np.testing.assert_allclose(H.energy(x)[i], H.energy(x[i]), rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(H.gradient(x)[i], H.gradient(x[i]), rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(H.momentum(q, p)[i], H.momentum(q[i], p[i]), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("to", [np.asarray, torch.asarray], ids=["numpy", "torch"])
@pytest.mark.parametrize("name", EVERY)
def test_float32_stays_float32(name, to):
    H = hamiltonian(name, lambda array: to(array.astype(np.float32)))
    x = to(points(H, 3).astype(np.float32))
    q, p = split(x)
    for result in (H.energy(x), H.gradient(x), H.momentum(q, p), H.velocity(q, p)):
        assert result.dtype == x.dtype


@pytest.mark.parametrize("name", EVERY)
def test_momentum_and_velocity_are_inverses(name):
    H = hamiltonian(name)
    q, v = split(points(H, 2, 3))
    # A product and a quotient, or a small well-conditioned solve: a few eps.
    np.testing.assert_allclose(H.velocity(q, H.momentum(q, v)), v, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(H.momentum(q, H.velocity(q, v)), v, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", [*TRUE, "mechanical", "mechanical of a rod", "mechanical with M(q)", "pairwise"])
def test_the_velocity_is_dHdp_where_the_kinetic_energy_is_quadratic(name):
    H = hamiltonian(name)
    x = points(H, 5)
    np.testing.assert_allclose(H.velocity(*split(x)), split(H.gradient(x))[1], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", [name for name in EVERY if "bodies" not in name and name != "pairwise"])
def test_the_energy_is_zero_at_rest_at_the_origin(name):
    H = hamiltonian(name)
    # Learned energies subtract their value there, computed as a batch of another shape: rounding of order 1.
    np.testing.assert_allclose(H.energy(np.zeros((3, 2 * H.n))), np.zeros(3), rtol=0, atol=1e-13)


@pytest.mark.parametrize("name", ["pendulum", "hnn", "separable", "mechanical", "mechanical with M(q)"])
def test_a_full_turn_of_an_angle_changes_nothing(name):
    H = hamiltonian(name)
    x = points(H, 4)
    turned = x.copy()
    turned[..., H.n - 1] += 2 * np.pi  # the last degree of freedom is an angle in all these rows
    # cos and sin of q + 2 pi differ from those of q by rounding of q + 2 pi.
    np.testing.assert_allclose(H.energy(turned), H.energy(x), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(H.gradient(turned), H.gradient(x), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", EVERY)
def test_the_reference_solution_conserves_the_energy(name):
    H = hamiltonian(name)
    trajectory = reference_trajectory(PortHamiltonian(H), points(H, seed=1), np.linspace(0, 3, 7))
    energy = H.energy(trajectory)
    # DOP853 at 1e-12 a step, some 100 steps; a wrong sign in the gradient gives errors of order 1.
    np.testing.assert_allclose(energy, energy[0], rtol=1e-9, atol=1e-9)
    assert np.abs(trajectory - trajectory[0]).max() > 0.1  # it did move


@pytest.mark.parametrize("name", EVERY)
def test_the_arguments_are_left_as_they_were(name):
    H = hamiltonian(name)
    x = points(H, 3)
    before = x.copy()
    q, p = split(x)
    H.energy(x), H.gradient(x), H.momentum(q, p), H.velocity(q, p), join(q, p)
    np.testing.assert_array_equal(x, before)


NATURAL = [name for name in EVERY if hasattr(hamiltonian(name), "acceleration")]


@pytest.mark.parametrize("name", NATURAL)
def test_the_acceleration_is_the_change_of_velocity_that_hamiltons_equations_give(name):
    H = hamiltonian(name, torch.tensor)
    push = torch.tensor(np.random.default_rng(3).normal(size=H.n))
    x = torch.tensor(points(H, 5))

    def velocity(y):
        q, p = split(y)
        return H.velocity(q, p)

    dq, dp = split(H.gradient(x))
    flow = torch.cat([dp, push - dq], dim=-1)
    v, change = torch.autograd.functional.jvp(velocity, x, flow)
    torch.testing.assert_close(v, dp, rtol=1e-12, atol=1e-12)  # dq/dt is the velocity that belongs to p
    found = H.acceleration(split(x)[0], v, push)
    torch.testing.assert_close(found, change, rtol=1e-10, atol=1e-10)  # a sum of some ten terms of size 10


@pytest.mark.parametrize("name", NATURAL)
def test_the_rate_of_momentum_at_a_velocity_is_that_of_hamiltons_equations(name):
    H = hamiltonian(name)
    dynamics = PortHamiltonian(H, control=np.eye(H.n), damping=np.full(H.n, 0.3))
    x, u = points(H, 5), np.random.default_rng(3).normal(size=(5, H.n))
    q, p = split(x)
    found = dynamics.momentum_rate(q, dynamics.velocity(q, p), u)
    np.testing.assert_allclose(found, split(dynamics.field(x, u))[1], rtol=1e-11, atol=1e-11)


def test_kinetic_energies_that_are_not_quadratic_have_no_acceleration():
    assert {"spring", "two bodies", "mechanical of rigid bodies", "magnetic"} <= set(NATURAL)
    for name in ("hnn", "separable"):
        dynamics = PortHamiltonian(hamiltonian(name))
        assert not dynamics.second_order
        with pytest.raises(InputError, match="kinetic energy is not quadratic in p"):
            dynamics.acceleration(np.zeros(2), np.zeros(2))


def test_magnetic_forces_do_no_work_and_are_not_there_at_rest():
    H = hamiltonian("magnetic")
    plain = replace(H, vector_potential=None)
    q, v = np.random.default_rng(0).normal(size=(2, 50, 2))
    force = H.mass.at(q).times(H.acceleration(q, v, 0.0) - plain.acceleration(q, v, 0.0))
    assert np.abs(force).max() > 0.1
    np.testing.assert_allclose((force * v).sum(-1), 0, atol=1e-12)
    np.testing.assert_array_equal(H.acceleration(q, 0 * v, 0.0), plain.acceleration(q, 0 * v, 0.0))
