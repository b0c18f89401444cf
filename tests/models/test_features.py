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
    # Products of cos and sin: a few roundings.
    np.testing.assert_allclose(features.pullback(q, c), expected.numpy(), rtol=1e-13, atol=1e-14)
    np.testing.assert_allclose(features(q), phi.detach().numpy(), rtol=1e-15, atol=1e-15)


def test_positions_are_scaled_and_angles_become_points_of_the_circle():
    found = ROWS["mixed"](np.array([3.0, 0.1, 2.0, np.pi]))
    np.testing.assert_allclose(found, [1.5, np.cos(0.1), np.sin(0.1), 4.0, -1.0, 0.0], atol=1e-15)
    np.testing.assert_allclose(
        ROWS["two angles"](np.array([0.1, np.pi])), [np.cos(0.1), -1, np.sin(0.1), 0], atol=1e-15
    )
