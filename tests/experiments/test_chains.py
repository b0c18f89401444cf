"""The chains are those of the published study, and their errors are measured as there."""

from __future__ import annotations

import numpy as np
import pytest
from rich.console import Console

from experiments.chains import scoring
from experiments.chains.command import Settings, study
from experiments.chains.data import pieces, true_paths
from experiments.chains.points import angles, measured_lengths, points, projected
from experiments.chains.scoring import geometric_means, persistence
from experiments.chains.systems import chain, masses_and_lengths

STEPS = [
    ((-1.1,), (6.0,), (-0.9167560932,), (6.212176804,), 20.27717029),
    ((2.5, 1.1), (3.0, -2.0), (2.58665505, 1.040449749), (2.781156041, -1.979634047), 24.92239297),
    (
        (-1.1, 0.3, 0.5),
        (6.0, 2.0, -4.0),
        (-0.9110812031, 0.3371351438, 0.3792120143),
        (6.610956013, 0.4052398154, -4.044736992),
        39.30389725,
    ),
    (
        (0.7, -0.4, 1.9, 0.2, -1.5),
        (-1.3, 0.9, -2.2, 0.5, 1.7),
        (0.6568460222, -0.3693189495, 1.83344775, 0.2154400358, -1.449034826),
        (-1.581160167, 1.149863678, -2.241623931, 0.5285043643, 1.698310729),
        -56.66060688,
    ),
]
"""Angles and their rates before and after 0.03 s, and the energy, of the published simulator."""


@pytest.mark.parametrize(("phi", "w", "next_phi", "next_w", "energy"), STEPS)
def test_a_step_of_a_chain_is_that_of_the_published_simulator(phi, w, next_phi, next_w, energy):
    world, (masses, lengths) = chain(len(phi)).true_world(), masses_and_lengths(len(phi))
    start = world.phase_point(np.array(phi), np.array(w))
    np.testing.assert_allclose(np.concatenate(world.state(world.step(start))), [*next_phi, *next_w], rtol=2e-8)
    hanging = -9.81 * np.sum(masses * np.cumsum(lengths))  # where our V is 0
    assert float(world.energy(start)) + hanging == pytest.approx(energy, rel=1e-8)


def test_points_and_angles_are_the_same_motion_and_lengths_are_read_from_points() -> None:
    _, lengths = masses_and_lengths(3)
    phi, w = np.random.default_rng(0).normal(size=(2, 50, 3))
    z = points(phi, w, lengths)
    np.testing.assert_allclose(measured_lengths(z), lengths, rtol=1e-14)
    for found, true in zip(angles(z, lengths), (phi, w), strict=True):
        np.testing.assert_allclose(found, true, atol=1e-12)


def test_projected_points_satisfy_the_constraints_and_stay_if_they_do() -> None:
    _, lengths = masses_and_lengths(2)
    rng = np.random.default_rng(1)
    z = projected(rng.normal(size=(2, 2, 2)), lengths, tolerance=1e-10)
    np.testing.assert_allclose(points(*angles(z, lengths), lengths), z, atol=1e-9)
    np.testing.assert_array_equal(projected(z, lengths, tolerance=1e-9), z)


def test_standing_still_has_the_published_error() -> None:
    # Ours are other draws from the same distribution.
    assert persistence(1)["arithmetic"] == pytest.approx(0.431, abs=0.03)


def test_the_error_of_an_exact_prediction_is_the_constant_that_is_added_and_of_divergence_1() -> None:
    true = true_paths(1, pieces(1, count=2, seed=0)[:, 0])
    np.testing.assert_allclose(geometric_means(true, true), 1e-8**0.99, rtol=1e-9)
    np.testing.assert_allclose(geometric_means(np.nan * true, true), 1.0, rtol=1e-7)


def test_the_study_learns_a_chain_from_ten_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scoring, "TESTS", 5)
    settings = Settings(out=None, links=(1,), structures=("chain",), pieces=(10,), seeds=(0,))
    found = study(settings, console=Console(quiet=True))["learned/1/10/chain/0"]
    assert found["geometric"] < 1e-3
    assert set(found) == {"geometric", "arithmetic", "cpu_s"}
