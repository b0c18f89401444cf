"""The network: its value by hand, its closed-form derivatives against autograd, its initial weights."""

from itertools import pairwise

import numpy as np
import pytest
import torch

from hnn_gym.models.mlp import MLP, initial_mlp

SIZES = [(3, 1), (3, 5, 1), (3, 5, 4, 1), (2, 6, 3)]


def network(sizes, to=np.asarray):
    rng = np.random.default_rng(0)
    arrays = initial_mlp("net", sizes, rng=rng)
    return MLP.of({name: to(value + 0.3 * rng.normal(size=value.shape)) for name, value in arrays.items()}, "net")


def test_a_value_is_what_the_formula_says():
    found = MLP.of({"a.w0": np.array([[1.0, 2.0]]), "a.b0": np.array([0.5]), "a.w1": np.array([[3.0]])}, "a")
    assert found(np.array([0.1, -0.2]))[0] == pytest.approx(3 * np.tanh(0.1 - 0.4 + 0.5), rel=1e-15)


@pytest.mark.parametrize("shape", [(), (3,), (2, 3)])
@pytest.mark.parametrize("sizes", SIZES)
def test_the_closed_form_vjp_is_that_of_autograd(sizes, shape):
    on_torch = network(sizes, torch.tensor)
    z = torch.randn((*shape, sizes[0]), dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    cotangent = torch.randn((*shape, sizes[-1]), dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    z.requires_grad_()
    (expected,) = torch.autograd.grad(on_torch(z), z, cotangent)
    # Two exact ways to the same number: a few roundings.
    torch.testing.assert_close(on_torch.vjp(z, cotangent), expected, rtol=1e-13, atol=1e-13)
    found = network(sizes).vjp(z.detach().numpy(), cotangent.numpy())
    np.testing.assert_allclose(found, expected.numpy(), rtol=1e-13, atol=1e-13)


def test_the_gradient_is_the_vjp_of_one():
    net, z = network((3, 5, 1)), np.random.default_rng(0).normal(size=(4, 3))
    np.testing.assert_array_equal(net.gradient(z), net.vjp(z, np.ones((4, 1))))


def test_the_closed_form_gradient_can_be_trained_through():
    parameters = {
        k: torch.tensor(v, requires_grad=True)
        for k, v in initial_mlp("n", (2, 4, 1), rng=np.random.default_rng(0)).items()
    }
    z = torch.tensor([[0.3, -0.2]], dtype=torch.float64)
    assert torch.autograd.gradcheck(
        lambda *w: MLP.of(dict(zip(parameters, w, strict=True)), "n").gradient(z), tuple(parameters.values())
    )


@pytest.mark.parametrize("sizes", SIZES)
def test_initial_weights_are_orthogonal_and_biases_zero(sizes):
    arrays = initial_mlp("net", sizes, rng=np.random.default_rng(0))
    for i, (fan_in, fan_out) in enumerate(pairwise(sizes)):
        w = arrays[f"net.w{i}"]
        assert w.shape == (fan_out, fan_in)
        gram = w @ w.T if fan_out < fan_in else w.T @ w
        np.testing.assert_allclose(gram, np.eye(len(gram)), atol=1e-14)  # QR is orthogonal to rounding
    biases = [value for name, value in arrays.items() if ".b" in name]
    assert len(biases) == len(sizes) - 2  # the last layer has none
    assert not any(bias.any() for bias in biases)


def test_a_network_takes_only_its_own_arrays():
    rng = np.random.default_rng(0)
    both = initial_mlp("a", (2, 3, 1), rng=rng) | initial_mlp("ab", (2, 3, 3, 1), rng=rng)
    assert len(MLP.of(both, "a").weights) == 2
    assert len(MLP.of(both, "ab").weights) == 3


@pytest.mark.parametrize("sizes", SIZES)
def test_the_linearisation_is_that_of_autograd(sizes):
    net = network(sizes, torch.tensor)
    generator = torch.Generator().manual_seed(0)
    z, tangent = torch.randn((2, 4, sizes[0]), dtype=torch.float64, generator=generator)
    cotangent = torch.randn((4, sizes[-1]), dtype=torch.float64, generator=generator)
    value, push, pull = net.linear_at(z)
    torch.testing.assert_close(value, net(z), rtol=0, atol=0)
    torch.testing.assert_close(push(tangent), torch.autograd.functional.jvp(net, z, tangent)[1], rtol=1e-13, atol=1e-13)
    torch.testing.assert_close(pull(cotangent), net.vjp(z, cotangent), rtol=1e-13, atol=1e-13)
