"""Small positive systems, against LAPACK."""

import numpy as np
import pytest

from hnn_gym.physics.small_matrices import solve_positive


@pytest.mark.parametrize("shape", [(), (3,), (2, 3)])
@pytest.mark.parametrize("n", [1, 2, 3, 5])
def test_it_solves_what_lapack_solves(n, shape):
    rng = np.random.default_rng(0)
    root, b = rng.normal(size=(*shape, n, n + 2)), rng.normal(size=(*shape, n))
    M = root @ np.swapaxes(root, -1, -2)
    expected = np.linalg.solve(M, b[..., None])[..., 0]
    # Condition numbers up to 1e4 here.
    np.testing.assert_allclose(solve_positive(M, b), expected, rtol=1e-10, atol=1e-10)
