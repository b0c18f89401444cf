"""Derivatives step by step are those in forward mode, and steps of the dual form are those of the whole system."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import gymnasium
import numpy as np
import pytest

from hnn_gym import FitSettings, ObservationNoise, TransitionDataset, record_steps
from hnn_gym.data import LogSettings
from hnn_gym.models.port import network_weights
from hnn_gym.physics.integrators import ImplicitMidpoint, Integrator, InVelocities
from hnn_gym.systems import coordinates_of
from hnn_gym.training import sensitivities, train_ensemble, train_world
from hnn_gym.training.dual_form import DualForm
from hnn_gym.training.ensemble import EnsembleObjective
from hnn_gym.training.least_squares import Linear, Problem, Scaling
from hnn_gym.training.objective import STARTS, Objective
from hnn_gym.training.preparation import Preparation

JOINED = FitSettings(loss="shooting", horizon=7, decay=1e-3)
ALONE = replace(JOINED, horizon=20)


def recorded(env_id: str) -> TransitionDataset:
    coordinates = coordinates_of(env_id)
    assert coordinates is not None
    env: gymnasium.Env[Any, Any] = gymnasium.make(env_id, max_episode_steps=25)
    return record_steps(
        ObservationNoise(env, 0.02) if env_id == "Pendulum-v1" else env,
        steps=40,
        seed=0,
        coordinates=coordinates.to_json(),
    )


def jittering_log() -> TransitionDataset:
    """Positions alone, at stamps that jitter, of two episodes."""
    rng = np.random.default_rng(0)
    stamps = [np.cumsum(0.05 * rng.uniform(0.7, 1.3, 20)) for _ in range(2)]
    shown = [np.sin(2 * t + number)[:, None] for number, t in enumerate(stamps)]
    actions = [rng.uniform(-1, 1, (20, 1)) for _ in stamps]
    return TransitionDataset.from_arrays(stamps, shown, action=actions, settings=LogSettings(lengths=("q0",)))


def objective_of(
    dataset: TransitionDataset, model: str, settings: FitSettings, gaps: float, **options: Any
) -> Objective:
    return Preparation.of(dataset, model, options={"hidden": (3,), **options}).objective(settings, gaps)


CASES = {
    "a mechanical pendulum": lambda: objective_of(recorded("Pendulum-v1"), "mechanical", JOINED, 3.0, damping=True),
    "a mass that decays with the weights": lambda: objective_of(recorded("Pendulum-v1"), "mechanical", ALONE, 0.0),
    "a network of first order": lambda: objective_of(recorded("Pendulum-v1"), "baseline", JOINED, 3.0),
    "two degrees of freedom": lambda: objective_of(recorded("Acrobot-v1"), "second-order", JOINED, 3.0),
    "pairs of bodies": lambda: objective_of(recorded("TwoBody-v0"), "pairwise", ALONE, 0.0),
    "a separable energy": lambda: objective_of(recorded("CartPole-v1"), "separable", JOINED, 3.0),
    "positions at unequal stamps": lambda: objective_of(jittering_log(), "mechanical", JOINED, 3.0),
    "zeros of encoders": lambda: objective_of(jittering_log(), "mechanical", replace(JOINED, zeros=True), 3.0),
}


def somewhere(objective: Objective) -> dict[str, np.ndarray]:
    """Parameters that are nobody's optimum."""
    rng = np.random.default_rng(1)
    return {name: value + 0.05 * rng.normal(size=value.shape) for name, value in objective.initial_parameters().items()}


def forward(objective: Objective, at: dict[str, np.ndarray]) -> tuple[Problem, Linear]:
    """The problem, and its derivatives in forward mode."""
    (residual,) = objective.residuals_by_member()
    problem = Problem(residual, at, local=objective.local, chained=objective.chained)
    return problem, problem.linearised(problem.theta, problem.own)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("chunk", [sensitivities._CHUNK, 1])
def test_derivatives_step_by_step_are_those_in_forward_mode(
    case: str, chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sensitivities, "_CHUNK", chunk)
    objective = CASES[case]()
    problem, expected = forward(objective, somewhere(objective))
    (linearised,) = objective.linearised_by_member()
    assert linearised is not None
    found = linearised(problem.named(problem.theta, problem.own))
    assert isinstance(found, Linear)
    assert (found.after is None) == (expected.after is None) == (not objective.chained)
    for part, other in zip(found, expected, strict=True):
        if other is not None:
            assert np.abs(other).max() > 0
            np.testing.assert_allclose(part, other, rtol=1e-9, atol=1e-12 * np.abs(other).max())


@pytest.mark.parametrize("scheme", [ImplicitMidpoint(), InVelocities(ImplicitMidpoint())])
def test_a_scheme_that_iterates_has_derivatives_in_forward_mode(scheme: Integrator) -> None:
    prepared = Preparation.of(recorded("Pendulum-v1"), "mechanical", options={"hidden": (2,)}, integrator=scheme)
    assert prepared.objective(ALONE).linearised_by_member() == (None,)


