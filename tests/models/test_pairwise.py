"""Learned bodies: symmetries hold whatever the network says, gravity is within reach, the number of bodies is free."""

from dataclasses import replace

import numpy as np
import pytest

from hnn_gym.errors import InputError
from hnn_gym.models import PairwiseHNN, Variables
from hnn_gym.physics.hamiltonians import NBody

MASSES = (1.0, 2.0, 0.5)


def variables(n):
    return Variables((False,) * n, (2.0,) * n, (1.0,) * n, (1.5,) * n)


def model(dimensions=2, **changes):
    return PairwiseHNN(variables(3 * dimensions), hidden=(8,), dimensions=dimensions, masses=MASSES, **changes)


def arrays(architecture, seed=0):
    rng = np.random.default_rng(seed)
    return {k: v + 0.3 * rng.normal(size=v.shape) for k, v in architecture.initial_parameters(rng).items()}


def places(architecture, *shape):
    """Random positions ``(..., bodies, dimensions)``, some metres apart."""
    q = np.random.default_rng(1).normal(size=(*shape, architecture.bodies, architecture.dimensions))
    return q + 3 * np.arange(architecture.bodies)[:, None]


def force(architecture, q, parameters=None):
    """Forces on places ``(..., bodies, dimensions)``."""
    bodies = architecture.build(parameters or arrays(architecture)).hamiltonian
    return -bodies.potential_gradient(q.reshape(*q.shape[:-2], -1)).reshape(q.shape)


@pytest.mark.parametrize("dimensions", [2, 3])
def test_learned_forces_add_up_to_zero_and_exert_no_torque(dimensions):
    architecture = model(dimensions)
    q = places(architecture, 4)
    f = force(architecture, q)
    assert (np.abs(f).max((-2, -1)) > 0.1).all()
    np.testing.assert_allclose(f.sum(-2), 0, atol=1e-13)  # forces of order 1 cancel in pairs
    torque = np.einsum("...bi,...bj->...ij", q, f)
    np.testing.assert_allclose(torque - np.swapaxes(torque, -1, -2), 0, atol=1e-12)


def test_equal_bodies_can_be_exchanged():
    architecture = replace(model(), masses=())
    q, order = places(architecture, 4), [2, 0, 1]
    np.testing.assert_allclose(force(architecture, q[:, order]), force(architecture, q)[:, order], rtol=1e-12)


def test_gravity_is_one_choice_of_the_parameters():
    architecture = model(softening=0.2)
    plain = replace(architecture, hidden=())
    # V = s (w . (log rho / l, l / rho) - ...) is -G / rho + constant for w = (0, -G / (s l)).
    potential = plain.build({"pair.w0": np.zeros((1, 2))}).hamiltonian.pair_potential
    parameters = {"pair.w0": np.array([[0.0, -1.3 / (potential.energy_scale * potential.length)]])}
    truth = NBody(masses=MASSES, gravity=1.3, softening=0.2)
    q = places(plain, 4)
    expected = -truth.potential_gradient(q.reshape(4, 6)).reshape(q.shape)
    np.testing.assert_allclose(force(plain, q, parameters), expected, rtol=1e-12, atol=1e-13)


def test_a_potential_learned_on_three_bodies_runs_on_five():
    architecture = model()
    more = architecture.with_bodies(5, masses=(1.0,) * 5)
    parameters = arrays(architecture)
    assert {k: v.shape for k, v in arrays(more).items()} == {k: v.shape for k, v in parameters.items()}
    # Two of the five far away from the others: the pair force between bodies 0 and 1 is that of a world of two.
    two = architecture.with_bodies(2, masses=(1.0, 1.0))
    q = places(two)
    alone = force(two, q, parameters)
    among = force(more, np.concatenate([q, q + 50.0, q[:1] - 90.0]), parameters)
    far = force(more, np.concatenate([q[:1], q[1:] + 700.0, q + 50.0, q[:1] - 90.0]), parameters)
    moved = force(two, np.concatenate([q[:1], q[1:] + 700.0]), parameters)
    # Forces are sums over pairs: moving body 1 changes the force on body 0 by the pair's alone.
    np.testing.assert_allclose(among[0] - far[0], alone[0] - moved[0], rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: PairwiseHNN(variables(5)), "2 coordinates each"),
        (lambda: PairwiseHNN(variables(2)), "two bodies"),
        (lambda: PairwiseHNN(variables(6), dimensions=0), "two bodies of 0"),
        (lambda: PairwiseHNN(replace(variables(4), angles=(False, True, False, False))), "is an angle"),
        (lambda: PairwiseHNN(variables(4), masses=(1.0,)), "one mass > 0"),
        (lambda: PairwiseHNN(variables(4), masses=(1.0, 0.0)), "one mass > 0"),
        (lambda: PairwiseHNN(variables(4), softening=-1.0), "softening >= 0"),
        (lambda: PairwiseHNN(variables(4)).with_bodies(1), "two bodies"),
    ],
)
def test_coordinates_that_are_not_bodies_in_space_are_refused(build, words):
    with pytest.raises(InputError, match=words):
        build()
