"""The lattice: forward and back again without one bit of difference."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from hnn_gym.envs.shipped import resolve_world
from hnn_gym.errors import InputError
from hnn_gym.physics.dynamics import PortHamiltonian
from hnn_gym.physics.hamiltonians import NBody, Pendulum
from hnn_gym.physics.integrators import (
    ImplicitMidpoint,
    Integrator,
    Lattice,
    Leapfrog,
    SymplecticEuler,
    Yoshida4,
    Yoshida6,
)
from hnn_gym.physics.simulate import integrate

LATTICE = Lattice()
ORBIT = np.array([1.0, 0.0, -1.0, 0.0, 0.0, 0.55, 0.0, -0.55])
WORLDS: dict[str, tuple[Any, np.ndarray, float]] = {
    "learned pendulum": (resolve_world("HNNPendulum-v0").dynamics, np.array([2.0, 0.1]), 0.05),
    "learned two bodies": (resolve_world("HNNTwoBody-v0").dynamics, ORBIT, 0.05),
    "true two bodies": (PortHamiltonian(NBody()), ORBIT, 0.05),
}


@pytest.mark.parametrize("name", WORLDS)
def test_thousands_of_steps_and_back_give_the_start_to_the_bit(name: str) -> None:
    dynamics, start, dt = WORLDS[name]
    x0 = LATTICE.snap(start)
    there = integrate(dynamics, x0, integrator=LATTICE, dt=dt, steps=4_000, record_every=4_000)[-1]
    back = integrate(dynamics, there, integrator=LATTICE, dt=-dt, steps=4_000, record_every=4_000)[-1]
    assert np.abs(there - x0).max() > 0.1
    np.testing.assert_array_equal(back, x0)
    # Leapfrog without a lattice comes back closely, but not to the bit: the test above is no accident.
    there = integrate(dynamics, start, integrator=Leapfrog(), dt=dt, steps=1_000)[-1]
    back = integrate(dynamics, there, integrator=Leapfrog(), dt=-dt, steps=1_000)[-1]
    assert 0 < np.abs(back - start).max() < 1e-8


def test_batches_controls_and_torch_come_back_too() -> None:
    dynamics = PortHamiltonian(Pendulum(), control=np.eye(1))
    rng = np.random.default_rng(0)
    x0, u = LATTICE.snap(rng.normal(size=(2, 3, 2))), rng.uniform(-1, 1, (500, 2, 3, 1))
    there = integrate(dynamics, x0, integrator=LATTICE, dt=0.05, steps=500, u=u)[-1]
    back = integrate(dynamics, there, integrator=LATTICE, dt=-0.05, steps=500, u=u[::-1])[-1]
    np.testing.assert_array_equal(back, x0)
    plain = PortHamiltonian(Pendulum())
    t0 = torch.tensor(x0)
    there = integrate(plain, t0, integrator=LATTICE, dt=0.05, steps=200)[-1]
    assert torch.equal(integrate(plain, there, integrator=LATTICE, dt=-0.05, steps=200)[-1], t0)


def test_it_is_leapfrog_down_to_the_lattice() -> None:
    dynamics, x0 = PortHamiltonian(Pendulum()), LATTICE.snap(np.array([1.0, 0.3]))
    ours, theirs = (integrate(dynamics, x0, integrator=i, dt=0.01, steps=100)[-1] for i in (LATTICE, Leapfrog()))
    np.testing.assert_allclose(ours, theirs, atol=300 * 2.0**-40)  # three roundings a step
    energy = Pendulum().energy(integrate(dynamics, x0, integrator=LATTICE, dt=0.05, steps=10_000))
    assert np.ptp(energy) < 0.02


@pytest.mark.parametrize("scheme", [SymplecticEuler(), SymplecticEuler(drift_first=True), Yoshida4(), Yoshida6()])
def test_every_scheme_of_kicks_and_drifts_can_be_undone_to_the_bit_and_is_itself_down_to_the_lattice(
    scheme: Integrator,
) -> None:
    dynamics, lattice = PortHamiltonian(Pendulum(), control=np.eye(1)), Lattice(scheme)
    rng = np.random.default_rng(0)
    x0, u = lattice.snap(rng.normal(size=(5, 2))), rng.uniform(-1, 1, (1000, 5, 1))
    there = integrate(dynamics, x0, integrator=lattice, dt=0.05, steps=1000, u=u)[-1]
    back = integrate(dynamics, there, integrator=lattice.adjoint, dt=-0.05, steps=1000, u=u[::-1])[-1]
    assert back.tobytes() == x0.tobytes()
    assert np.abs(there - x0).min() > 1e-3
    plain = integrate(dynamics, x0, integrator=scheme, dt=0.05, steps=20, u=u[:20])[-1]
    ours = integrate(dynamics, x0, integrator=lattice, dt=0.05, steps=20, u=u[:20])[-1]
    # At most 15 roundings of 2^-41 a step, which the motion spreads a little.
    np.testing.assert_allclose(ours, plain, rtol=0, atol=20 * 15 * 2.0**-40)
    assert (lattice.order, lattice.reversible) == (scheme.order, scheme.reversible)


def test_an_implicit_scheme_has_no_lattice() -> None:
    with pytest.raises(InputError, match="Lattice needs a scheme of kicks and drifts, such as Leapfrog"):
        Lattice(ImplicitMidpoint())


def test_the_start_comes_back_with_the_sign_of_its_zeros() -> None:
    x0 = LATTICE.snap(np.array([-1e-20, -0.0]))
    there = LATTICE.step(PortHamiltonian(Pendulum()), x0, 0.1)
    assert LATTICE.step(PortHamiltonian(Pendulum()), there, -0.1).tobytes() == x0.tobytes()


def test_autograd_sees_the_leapfrog_beneath_the_lattice() -> None:
    pendulum = PortHamiltonian(Pendulum())
    x = LATTICE.snap(torch.tensor([1.0, 0.5], dtype=torch.float64))
    stepped = LATTICE.step(pendulum, x.clone().requires_grad_(), 0.1)
    assert torch.equal(stepped, LATTICE.step(pendulum, x, 0.1))
    ours, theirs = (
        torch.autograd.functional.jacobian(lambda y, scheme=scheme: scheme.step(pendulum, y, 0.1), x)
        for scheme in (LATTICE, Leapfrog())
    )
    # The slopes are taken at points 1e-12 apart.
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-11)


def test_steps_undo_each_other_from_random_lattice_points() -> None:
    dynamics = PortHamiltonian(Pendulum())
    x = LATTICE.snap(np.random.default_rng(1).normal(size=(1000, 2)) * 5)
    np.testing.assert_array_equal(LATTICE.step(dynamics, LATTICE.step(dynamics, x, 0.1), -0.1), x)


@pytest.mark.parametrize(
    ("x", "words"),
    [
        (np.array([0.1, 0.2]), r"snap\(x\)"),
        (np.array([1e4, 0.0]), "within 4096"),
        (np.array([0.5, 0.5], np.float32), "needs float64"),
    ],
)
def test_points_off_the_lattice_are_refused(x: np.ndarray, words: str) -> None:
    with pytest.raises(InputError, match=words):
        LATTICE.step(PortHamiltonian(Pendulum()), x, 0.1)
