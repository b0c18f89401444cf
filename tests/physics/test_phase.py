"""Phase space: the bookkeeping of x = [q, p], on every array library alike."""

import numpy as np
import pytest
import torch

from hnn_gym.errors import InputError
from hnn_gym.physics.phase import join, namespace, split, symplectic_gradient, symplectic_matrix

LIBRARIES = {"numpy": np.asarray, "torch": torch.tensor}


@pytest.mark.parametrize("shape", [(), (3,), (2, 3)])
@pytest.mark.parametrize("library", LIBRARIES)
def test_join_undoes_split_and_positions_come_first(library, shape):
    x = LIBRARIES[library](np.random.default_rng(0).normal(size=(*shape, 6)))
    q, p = split(x)
    assert q.shape == p.shape == (*shape, 3)
    assert bool((q == x[..., :3]).all())
    assert bool((join(q, p) == x).all())


@pytest.mark.parametrize("library", LIBRARIES)
def test_the_symplectic_gradient_is_J_times_the_gradient(library):
    gradient = np.random.default_rng(0).normal(size=(2, 3, 6))
    found = symplectic_gradient(LIBRARIES[library](gradient))
    # Only signs and places change, so the numbers are equal to the last bit.
    np.testing.assert_array_equal(np.asarray(found), gradient @ symplectic_matrix(3).T)


@pytest.mark.parametrize("n", [1, 2, 5])
def test_J_is_antisymmetric_and_its_square_is_minus_one(n):
    J = symplectic_matrix(n)
    assert J.shape == (2 * n, 2 * n)
    np.testing.assert_array_equal(J.T, -J)
    np.testing.assert_array_equal(J @ J, -np.eye(2 * n))
    assert J[0, n] == 1  # dq/dt = +dH/dp


def test_the_namespace_has_the_array_api_for_numpy_and_torch():
    assert namespace(np.zeros(2)) is np
    assert namespace(np.float64(1.0)) is np
    concatenated = namespace(torch.zeros(2)).concat([torch.zeros(1), torch.ones(1)], axis=-1)
    assert concatenated.tolist() == [0, 1]


def test_a_value_that_is_not_an_array_has_no_namespace():
    with pytest.raises(InputError, match="Give an array"):
        namespace([1.0, 2.0])
