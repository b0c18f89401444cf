"""The model of a planar chain, whatever its parameters are."""

from __future__ import annotations

import numpy as np
import pytest

from hnn_gym.models import PlanarChainHNN, Variables

TWO = Variables((True, True), (1.0, 1.0), (1.0, 1.0), (1.0, 1.0))


@pytest.mark.parametrize("rotors", [False, True])
@pytest.mark.parametrize("log", [-800.0, -50.0, 300.0])
def test_an_inertia_that_a_fit_drives_to_nothing_leaves_velocities_finite(log: float, rotors: bool) -> None:
    model = PlanarChainHNN(TWO, symmetric=True, rotors=rotors)
    parameters = model.initial_parameters(np.random.default_rng(0))
    parameters["chain.diagonal"][-1] = log
    dynamics = model.build(parameters)
    q, p = np.array([[0.3, -1.2], [0.0, 0.0]]), np.ones((2, 2))
    assert np.isfinite(dynamics.velocity(q, p)).all()
    assert np.isfinite(dynamics.field(np.concatenate([q, p], axis=-1))).all()
    assert (dynamics.hamiltonian.energy(np.concatenate([0 * q, p], axis=-1)) > 0).all()
