"""Energy bumps: exact, bounded, conserving what they say, and differentiable."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from hnn_gym.bump import bump
from hnn_gym.envs.shipped import WEIGHTS, resolve_world
from hnn_gym.errors import InputError
from hnn_gym.hamiltonians import NBody, Pendulum, Spring
from hnn_gym.models import HNN, Variables

LEARNED = sorted(p.name for p in WEIGHTS.iterdir() if p.name.startswith("HNN"))


def _general_network() -> Any:
    """A Hamiltonian that is not quadratic in p, yet grows with it: the root has to be found."""
    variables = Variables((True,), (1.0,), (1.0,), (1.0,))
    model = HNN(variables, hidden=(12,))
    return model.build(model.initial_parameters(np.random.default_rng(3))).hamiltonian


HAMILTONIANS: dict[str, Any] = {
    "spring": Spring(),
    "pendulum": Pendulum(),
    "two bodies": NBody(),
    "three bodies in space": NBody(masses=(1.0, 2.0, 0.5), dimensions=3),
    **{name: resolve_world(name).dynamics.hamiltonian for name in LEARNED},
}


def _points(hamiltonian: Any, count: int, *, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, 2 * hamiltonian.n))


@pytest.mark.parametrize("direction", ["momentum", "gradient"])
@pytest.mark.parametrize("name", HAMILTONIANS)
def test_energy_rises_by_exactly_what_was_asked(name: str, direction: Any) -> None:
    hamiltonian = HAMILTONIANS[name]
    x = _points(hamiltonian, 200)
    dE = np.random.default_rng(1).uniform(0, 2, 200)
    done = bump(hamiltonian, x, dE, direction=direction)
    scale = 1 + np.abs(hamiltonian.energy(x))
    assert not done.clipped.any()
    assert (np.abs(hamiltonian.energy(done.x) - hamiltonian.energy(x) - dE) / scale).max() < 1e-12
    np.testing.assert_allclose(done.realised, dE, atol=1e-9)


@pytest.mark.parametrize("name", ["spring", "HNNPendulum-v0"])
@pytest.mark.parametrize(("dtype", "bar"), [(np.float64, 1e-9), (np.float32, 1e-5)])
def test_a_hundred_thousand_feasible_requests_meet_the_bar(name: str, dtype: Any, bar: float) -> None:
    hamiltonian = HAMILTONIANS[name]
    if name.startswith("HNN"):
        hamiltonian = resolve_world(name).like(np.zeros(1, dtype)).dynamics.hamiltonian
    x = _points(hamiltonian, 100_000).astype(dtype)
    T = hamiltonian.kinetic(x[:, 1:])
    dE = (np.random.default_rng(2).uniform(-0.95, 1, 100_000) * np.minimum(T, 3)).astype(dtype)
    done = bump(hamiltonian, x, dE)
    assert done.x.dtype == dtype
    assert not done.clipped.any()
    assert np.abs(done.realised - dE).max() <= bar


def test_an_impulse_leaves_positions_and_the_direction_of_the_momentum() -> None:
    x = _points(Pendulum(), 50)
    done = bump(Pendulum(), x, 0.5)
    np.testing.assert_array_equal(done.x[:, 0], x[:, 0])
    assert (np.sign(done.x[:, 1]) == np.sign(x[:, 1])).all()


@pytest.mark.parametrize("dE", [0.7, -0.1])
def test_an_impulse_on_bodies_keeps_the_total_momentum(dE: float) -> None:
    hamiltonian = NBody(masses=(1.0, 2.0, 0.5))
    x = _points(hamiltonian, 100)
    done = bump(hamiltonian, x, dE)
    before, after = (points[:, 6:].reshape(-1, 3, 2).sum(1) for points in (x, done.x))
    np.testing.assert_allclose(after, before, atol=1e-12)
    np.testing.assert_allclose(done.realised[~done.clipped], dE, atol=1e-12)


@pytest.mark.parametrize("direction", ["momentum", "gradient"])
def test_more_than_can_be_removed_is_clipped_to_what_can_and_told(direction: Any) -> None:
    x = _points(Pendulum(), 40)
    done = bump(Pendulum(), x, -100.0, direction=direction)
    assert done.clipped.all()
    assert np.isfinite(done.x).all()
    floor = Pendulum().potential(x[:, :1]) if direction == "momentum" else np.zeros(40)
    # The flow stops where halving its step no longer helps: quadratic in the distance from the minimum.
    np.testing.assert_allclose(Pendulum().energy(done.x), floor, atol=1e-9)
    np.testing.assert_allclose(done.realised, floor - Pendulum().energy(x), atol=1e-9)


@pytest.mark.parametrize("direction", ["momentum", "gradient"])
@pytest.mark.parametrize("dE", [1.0, -1.0])
def test_at_rest_in_equilibrium_nothing_is_realised_and_nothing_is_nan(direction: Any, dE: float) -> None:
    done = bump(Pendulum(), np.zeros((3, 2)), dE, direction=direction)
    np.testing.assert_array_equal(done.x, 0)
    assert done.clipped.all()
    np.testing.assert_array_equal(done.realised, 0)


def test_a_request_of_nothing_changes_no_bit() -> None:
    x = _points(NBody(), 20)
    np.testing.assert_array_equal(bump(NBody(), x, 0.0).x, x)


def test_a_hamiltonian_that_is_not_quadratic_is_met_as_exactly() -> None:
    hamiltonian = _general_network()
    x = _points(hamiltonian, 100)
    slope = hamiltonian.gradient(x)[:, 1] * x[:, 1]
    x = x[slope > 0.05]  # where more momentum is more energy
    done = bump(hamiltonian, x, 1e-3)
    np.testing.assert_allclose(done.realised, 1e-3, atol=1e-14)


@pytest.mark.parametrize("shape", [(), (3,), (2, 3)])
def test_batch_axes_are_free_and_numpy_equals_torch(shape: tuple[int, ...]) -> None:
    x = np.random.default_rng(0).normal(size=(*shape, 2))
    dE = np.full(shape, 0.3)
    ours, theirs = bump(Spring(), x, dE), bump(Spring(), torch.tensor(x), torch.tensor(dE))
    assert ours.realised.shape == shape
    np.testing.assert_allclose(theirs.x.numpy(), ours.x, atol=1e-15)


@pytest.mark.parametrize("direction", ["momentum", "gradient"])
def test_bumps_are_differentiable_in_the_point_and_the_request(direction: Any) -> None:
    hamiltonian = resolve_world("HNNPendulum-v0").like(torch.zeros(1, dtype=torch.float64)).dynamics.hamiltonian
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(4, 2, dtype=torch.float64, generator=generator).requires_grad_()
    dE = torch.full((4,), 0.3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x, dE: bump(hamiltonian, x, dE, direction=direction).x, (x, dE))


@pytest.mark.parametrize(
    ("hamiltonian", "dE", "direction", "words"),
    [
        (None, 1.0, "momentum", "baseline has no Hamiltonian.*'mechanical'"),
        (Spring(), np.array([1.0, np.nan]), "momentum", "1 of the requests"),
        (Spring(), np.inf, "momentum", "finite"),
        (Spring(), 1.0, "sideways", "'momentum' or 'gradient', not 'sideways'"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_name(hamiltonian: Any, dE: Any, direction: Any, words: str) -> None:
    with pytest.raises(InputError, match=words):
        bump(hamiltonian, np.ones((2, 2)), dE, direction=direction)
