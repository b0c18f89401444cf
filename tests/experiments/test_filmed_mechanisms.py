"""The study of a filmed double pendulum: how its rows are divided, and which forecasts are judged."""

from __future__ import annotations

import numpy as np
from experiments.filmed_pendulum import PARTS, Part, divided, errors_of

from experiments.real_robot.makers import makers_world


def test_every_row_is_left_out_once_and_learned_from_otherwise() -> None:
    motions = [Part(np.arange(10.0 + k), np.zeros((10 + k, 4))) for k in range(2)]
    left_out = []
    for part in range(PARTS):
        train, test = divided(motions, part)
        assert sum(len(some.time) for some in (*train, *test)) == 21
        left_out += [len(some.time) for some in test]
    assert sum(left_out) == 21


def test_the_world_that_moved_errs_by_nothing_and_no_forecast_reaches_over_a_gap() -> None:
    world = makers_world("1.0")
    durations = np.full(20, 0.002)
    durations[8] = 0.2
    x = world.phase_point(np.array([0.3, -0.2]), np.zeros(2))
    path = world.rollout(x, np.zeros((20, 2)), durations=durations)
    part = Part(np.concatenate([[0], np.cumsum(durations)]), np.concatenate(world.state(path), axis=-1))
    errors = errors_of(world, part, np.ones(4), 5)
    assert len(errors) == 4 + 7  # before the gap and after it
    np.testing.assert_allclose(errors, 0, atol=1e-10)
