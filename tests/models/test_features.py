"""Positions as network inputs, and the pull-back that makes gradients of them."""

import numpy as np
import pytest
import torch

from hnn_gym.models.features import Features

ROWS = {
    "one angle": Features((True,), (7.0,)),
    "two angles": Features((True, True), (1.0, 1.0)),
    "one position": Features((False,), (4.0,)),
    "mixed": Features((False, True, False, True), (2.0, 1.0, 0.5, 1.0)),
    "pairs of angles": Features((True, False, True, True), (1.0, 3.0, 1.0, 1.0), "pairs"),
    "all combinations of angles": Features((True, True, True), (1.0, 1.0, 1.0), "all"),
    "with squares of positions": Features((False, True, True, False), (2.0, 1.0, 1.0, 0.5), "all"),
    "squares of positions alone": Features((False, False), (2.0, 3.0), "all"),
    "products of positions": Features((False, True, False, False), (2.0, 1.0, 3.0, 0.5), "products"),
    "a constant of the episode": Features((False, True, True), (2.0, 3.0, 1.0), "all", (True, False, False)),
}


@pytest.mark.parametrize("shape", [(), (3,), (2, 3)])
@pytest.mark.parametrize("name", ROWS)
def test_the_pullback_is_that_of_autograd(name, shape):
    features = ROWS[name]
    rng = np.random.default_rng(0)
    q, c = rng.normal(size=(*shape, len(features.angles))), rng.normal(size=(*shape, features.size))
    on_torch = torch.tensor(q, requires_grad=True)
    phi = features(on_torch)
    assert phi.shape == c.shape
    (expected,) = torch.autograd.grad(phi, on_torch, torch.tensor(c))
    expected = expected * (1.0 - torch.tensor([float(fixed) for fixed in features.fixed] or [0.0]))
    # Products of cos and sin: a few roundings.
    np.testing.assert_allclose(features.pullback(q, c), expected.numpy(), rtol=1e-13, atol=1e-14)
    np.testing.assert_allclose(features(q), phi.detach().numpy(), rtol=1e-15, atol=1e-15)


def test_positions_are_scaled_and_angles_become_points_of_the_circle():
    found = ROWS["mixed"](np.array([3.0, 0.1, 2.0, np.pi]))
    np.testing.assert_allclose(found, [1.5, np.cos(0.1), np.sin(0.1), 4.0, -1.0, 0.0], atol=1e-15)
    np.testing.assert_allclose(
        ROWS["two angles"](np.array([0.1, np.pi])), [np.cos(0.1), -1, np.sin(0.1), 0], atol=1e-15
    )


@pytest.mark.parametrize("name", ROWS)
def test_the_rate_is_the_derivative_along_the_velocity(name):
    features = ROWS[name]
    q, v = torch.tensor(np.random.default_rng(0).normal(size=(2, 4, len(features.angles))))
    expected = torch.autograd.functional.jvp(features, q, v)[1]
    torch.testing.assert_close(features.rate(q, v), expected, rtol=1e-13, atol=1e-14)
    np.testing.assert_allclose(features.rate(q.numpy(), v.numpy()), expected.numpy(), rtol=1e-13, atol=1e-14)


def test_sums_and_differences_of_angles_are_among_the_inputs_if_asked_for():
    q = np.array([0.3, -1.1, 0.7])
    pairs, every = (Features((True,) * 3, (1.0,) * 3, combined)(q) for combined in ("pairs", "all"))
    assert (pairs.size, every.size) == (2 * (3 + 6), 2 * (3 + 6 + 4))
    np.testing.assert_allclose(pairs[:3], np.cos(q), rtol=1e-15)
    for angle in (q[0] + q[1], q[0] - q[1], q[1] - q[2]):
        assert np.abs(pairs - np.cos(angle)).min() < 1e-15
    assert np.abs(pairs - np.cos(q[0] - q[1] + q[2])).min() > 1e-3
    assert np.abs(every - np.cos(q[0] - q[1] + q[2])).min() < 1e-15
    names = Features((False, False, False), (1.0, 1.0, np.inf), "products").names
    assert names[-2:] == ("q2^2", "q0 q1"), "what is always 0 is in no product"
    mixed = Features((False, True), (2.0, 1.0), "all")(q[:2])
    np.testing.assert_allclose(mixed, [np.cos(q[1]), np.sin(q[1]), q[0] / 2, (q[0] / 2) ** 2], rtol=1e-15)
