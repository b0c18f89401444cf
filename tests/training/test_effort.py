"""What a fit may cost: small models are fitted as their settings say, large ones by fewer rows and steps, or not."""

from __future__ import annotations

import pytest

from hnn_gym.models import MechanicalHNN, SecondOrderBaseline, Variables
from hnn_gym.physics.integrators import Euler, InVelocities, Leapfrog, RungeKutta4, Substeps
from hnn_gym.training.effort import affordable, evaluations
from hnn_gym.training.least_squares import MOST_PARAMETERS
from hnn_gym.training.selection import NETWORK


def slides(n: int) -> Variables:
    return Variables((False,) * n, (1.0,) * n, (1.0,) * n, (1.0,) * n)


def test_a_small_model_is_fitted_as_the_settings_say() -> None:
    model = SecondOrderBaseline(slides(2), hidden=(32,))
    assert affordable(NETWORK, model, RungeKutta4(), parameters=288) == NETWORK


def test_a_large_model_gets_fewer_rows_and_steps_and_never_fewer_residuals_than_parameters() -> None:
    model, parameters = MechanicalHNN(slides(6), hidden=(16,), mass_matrix="full"), 882
    cut = affordable(NETWORK, model, RungeKutta4(), parameters=parameters)
    assert cut is not None
    assert cut.steps < NETWORK.steps
    assert cut.most_rows < NETWORK.most_rows
    assert 2 * 6 * cut.rows >= 2 * parameters


@pytest.mark.parametrize("parameters", [4_000, MOST_PARAMETERS + 1])
def test_a_model_that_would_take_minutes_is_not_fitted(parameters: int) -> None:
    model = MechanicalHNN(slides(9), hidden=(16,), mass_matrix="full")
    assert affordable(NETWORK, model, RungeKutta4(), parameters=parameters) is None


def test_the_evaluations_of_a_step_are_counted() -> None:
    schemes = Euler(), Leapfrog(), RungeKutta4(), Substeps(RungeKutta4(), 5), InVelocities(Substeps(Leapfrog(), 3))
    assert [evaluations(scheme) for scheme in schemes] == [1, 2, 4, 20, 6]
