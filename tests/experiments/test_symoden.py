"""The systems and data of Symplectic ODE-Net are those of its published code, and the study measures what it says."""

from __future__ import annotations

import numpy as np
import pytest
from rich.console import Console

from experiments.symoden.command import Settings, study
from experiments.symoden.data import TASKS, trajectories
from experiments.symoden.scoring import errors

STEPS = {
    "pendulum": [
        ((0.7, -1.3), 1.0, (0.6505527081, -0.6827196707)),
        ((-2.5, 6.0), -2.0, (-2.220091132, 5.171607888)),
        ((3.0, 7.9), 7.0, (3.413875112, 8.603560974)),
    ],
    "cart-pole": [
        ((0.3, 0.5, -0.2, 0.4), 1.0, (0.2958519921, 0.509611594, -0.2147881088, 0.561537791)),
        ((-1.1, 2.5, 0.6, -3.0), -2.0, (-1.087713752, 2.442144167, 0.6282751526, -2.784027145)),
        ((1.2, -4.0, -2.0, 5.0), 2.0, (1.162099305, -3.895703582, -1.786998095, 5.433298847)),
    ],
    "acrobot": [
        ((0.3, -0.5, 0.7, -1.1), 1.0, (0.3312701874, -0.5478661824, 0.5492800222, -0.8125600158)),
        ((2.8, 0.4, -1.5, 2.5), -2.0, (2.723623591, 0.5247468147, -1.559305226, 2.495854434)),
        ((-3.0, 3.0, -3.0, 3.0), 2.0, (-3.15001412, 3.151596622, -3.008390576, 3.07305994)),
    ],
}
"""States (q, v), action, and the states after one step that the published simulators give."""
TRAJECTORIES = {
    "pendulum": (
        (-0.9280852766, -0.3723677207, 0.6647236687),
        (-0.9137500983, 0.4062767011, 0.1086324501),
    ),
    "cart-pole": (
        (-0.4450903824, 0.6890279663, 0.7247347527, 0.007879717877, -1.005131634),
        (-0.5705192028, 0.2210919831, 0.9752529595, -0.3783322615, 3.854884738),
    ),
    "acrobot": (
        (-0.9258121102, -0.9589974336, -0.3779840427, 0.2834147533, 0.9550099736, -1.419216128),
        (0.9730966932, 0.5613693647, 0.2303971042, -0.8275653668, 5.06158801, -6.087871459),
    ),
}
"""First and last stored observation of the first trajectory without a force."""


@pytest.mark.parametrize(
    ("task", "state", "action", "expected"), [(task, *row) for task, rows in STEPS.items() for row in rows]
)
def test_a_step_of_the_true_world_is_that_of_the_published_simulator(
    task: str, state: tuple[float, ...], action: float, expected: tuple[float, ...]
) -> None:
    world = TASKS[task].system.true_world()
    q, v = np.split(np.array(state), 2)
    found = np.concatenate(world.state(world.step(world.phase_point(q, v), np.array([action]))))
    # The published simulators of pendulum and cart-pole integrate to a relative 5e-8.
    np.testing.assert_allclose(found, expected, rtol=6e-8, atol=1e-9)


@pytest.mark.parametrize("task", TASKS)
def test_the_trajectories_of_seed_0_are_the_published_ones(task: str) -> None:
    paths = trajectories(TASKS[task], 0.0, seed=0, starts=2, points=20)
    first, last = TRAJECTORIES[task]
    np.testing.assert_allclose(paths[0, 0], first, rtol=1e-7, atol=1e-7)
    np.testing.assert_allclose(paths[0, -1], last, rtol=0, atol=1e-6)


def test_the_error_of_the_true_world_is_rounding_and_that_of_standing_still_is_the_published_one() -> None:
    task = TASKS["acrobot"]
    paths = trajectories(task, 0.0, seed=0, starts=64, points=40)
    assert errors(task.system.true_world(), paths, 0.0).max() < 1e-18
    assert np.sum((paths - paths[:, :1]) ** 2, axis=(1, 2)).mean() == pytest.approx(979.3, abs=0.05)


@pytest.mark.parametrize("structure", ["chain", "general M(q)"])
def test_the_study_learns_a_model_with_an_energy_from_eight_starts_and_scores_it(structure: str) -> None:
    settings = Settings(out=None, tasks=("pendulum",), structures=(structure,), seeds=(0,), starts=8)
    found = study(settings, console=Console(quiet=True))[f"pendulum/{structure}/0"]
    assert found["prediction"] < 1e-5  # the best published one is 0.095
    assert set(found) == {"train", "test", "prediction", "fresh", "cpu_s"}
