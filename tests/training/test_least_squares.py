"""Levenberg-Marquardt: rows with entries of their own, chains of rows, steps that cannot be taken."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
import torch

from hnn_gym.errors import ConvergenceError, InputError
from hnn_gym.training.least_squares import (
    MOST_PARAMETERS,
    LeastSquaresSettings,
    Problem,
    degrees_of_freedom,
    least_squares,
)

T = torch.linspace(0, 1, 6, dtype=torch.float64)
DATA = torch.tensor(np.random.default_rng(0).normal(size=(7, 6)))
START = {"rate": np.array([0.5]), "start": np.random.default_rng(1).normal(size=(7, 2))}


def windows(p: Mapping[str, torch.Tensor]) -> torch.Tensor:
    """Seven windows of a motion with two entries of their own."""
    start = p["start"]
    return start[:, :1] * torch.exp(-p["rate"] * T) + start[:, 1:] * T


def alone(p: Mapping[str, torch.Tensor]) -> torch.Tensor:
    return windows(p) - DATA


def joined(p: Mapping[str, torch.Tensor]) -> torch.Tensor:
    path = windows(p)
    gaps = 3 * (path[:-1, -1:] - path[1:, :1])
    return torch.cat([path - DATA, torch.cat([gaps, torch.zeros_like(gaps[:1])])], dim=1)


@pytest.mark.parametrize("scaling", ["marquardt", "levenberg"])
@pytest.mark.parametrize(("rows", "chained"), [(alone, False), (joined, True)])
@pytest.mark.parametrize("steps", [1, 3])
def test_eliminating_the_entries_of_rows_gives_the_steps_of_the_whole_system(rows, chained, scaling, steps):  # type: ignore[no-untyped-def]
    settings = LeastSquaresSettings(steps=steps, scaling=scaling)
    whole = least_squares(lambda p: rows(p).reshape(-1), START, settings=settings)
    eliminated = least_squares(rows, START, local="start", chained=chained, settings=settings)
    for name in START:  # the elimination damps by 1e-12 more, and the damping of a first step is 1e-3
        np.testing.assert_allclose(eliminated[name], whole[name], rtol=1e-7, atol=1e-8)
        assert np.abs(eliminated[name] - START[name]).max() > 0.1


def test_with_little_damping_nearly_dependent_columns_take_few_steps():
    x = torch.linspace(0.9, 1.1, 30, dtype=torch.float64)
    powers = torch.stack([x**k for k in range(4)], dim=1)  # after scaling, an eigenvalue of 1e-9 of the largest one
    true = torch.tensor([1.0, -2.0, 3.0, -4.0], dtype=torch.float64)
    for damping, reaches in ((1e-9, True), (1e-3, False)):
        settings = LeastSquaresSettings(steps=4, damping=damping)
        found = least_squares(lambda p: powers @ (p["weights"] - true), {"weights": np.zeros(4)}, settings=settings)
        error = float((powers @ (torch.tensor(found["weights"]) - true)).abs().max())
        assert (error < 1e-6) == reaches


def test_entries_of_rows_that_move_no_residual_stay_and_the_others_are_fitted():
    start = START | {"start": np.concatenate([START["start"], np.ones((7, 1))], axis=1)}
    found = least_squares(alone_of_two, start, local="start")
    np.testing.assert_array_equal(found["start"][:, 2], 1.0)
    expected = least_squares(alone, START, local="start")
    np.testing.assert_allclose(found["rate"], expected["rate"], rtol=1e-6)


def alone_of_two(p: Mapping[str, torch.Tensor]) -> torch.Tensor:
    return alone({"rate": p["rate"], "start": p["start"][:, :2]})


def test_a_step_to_where_there_is_no_solution_is_shortened():
    failed = []

    def residual(p: Mapping[str, torch.Tensor]) -> torch.Tensor:
        if p["x"][0] < 0:
            failed.append(1)
            raise ConvergenceError("no solution")
        return torch.log(p["x"] + 1e-3)[:1] + 3.0  # the first step goes far beyond 0

    found = least_squares(residual, {"x": np.array([2.0])})
    assert failed
    assert found["x"][0] == pytest.approx(np.exp(-3.0) - 1e-3, rel=1e-3)


def test_where_derivatives_are_not_finite_the_fit_ends_with_the_best_that_was_found() -> None:
    def residual(p: Mapping[str, torch.Tensor]) -> torch.Tensor:
        x = p["x"]
        return torch.where(x > 0.5, x, x + torch.sqrt(x - x))  # the same number, and a slope that is none

    found = least_squares(residual, {"x": np.array([2.0])})
    assert abs(found["x"][0]) < 0.1


def test_more_parameters_than_a_dense_system_can_have_are_refused():
    with pytest.raises(InputError, match="at most 5,000 parameters, and the model has 5,001"):
        least_squares(lambda p: p["x"], {"x": np.zeros(MOST_PARAMETERS + 1)})


@pytest.mark.parametrize(("rows", "chained"), [(alone, False), (joined, True)])
@pytest.mark.parametrize("decay", [0.0, 0.5])
def test_the_degrees_of_freedom_are_those_of_the_whole_system(rows, chained, decay):  # type: ignore[no-untyped-def]
    def with_prior(p: Mapping[str, torch.Tensor]) -> torch.Tensor:
        last = torch.cat([decay * p["rate"], torch.zeros(6, dtype=torch.float64)])
        return torch.cat([rows(p), last[:, None]], dim=1)

    at = [torch.tensor(value) for value in START.values()]
    parts = torch.func.jacrev(lambda rate, start: with_prior({"rate": rate, "start": start}), argnums=(0, 1))(*at)
    J = np.concatenate([part.numpy().reshape(49 + 7 * chained, -1) for part in parts], axis=1)
    hat = J @ np.linalg.inv(J.T @ J) @ J.T
    of_prior = np.trace(hat.reshape(7, len(J) // 7, 7, -1)[:, -1, :, -1])
    problem = Problem(with_prior, START, local="start", chained=chained)
    found = degrees_of_freedom(problem.linearised(problem.theta, problem.own), prior=1)
    assert found == pytest.approx(1 - of_prior, rel=1e-6)
    assert (found < 0.999) == bool(decay)


def test_derivatives_that_are_too_large_to_be_squared_are_refused_in_words() -> None:
    with pytest.raises(ConvergenceError, match="or their derivatives, are not finite"):
        least_squares(lambda p: 1e200 * p["x"], {"x": np.zeros(2)})
