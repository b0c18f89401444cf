"""Schemes refuse what they would integrate wrongly, fail loudly, and hold controls over a step."""

import numpy as np
import pytest
import torch

from hnn_gym.errors import ConvergenceError, InputError
from hnn_gym.physics.dynamics import PortHamiltonian, Structure
from hnn_gym.physics.hamiltonians import Link, NBody, Pendulum, PlanarChain, Spring
from hnn_gym.physics.integrators import (
    INTEGRATORS,
    Euler,
    Gauss4,
    ImplicitMidpoint,
    Leapfrog,
    RungeKutta4,
    Substeps,
    SymplecticEuler,
)
from hnn_gym.physics.simulate import integrate

EXPLICIT = [name for name, scheme in INTEGRATORS.items() if scheme.requires > Structure.GENERAL]
SEPARABLE_ONLY = [name for name, scheme in INTEGRATORS.items() if scheme.requires == Structure.SEPARABLE]


def test_the_registry_knows_every_scheme_by_its_class_name():
    assert all(name == scheme.__name__ for name, scheme in INTEGRATORS.items())
    assert set(EXPLICIT) == {"SymplecticEuler", "Leapfrog", "Yoshida4", "Yoshida6", "Yoshida8"}
    assert set(SEPARABLE_ONLY) == set(EXPLICIT) - {"SymplecticEuler", "Leapfrog"}


@pytest.mark.parametrize("name", EXPLICIT)
def test_an_explicit_scheme_refuses_a_hamiltonian_that_is_not_separable(name, bead):
    with pytest.raises(InputError, match=rf"{name} needs .*BeadOnParabola is not.*: use ImplicitMidpoint\(\)"):
        integrate(bead, np.zeros(2), integrator=INTEGRATORS[name](), dt=0.1, steps=1)


@pytest.mark.parametrize("name", SEPARABLE_ONLY)
def test_a_composed_scheme_refuses_friction_and_names_the_schemes_that_take_it(name):
    damped = PortHamiltonian(Pendulum(), damping=np.array([0.1]))
    with pytest.raises(InputError, match=rf"{name} .*Pendulum has forces that depend on p: use .*SymplecticEuler\(\)"):
        integrate(damped, np.zeros(2), integrator=INTEGRATORS[name](), dt=0.1, steps=1)


@pytest.mark.parametrize("scheme", [SymplecticEuler(), Leapfrog(), ImplicitMidpoint(), RungeKutta4(), Euler()])
def test_the_schemes_that_take_friction_lose_the_energy_that_it_dissipates(scheme):
    H, damping, dt = Pendulum(), 0.4, 1e-3
    x = integrate(
        PortHamiltonian(H, damping=np.array([damping])), np.array([2.0, 0.0]), integrator=scheme, dt=dt, steps=4000
    )
    power = damping * (x[:, 1] / H.mass) ** 2
    eaten = np.sum((power[1:] + power[:-1]) / 2) * dt
    # Some 3 J are lost; schemes of order 1 misplace a share of dt, times a few per second, of them.
    assert H.energy(x[0]) - H.energy(x[-1]) == pytest.approx(eaten, rel=0.01)
    assert eaten > 2


@pytest.mark.parametrize("name", INTEGRATORS)
def test_the_energy_gained_under_a_held_force_is_its_work(name):
    H, scheme, held, fine = Pendulum(), INTEGRATORS[name](), 20, 50
    pushed = PortHamiltonian(H, control=np.array([[1.3]]))
    u = np.repeat(np.random.default_rng(2).uniform(-2, 2, (held, 1)), fine, axis=0)
    dt = 0.1 / fine
    x = integrate(pushed, np.array([0.3, 0.0]), integrator=scheme, dt=dt, steps=held * fine, u=u)
    work = 1.3 * np.sum(u * np.diff(x[:, :1], axis=0))
    # With the force constant between steps its work is u (q' - q) exactly; the rest is the scheme's own energy
    # error, some 10 dt^order J for Euler. The work itself is 0.7 J.
    assert H.energy(x[-1]) - H.energy(x[0]) == pytest.approx(work, rel=0, abs=20 * dt**scheme.order + 1e-11)
    assert abs(work) > 0.5


