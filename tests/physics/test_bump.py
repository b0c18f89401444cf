"""Energy bumps are exact, bounded and differentiable, and conserve the declared quantities."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp

from hnn_gym.envs.shipped import WEIGHTS, resolve_world
from hnn_gym.errors import ConvergenceError, InputError
from hnn_gym.models import HNN, MechanicalHNN, SeparableHNN, Variables
from hnn_gym.physics.bumps import bump
from hnn_gym.physics.hamiltonians import NBody, Pendulum, Spring

LEARNED = sorted(p.name for p in WEIGHTS.iterdir() if p.name.startswith("HNN"))


VARIABLES = Variables((True, False), (1.0, 1.0), (1.0, 1.0), (1.0, 1.0))


def _drawn(model: Any, *, torch_tensors: bool = False) -> Any:
    """The H of a model with random weights."""
    rng = np.random.default_rng(3)
    parameters = {
        name: value + 0.1 * rng.normal(size=value.shape) for name, value in model.initial_parameters(rng).items()
    }
    if torch_tensors:
        return model.build({name: torch.tensor(value) for name, value in parameters.items()}).hamiltonian
    return model.build(parameters).hamiltonian


MODELS: dict[str, Any] = {
    "H(q, p)": HNN(VARIABLES, hidden=(16,)),
    "T(p) + V(q)": SeparableHNN(VARIABLES, hidden=(8,)),
    "p M(q)^-1 p / 2 + V(q)": MechanicalHNN(VARIABLES, hidden=(8,), mass_matrix="full"),
}
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
def test_energy_rises_by_exactly_the_requested_amount(name: str, direction: Any) -> None:
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
def test_a_request_to_remove_too_much_is_clipped_and_marked(direction: Any) -> None:
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


def test_a_request_of_zero_changes_no_bit() -> None:
    x = _points(NBody(), 20)
    np.testing.assert_array_equal(bump(NBody(), x, 0.0).x, x)


@pytest.mark.parametrize("name", MODELS)
def test_a_bump_of_any_hamiltonian_is_exact_or_ends_where_its_ray_ends(name: str) -> None:
    hamiltonian = _drawn(MODELS[name])
    x = _points(hamiltonian, 300)
    dE = np.random.default_rng(1).normal(size=300)
    done = bump(hamiltonian, x, dE)
    before, after = hamiltonian.energy(x), hamiltonian.energy(done.x)
    np.testing.assert_allclose(done.realised, after - before, atol=1e-13)
    np.testing.assert_allclose(done.realised[~done.clipped], dE[~done.clipped], atol=1e-13)
    # What is clipped has gone the right way, and not too far.
    assert 0 < done.clipped.sum() < 300
    share = done.realised[done.clipped] / dE[done.clipped]
    assert (share > 0).all()
    assert (share < 1).all()
    # There H turns: its slope along the ray vanishes; 1e-7 is the square root of the rounding of H.
    q_slope, p_slope = (hamiltonian.gradient(points)[:, 2:] for points in (x, done.x))
    ray = hamiltonian.momentum(x[:, :2], q_slope)
    slope = (p_slope * ray).sum(-1) / np.sqrt((q_slope * ray).sum(-1))
    assert np.abs(slope[done.clipped]).max() < 1e-6


def test_with_a_mass_matrix_an_impulse_is_along_the_momentum_itself() -> None:
    hamiltonian = _drawn(MODELS["p M(q)^-1 p / 2 + V(q)"])
    x = _points(hamiltonian, 50)
    after = bump(hamiltonian, x, 0.7).x
    scale = after[:, 2:] / x[:, 2:]
    np.testing.assert_allclose(scale[:, 0], scale[:, 1], rtol=1e-12)


def test_one_point_takes_many_bumps() -> None:
    done = bump(Pendulum(), np.array([0.3, 1.0]), np.linspace(-0.5, 2.0, 6).reshape(2, 3))
    assert done.x.shape == (2, 3, 2)
    np.testing.assert_allclose(done.realised, done.requested, atol=1e-14)


@pytest.mark.parametrize("dE", [2.0, 1e-6])
def test_at_rest_an_impulse_has_the_given_direction(dE: float) -> None:
    x = np.array([[0.5, 0.0], [0.5, 1.0]])
    bumped = bump(Pendulum(), x, dE, at_rest=-3.0)
    assert not bumped.clipped.any()
    np.testing.assert_allclose(bumped.realised, dE, atol=1e-15)
    assert bumped.x[0, 1] < 0 < bumped.x[1, 1]
    assert bump(Pendulum(), x, dE).clipped.tolist() == [True, False]
    assert bump(Pendulum(), x, -0.1, at_rest=-3.0).clipped.tolist() == [True, False]


def test_bodies_turn_faster_about_the_same_axis_and_drift_as_before() -> None:
    hamiltonian = NBody(masses=(1.0, 2.0, 0.5), dimensions=3)
    x = _points(hamiltonian, 50)

    def spin(points: np.ndarray) -> np.ndarray:
        q, p = points[:, :9].reshape(-1, 3, 3), points[:, 9:].reshape(-1, 3, 3)
        m = np.array([1.0, 2.0, 0.5])[:, None]
        centre, drift = (m * q).sum(1, keepdims=True) / m.sum(), p.sum(1, keepdims=True) / m.sum()
        return np.cross(q - centre, p - m * drift).sum(1)

    T = hamiltonian.kinetic(hamiltonian.internal_momentum(x[:, 9:]))
    faster = np.sqrt(1 + 0.5 / T)
    np.testing.assert_allclose(spin(bump(hamiltonian, x, 0.5).x), faster[:, None] * spin(x), atol=1e-12)


def test_bodies_with_nearly_equal_velocities_keep_their_common_motion() -> None:
    hamiltonian = NBody(masses=(1.0, 2.0, 0.5))
    x = _points(hamiltonian, 100)
    alike = np.tile([0.3, -0.7], 3) * np.repeat([1.0, 2.0, 0.5], 2)
    for apart in (0.0, 1e-16, 1e-12, 1e-6):
        x[:, 6:] = alike + apart * np.random.default_rng(0).normal(size=(100, 6))
        done = bump(hamiltonian, x, 1.0)
        change = (done.x - x)[:, 6:].reshape(-1, 3, 2).sum(1)
        np.testing.assert_allclose(change, 0, atol=1e-14)
        assert done.clipped.all() == (apart < 1e-14)


@pytest.mark.parametrize("name", ["pendulum", "two bodies"])
def test_the_gradient_flow_ends_where_an_adaptive_solver_ends(name: str) -> None:
    hamiltonian = HAMILTONIANS[name]

    def flow(_: float, x: np.ndarray) -> np.ndarray:
        g = hamiltonian.gradient(x)
        return g / (g @ g)

    for x, dE in zip(_points(hamiltonian, 5), (0.5, 2.0, -0.2, -0.4, 3.0), strict=True):
        expected = solve_ivp(flow, (0, dE), x, method="DOP853", rtol=1e-12, atol=1e-13).y[:, -1]
        # Each of some ten steps may err by 1e-7 of the size of x.
        np.testing.assert_allclose(bump(hamiltonian, x, dE, direction="gradient").x, expected, atol=1e-6)


@pytest.mark.parametrize("shape", [(), (3,), (2, 3)])
def test_batch_axes_are_free_and_numpy_equals_torch(shape: tuple[int, ...]) -> None:
    x = np.random.default_rng(0).normal(size=(*shape, 2))
    dE = np.full(shape, 0.3)
    ours, theirs = bump(Spring(), x, dE), bump(Spring(), torch.tensor(x), torch.tensor(dE))
    assert ours.realised.shape == shape
    np.testing.assert_allclose(theirs.x.numpy(), ours.x, atol=1e-15)


@pytest.mark.parametrize("direction", ["momentum", "gradient"])
@pytest.mark.parametrize("name", [*MODELS, "three bodies", "HNNPendulum-v0"])
def test_bumps_are_differentiable_in_the_point_and_the_request(name: str, direction: Any) -> None:
    if name in MODELS:
        hamiltonian = _drawn(MODELS[name], torch_tensors=True)
    elif name == "three bodies":
        hamiltonian = NBody(masses=(1.0, 2.0, 0.5))
    else:
        hamiltonian = resolve_world(name).like(torch.zeros(1, dtype=torch.float64)).dynamics.hamiltonian
    x = torch.tensor(_points(hamiltonian, 2, seed=1), requires_grad=True)
    dE = torch.tensor([0.02, -0.01], dtype=torch.float64, requires_grad=True)
    done = bump(hamiltonian, x, dE, direction=direction)
    assert not done.clipped.any()
    assert torch.equal(done.x, bump(hamiltonian, x.detach(), dE.detach(), direction=direction).x)
    assert torch.autograd.gradcheck(lambda x, dE: bump(hamiltonian, x, dE, direction=direction).x, (x, dE))


@pytest.mark.parametrize("direction", ["momentum", "gradient"])
def test_derivatives_of_a_clipped_bump_are_those_of_its_end_point(direction: Any) -> None:
    x = torch.tensor([[1.0, 2.0], [0.0, 0.0], [0.5, 0.0]], dtype=torch.float64, requires_grad=True)
    dE = torch.full((3,), -100.0, dtype=torch.float64, requires_grad=True)
    done = bump(Pendulum(), x, dE, direction=direction)
    by_x, by_dE = torch.autograd.grad(done.x.sum(), (x, dE))
    # An impulse stops at (q, 0), and at rest it changes nothing; the gradient always stops at (0, 0).
    impulse = torch.tensor([[1.0, 0.0], [1.0, 1.0], [1.0, 1.0]], dtype=torch.float64)
    torch.testing.assert_close(by_x, impulse if direction == "momentum" else 0 * impulse)
    torch.testing.assert_close(by_dE, torch.zeros_like(dE))


def test_bumps_are_differentiable_in_the_parameters_of_H() -> None:
    model = MODELS["H(q, p)"]
    initial = {name: torch.tensor(value) for name, value in model.initial_parameters(np.random.default_rng(3)).items()}
    x = torch.tensor(_points(_drawn(model), 3, seed=1))

    def bumped(bias: torch.Tensor) -> torch.Tensor:
        return bump(model.build({**initial, "energy.b0": bias}).hamiltonian, x, 0.01).x

    assert torch.autograd.gradcheck(bumped, initial["energy.b0"].requires_grad_())


class _Lying(Spring):
    """Says that H rises where it does not."""

    def kinetic(self, p: Any) -> Any:
        """Nothing, at any momentum."""
        return 0 * p.sum(-1)


def test_a_search_that_fails_names_the_elements() -> None:
    x = np.array([[0.0, 1.0], [0.0, 0.0], [0.0, 2.0]])
    with pytest.raises(ConvergenceError, match=r"2 of 3 elements \(0, 2\)"):
        bump(_Lying(), x, 1.0)


@pytest.mark.parametrize("direction", ["momentum", "gradient"])
@pytest.mark.parametrize(
    ("hamiltonian", "x", "dE", "words"),
    [
        (None, np.ones((2, 2)), 1.0, "no Hamiltonian .*HNNPendulum-v0 .*'mechanical'"),
        (Spring(), np.ones((3, 2)), np.array([1.0, np.nan, np.inf]), r"dE is not finite for 2 of 3 elements \(1, 2\)"),
        (Spring(), np.ones(2), np.inf, "dE is not finite for the only element"),
        (Spring(), np.array([[[0, 1], [np.nan, 0]]]), 1.0, r"x is not finite for 1 of 2 elements \(\(0, 1\)\)"),
        (Spring(), np.ones((3, 2)), np.ones(2), r"dE of shape \(2,\) does not fit .*\(3, 2\)"),
        (Spring(), np.ones((3, 2), int), 1.0, "floats"),
        (Spring(), np.ones(3), 1.0, r"phase points \(..., 2n\)"),
        (Spring(), np.array([[1e200, 0.0]]), 1.0, "H is not finite"),
    ],
)
@pytest.mark.filterwarnings("ignore:overflow")
def test_invalid_arguments_are_refused_by_name(hamiltonian: Any, x: Any, dE: Any, words: str, direction: Any) -> None:
    if "H is not" in words and direction == "momentum":
        x = x[:, ::-1]  # the potential plays no part in an impulse
    with pytest.raises(InputError, match=words):
        bump(hamiltonian, x, dE, direction=direction)


def test_an_unknown_direction_is_refused() -> None:
    with pytest.raises(InputError, match="'momentum' or 'gradient', not 'sideways'"):
        bump(Spring(), np.ones(2), 1.0, direction="sideways")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="at_rest is the direction of an impulse"):
        bump(Spring(), np.ones(2), 1.0, direction="gradient", at_rest=1.0)