@pytest.mark.parametrize("settings", [JOINED, ALONE])
def test_members_of_an_ensemble_have_the_derivatives_of_their_own_residuals(settings: FitSettings) -> None:
    ensemble = EnsembleObjective(objective_of(recorded("Pendulum-v1"), "second-order", settings, 0.0), 2, range(2))
    at = {name: value[1] for name, value in ensemble.initial_parameters().items()}
    problem = Problem(ensemble.residuals_by_member()[1], at, local=STARTS)
    linearised = ensemble.linearised_by_member()[1]
    assert linearised is not None
    found = linearised(problem.named(problem.theta, problem.own))
    expected = problem.linearised(problem.theta, problem.own)
    assert isinstance(found, Linear)
    np.testing.assert_allclose(found.r, expected.r, rtol=1e-12)
    np.testing.assert_allclose(found.J, expected.J, rtol=1e-9, atol=1e-12)


# Marquardt's scaling hardly damps what the residuals hardly feel, so that its equations lose half of their digits.
@pytest.mark.parametrize(("scaling", "error"), [("levenberg", 1e-9), ("marquardt", 1e-6)])
@pytest.mark.parametrize(("settings", "gaps"), [(JOINED, 3.0), (ALONE, 0.0)])
def test_with_more_weights_than_data_a_step_of_the_dual_form_is_that_of_the_whole_system(
    scaling: Scaling, error: float, settings: FitSettings, gaps: float
) -> None:
    objective = objective_of(recorded("Pendulum-v1"), "baseline", settings, gaps, hidden=(40,))
    assert objective.underdetermined
    problem, whole = forward(objective, somewhere(objective))
    dual = objective.linearised(problem.named(problem.theta, problem.own))
    assert isinstance(dual, DualForm)
    assert dual.squares == pytest.approx(whole.squares, rel=1e-12)
    found, expected = dual.step(0.1, scaling), whole.step(0.1, scaling)
    assert found is not None
    assert expected is not None
    for step, other in ((found.shared, expected.shared), (found.own, expected.own)):
        np.testing.assert_allclose(step, other, rtol=0, atol=error * np.abs(other).max())
    assert found.predicted == pytest.approx(expected.predicted, rel=1e-9)


def test_the_dual_form_has_the_degrees_of_freedom_of_the_whole_system() -> None:
    rng = np.random.default_rng(0)
    J, own, roots = rng.normal(size=(30, 40)), rng.normal(size=(30, 4)), np.where(np.arange(40) < 36, 0.7, 0.0)
    dual = DualForm(rng.normal(size=30), J, own, roots, rng.normal(size=40), (2, 2))
    whole = np.concatenate([J, own], axis=1)
    prior = np.diag(np.concatenate([roots, np.zeros(4)]) ** 2)
    hat = whole @ np.linalg.inv(whole.T @ whole + prior) @ whole.T
    assert dual.degrees_of_freedom() == pytest.approx(np.trace(hat) - 4, rel=1e-9)
    assert 4 < dual.degrees_of_freedom() < 26


def test_a_network_with_more_weights_than_a_dense_system_can_have_is_fitted_to_few_data() -> None:
    fit = replace(JOINED, first_horizon=7, horizon=25, adam_steps=2, lbfgs_steps=0, least_squares_steps=3)
    world = train_world(recorded("Pendulum-v1"), "baseline", settings=fit, options={"hidden": (1000,)})
    assert world.parameters is not None
    assert sum(value.size for value in world.parameters.values()) > 5000
    # After so few steps; the noise of a cosine and a sine is 0.04.
    assert world.card["figures"]["sensor_noise"][:2] == pytest.approx([0.04, 0.04], rel=0.5)


def test_an_ensemble_of_wide_networks_is_fitted_to_few_data() -> None:
    fit = replace(ALONE, adam_steps=2, lbfgs_steps=0, least_squares_steps=2)
    dataset = recorded("Pendulum-v1")
    worlds = train_ensemble(dataset, "second-order", members=2, settings=fit, options={"hidden": (60,)})
    first, second = (world.parameters for world in worlds)
    assert first is not None
    assert second is not None
    assert {name for name in network_weights(first) if np.array_equal(first[name], second[name])} == set()


def test_more_data_than_weights_is_no_case_for_the_dual_form() -> None:
    assert not objective_of(recorded("Pendulum-v1"), "baseline", JOINED, 3.0).underdetermined
    wide = {"hidden": (200,)}
    assert not objective_of(recorded("Pendulum-v1"), "mechanical", JOINED, 3.0, **wide).underdetermined  # m is learned
    no_decay = replace(JOINED, decay=0.0)
    assert not objective_of(recorded("Pendulum-v1"), "baseline", no_decay, 3.0, **wide).underdetermined
