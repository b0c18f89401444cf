"""The study of filmed mechanisms: how their rows are divided, and which forecasts are judged."""

from __future__ import annotations

import numpy as np

from experiments.filmed_mechanisms import BEFORE, PARTS, Part, divided, errors_of
from hnn_gym.coordinates import Coordinates, DegreeOfFreedom
from hnn_gym.physics.dynamics import PortHamiltonian
from hnn_gym.physics.hamiltonians import Link, PlanarChain
from hnn_gym.physics.integrators import InVelocities, Leapfrog
from hnn_gym.worlds.world_model import WorldModel


def test_every_row_is_left_out_once_and_learned_from_otherwise() -> None:
    motions = [Part(np.arange(10.0 + k), np.zeros((10 + k, 4))) for k in range(2)]
    left_out = []
    for part in range(PARTS):
        train, test = divided(motions, part)
        assert sum(len(some.time) for some in (*train, *test)) == 21
        left_out += [len(some.time) for some in test]
    assert sum(left_out) == 21


def test_the_world_that_moved_errs_by_little_and_no_forecast_reaches_over_a_gap() -> None:
    arm = PlanarChain.of_links(
        (Link(0.6, 0.3, 0.15, 0.006), Link(0.4, 0.25, 0.125, 0.003)), gravity=9.81, upright=False
    )
    positions = Coordinates((DegreeOfFreedom(position=0, angle=True), DegreeOfFreedom(position=1, angle=True)))
    world = WorldModel(positions, PortHamiltonian(arm, None), InVelocities(Leapfrog()), 0.002)
    durations = np.full(70, 0.002)
    durations[39] = 0.2
    path = world.rollout(world.phase_point(np.array([0.3, -0.2]), np.ones(2)), steps=70, durations=durations)
    part = Part(np.concatenate([[0], np.cumsum(durations)]), np.concatenate(world.state(path), axis=-1))
    errors = errors_of(world, part, 0.1, 10)
    assert BEFORE == 20
    assert len(errors) == 10 + 1  # of 39 steps before the gap and 30 after it, 30 in each forecast
    np.testing.assert_allclose(errors, 0, atol=1e-6)  # starts are estimated by least squares