@pytest.mark.parametrize("name", INTEGRATORS)
def test_numpy_and_torch_take_the_same_step_in_batches_of_any_shape(name):
    two, scheme = PortHamiltonian(NBody(softening=0.1)), INTEGRATORS[name]()
    x = np.random.default_rng(0).normal(size=(2, 3, 8))
    stepped = scheme.step(two, x, 0.01)
    on_torch = scheme.step(two, torch.tensor(x), 0.01)
    one_by_one = np.stack([[scheme.step(two, x[i, j], 0.01) for j in range(3)] for i in range(2)])
    # A few roundings a stage; the implicit solve of a batch goes on until its slowest element is done.
    np.testing.assert_allclose(on_torch.numpy(), stepped, rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(one_by_one, stepped, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("to", [np.asarray, torch.tensor], ids=["numpy", "torch"])
def test_implicit_midpoint_counts_the_states_that_do_not_converge(to):
    # Two bodies 0.05 m apart attract each other 8,000 times as steeply as 1 m apart: dt = 0.2 s suits only the latter.
    x = np.zeros((3, 2, 8))
    x[..., 2] = 1.0
    x[0, 1, 2] = x[2, 0, 2] = 0.05
    two = PortHamiltonian(NBody(softening=0.01))
    failing = r"2 of 6 states did not converge in 200 iterations at dt = 0.2: use RungeKutta4\(\).*Substeps"
    with pytest.raises(ConvergenceError, match=failing):
        ImplicitMidpoint().step(two, to(x), 0.2)
    ImplicitMidpoint().step(two, to(x[1]), 0.2)
    for named in (RungeKutta4(), Substeps(ImplicitMidpoint(), 128)):
        assert np.isfinite(np.asarray(named.step(two, to(x), 0.2))).all()


def test_implicit_midpoint_raises_for_a_single_state_and_for_one_that_is_not_a_number(bead):
    with pytest.raises(ConvergenceError, match="1 of 1 states"):
        ImplicitMidpoint().step(PortHamiltonian(Spring()), np.array([1.0, 0.0]), 2.0)
    with pytest.raises(ConvergenceError, match="1 of 2 states"):
        ImplicitMidpoint().step(bead, np.array([[0.5, 0.0], [np.nan, 0.0]]), 0.1)


def test_implicit_midpoint_converges_after_a_thousand_turns():
    # q is not wrapped; its rounding, 1e-12 by now, is large beside the rounding of p.
    x = np.array([2000 * np.pi + 1.0, 2.3])
    stepped = ImplicitMidpoint().step(PortHamiltonian(Pendulum()), x, 0.1)
    near = ImplicitMidpoint().step(PortHamiltonian(Pendulum()), x - [2000 * np.pi, 0], 0.1)
    np.testing.assert_allclose(stepped - [2000 * np.pi, 0], near, atol=1e-11)


def test_implicit_midpoint_converges_in_single_precision(bead):
    x = torch.tensor([[0.8, 0.3], [50.0, -20.0]], dtype=torch.float32)
    in_double = ImplicitMidpoint().step(bead, x.double(), 0.02)
    # float32 carries 6e-8; the solve and the field add a few of those.
    torch.testing.assert_close(ImplicitMidpoint().step(bead, x, 0.02).double(), in_double, rtol=3e-6, atol=0)


@pytest.mark.parametrize("arguments", [{"max_iterations": 0}, {"tolerance": 0.0}, {"tolerance": float("nan")}])
def test_implicit_midpoint_refuses_settings_with_which_it_cannot_converge(arguments):
    with pytest.raises(InputError, match=next(iter(arguments))):
        ImplicitMidpoint(**arguments)


def test_a_force_without_a_control_port_is_refused():
    with pytest.raises(InputError, match="no control port"):
        Leapfrog().step(PortHamiltonian(Pendulum()), np.zeros(2), 0.1, np.zeros(1))


@pytest.mark.parametrize("scheme", [ImplicitMidpoint, Gauss4])
def test_velocities_that_know_the_new_forces_converge_in_fewer_iterations(scheme):
    H = PlanarChain.of_links([Link(1.0, 1.0, 0.5, 1 / 12)] * 2, gravity=9.81, upright=False)
    natural, x = PortHamiltonian(H), np.random.default_rng(0).normal(size=(20, 4)) / 2
    plain = PortHamiltonian(WithoutAcceleration(H))
    assert natural.second_order
    assert not plain.second_order
    few = scheme(max_iterations=14)
    new = few.step(natural, x, 0.05)
    with pytest.raises(ConvergenceError):
        few.step(plain, x, 0.05)
    # Both solve the same equations to a few roundings of numbers of size 1 to 10.
    np.testing.assert_allclose(new, scheme().step(plain, x, 0.05), rtol=1e-12, atol=1e-12)


class WithoutAcceleration:
    """A Hamiltonian that says no more than it has to."""

    def __init__(self, H):
        self.n, self.energy, self.gradient = H.n, H.energy, H.gradient
        self.momentum, self.velocity = H.momentum, H.velocity
