"""SyMetric passes canonical maps in any units; it fails maps whose area varies and uninformative latents."""

import numpy as np
import pytest

from experiments.pixels.symetric import lasso, symetric
from hnn_gym.errors import InputError


@pytest.fixture
def motions():
    """Five swings of different height, as [q, p] (5, 60, 2)."""
    t = np.arange(60) * 0.1
    height = np.linspace(0.4, 2.0, 5)[:, None]
    return np.stack([height * np.cos(t + height), -height * np.sin(t + height)], axis=-1)


def score(latent, truth):
    return symetric(latent, truth, rng=np.random.default_rng(0))


@pytest.mark.parametrize(
    "matrix",
    [np.eye(2), np.array([[0.0, 1.0], [-1.0, 0.0]]), np.array([[3.0, 1.0], [0.0, 0.2]])],
    ids=["the truth itself", "a quarter turn", "other units, sheared"],
)
def test_a_linear_canonical_map_scores_one(motions, matrix):
    result = score(motions @ matrix, motions)
    assert result.faithful
    assert result.degree == 1
    assert result.rsq > 0.999  # the smallest Lasso penalty, 1e-4, leaves a bias of that order
    assert result.sym < 1e-20  # the Jacobian is constant


def test_a_curved_canonical_map_scores_one(motions):
    latent = motions + np.stack([np.zeros_like(motions[..., 0]), 1.2 * motions[..., 0] ** 3], axis=-1)
    result = score(latent, motions)
    assert result.degree == 3  # p = z_p - 1.2 z_q^3, whose determinant is 1
    assert result.rsq > 0.99
    assert result.sym < 0.01  # what the penalty leaves; 0 without it
    assert result.faithful


def test_a_map_whose_area_varies_fails_however_much_it_explains(motions):
    q, p = motions[..., 0], motions[..., 1]
    latent = np.stack([q, p / (0.4 + q**2)], axis=-1)  # det = 1 / (0.4 + q^2), by a factor of 11
    result = score(latent, motions)
    assert result.rsq > 0.9
    assert result.sym > 0.2
    assert not result.faithful


def test_a_latent_without_information_about_the_state_fails(motions):
    result = score(np.random.default_rng(1).normal(size=motions.shape), motions)
    assert result.rsq < 0.5
    assert result.degree == 5
    assert not result.faithful


def test_a_dream_that_blew_up_fails_with_the_largest_deviation(motions):
    latent = motions.copy()
    latent[3, -1] = np.inf
    result = score(latent, motions)
    assert (result.faithful, result.rsq, result.sym) == (False, 0.0, 1000.0)


def test_two_degrees_of_freedom_are_one_form(motions):
    q, p = motions[..., 0], motions[..., 1]
    truth = np.stack([q, q[::-1], p, p[::-1]], axis=-1)
    assert score(truth, truth).sym < 1e-20
    squeezed = truth * [1, 1, 1, 0.2]  # one plane is another form than the other, but standardising gives units back
    assert score(squeezed, truth).faithful
    swapped = truth[..., [0, 2, 1, 3]]  # [q1, p1, q2, p2] taken for [q, p]: A has no constant multiple of W
    assert score(swapped, truth).sym < 1e-20  # A A^T is blind to which pairs are conjugate
    mixed = truth @ np.array([[1, 0, 0, 0], [0, 1, 0, 0], [0.0, 0, 1, 0], [2, 0, 0, 1]])
    assert score(mixed, truth).sym > 0.05


def test_the_lasso_shrinks_orthonormal_weights_by_the_penalty():
    rng = np.random.default_rng(0)
    x = np.linalg.qr(rng.normal(size=(50, 3)))[0] * np.sqrt(50)  # mean x x^T = I, so that each weight stands alone
    y = x @ np.array([[1.0, -0.3], [0.05, 0.0], [-2.0, 0.4]])
    found = lasso(x, y, np.array([0.0, 0.1]))
    np.testing.assert_allclose(found[0], [[1, -0.3], [0.05, 0], [-2, 0.4]], atol=1e-12)
    np.testing.assert_allclose(found[1], [[0.9, -0.2], [0, 0], [-1.9, 0.3]], atol=1e-12)


def test_arrays_that_cannot_be_compared_are_refused(motions):
    with pytest.raises(InputError, match="the same N and T"):
        score(motions[:, :-1], motions)
    with pytest.raises(InputError, match="an even number"):
        score(motions[..., :1], motions)
    with pytest.raises(InputError, match="never changes"):
        score(motions, motions * [1, 0])
