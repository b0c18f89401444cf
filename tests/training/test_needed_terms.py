"""The terms that a recording needs are found: the others become 0, also where the energy has no scale of its own."""

from __future__ import annotations

import numpy as np

from hnn_gym.training.needed_terms import needed_terms, terms

TRUE = np.array([2.0, 0.0, 0.0, -0.5, 0.0, 0.01, 0.0, 0.0])


def fitted(noise: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Coefficients of a linear fit with their residuals and derivatives."""
    rng = np.random.default_rng(0)
    J = rng.normal(size=(500, len(TRUE)))
    seen = J @ TRUE + noise * rng.normal(size=500)
    theta = np.linalg.lstsq(J, seen)[0]
    return theta, J @ theta - seen, J


def test_terms_that_only_fit_noise_become_zero() -> None:
    for noise in (1e-8, 1e-3):
        theta, r, J = fitted(noise)
        assert np.count_nonzero(theta) == len(TRUE)
        found = needed_terms({"potential.w0": theta[None]}, r, J)
        np.testing.assert_array_equal(found["potential.w0"][0] != 0, TRUE != 0)
        assert terms(found) == 3


def test_a_small_term_that_noise_hides_is_left_out() -> None:
    theta, r, J = fitted(1.0)
    found = needed_terms({"potential.w0": theta[None]}, r, J)["potential.w0"][0]
    np.testing.assert_array_equal(np.flatnonzero(found), [0, 3])


def test_what_is_no_term_is_left_as_it_is() -> None:
    theta, r, J = fitted(1e-3)
    found = needed_terms({"potential.w0": theta[:2], "control.gain": theta[2:]}, r, J)
    np.testing.assert_array_equal(found["control.gain"], theta[2:])
    assert found["potential.w0"][1] == 0.0


def test_a_model_whose_energy_has_no_scale_keeps_its_terms() -> None:
    """Residuals of a / b and c / b: all three could grow alike, and yet none may be left out."""
    theta, rng = np.array([3.0, 2.0, 1.0]), np.random.default_rng(0)
    a, b, c = theta
    x, y = rng.normal(size=(2, 400))
    J = np.stack([x / b, -(a * x + c * y) / b**2, y / b], axis=-1)
    found = needed_terms({"mass.constant": theta}, 1e-6 * rng.normal(size=400), J)
    np.testing.assert_array_equal(found["mass.constant"], theta)
