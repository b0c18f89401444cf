"""Fits differentiate as few substeps as will do, and need few steps where they begin near their end."""

from __future__ import annotations

import numpy as np
import pytest

from hnn_gym.data import TransitionDataset
from hnn_gym.models import MechanicalHNN, Variables
from hnn_gym.physics.dynamics import PortHamiltonian
from hnn_gym.physics.hamiltonians import Pendulum
from hnn_gym.physics.integrators import Integrator, InVelocities, Leapfrog, RungeKutta4, Substeps
from hnn_gym.training.dataset_map import dataset_map
from hnn_gym.training.evidence import Evidence
from hnn_gym.training.one_step import OneStepSettings, fit_one_step
from hnn_gym.training.single_steps import one_step_errors, scheme_of_slopes, stepped
from hnn_gym.training.starting_point import StartingPoint
from hnn_gym.training.transitions import Transitions

FINE = InVelocities(Substeps(RungeKutta4(), 5))
PENDULUM = PortHamiltonian(Pendulum())


def swings(*, dt: float, widest: float = np.pi) -> Transitions:
    """Single steps of a pendulum in five substeps."""
    rng = np.random.default_rng(0)
    q, v = rng.uniform(-widest, widest, (200, 1)), rng.normal(size=(200, 1))
    next_q, next_v = stepped(PENDULUM, FINE, q, v, np.zeros((200, 0)), dt=dt)
    every = np.ones(200, bool)
    return Transitions(q, v, np.zeros((200, 0)), next_q, next_v, every, every, (True,), np.ones(2, bool), dt)


@pytest.mark.parametrize(
    ("scheme", "dt", "expected"),
    [
        (FINE, 0.05, InVelocities(Substeps(RungeKutta4(), 1))),
        (FINE, 0.7, InVelocities(Substeps(RungeKutta4(), 2))),  # one substep errs by some per cent
        (FINE, 5.0, FINE),
        (Substeps(Leapfrog(), 4), 0.05, Substeps(Leapfrog(), 4)),
    ],
)
def test_of_substeps_as_few_are_differentiated_as_are_near_to_all_of_them(
    scheme: Integrator, dt: float, expected: Integrator
) -> None:
    assert scheme_of_slopes(PENDULUM, scheme, swings(dt=dt)) == expected


def test_the_derivatives_of_one_substep_lead_a_fit_through_five_to_rounding() -> None:
    steps, variables = swings(dt=0.1), Variables((True,), (1.0,), (1.0,), (1.0,))
    model = MechanicalHNN(variables, hidden=(), damping=True)
    start = StartingPoint(steps, variables, midpoint=True).candidates(model, seed=0)[0]
    found = fit_one_step(model, FINE, steps, start, settings=OneStepSettings(steps=12, patience=2))
    assert scheme_of_slopes(model.build(start), FINE, steps) == InVelocities(Substeps(RungeKutta4(), 1))
    # The steps are in double precision; through one substep alone the errors are 3e-7 at best.
    assert np.median(one_step_errors(model.build(found), FINE, steps)) < 1e-11


def test_the_rounding_of_a_recording_is_that_of_single_precision_only_where_all_observations_fit_into_it() -> None:
    time = 0.05 * np.arange(51)
    states = np.stack([np.sin(time), np.cos(time)], axis=-1)
    for precision in (np.float32, np.float64):
        seen = states.astype(precision)
        dataset = TransitionDataset.from_arrays(time, seen[:, :1], velocity=seen[:, 1:])
        found = dataset_map(dataset, None, None)
        evidence = Evidence.of(dataset, found.coordinates, found.dt)
        assert evidence.rounding == np.finfo(precision).eps / 2
