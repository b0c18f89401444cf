"""Traced windows of many models at once are those of the models one by one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from hnn_gym.coordinates import Control, Coordinates, DegreeOfFreedom
from hnn_gym.data import LogSettings, TransitionDataset
from hnn_gym.physics.integrators import ImplicitMidpoint, InVelocities, Leapfrog
from hnn_gym.training import FitSettings
from hnn_gym.training.least_squares import LeastSquaresSettings, Problem
from hnn_gym.training.objective import Objective
from hnn_gym.training.preparation import Preparation

FIT = FitSettings(loss="shooting", horizon=6, adam_steps=0, lbfgs_steps=0, least_squares_steps=1, zeros=True)
OPTIONS = {"damping": True, "dry": True, "symmetric": True}
ARM = Coordinates(
    (DegreeOfFreedom(position=0, angle=True), DegreeOfFreedom(position=1, angle=True)),
    (Control(0, unit="N m"), Control(1, unit="N m")),
)


@pytest.fixture(scope="module")
def log() -> TransitionDataset:
    """Two episodes of 20 steps of unequal length, with torques and angles that no arm has made."""
    rng = np.random.default_rng(0)
    stamps = [np.cumsum(rng.uniform(0.008, 0.012, 21)) for _ in range(2)]
    angles = [np.cumsum(rng.normal(0.02, 0.01, (21, 2)), axis=0) for _ in range(2)]
    torques = [rng.normal(size=(21, 2)) for _ in range(2)]
    return TransitionDataset.from_arrays(stamps, angles, action=torques, settings=LogSettings(angle_unit="rad"))


def objective_of(log: TransitionDataset, **changed: object) -> Objective:
    prepared = Preparation.of(log, "chain", options=OPTIONS, coordinates=ARM, integrator=InVelocities(Leapfrog()))
    return replace(prepared, **changed).objective(FIT)


def test_derivatives_by_traced_code_are_those_of_one_model_after_the_other(log: TransitionDataset) -> None:
    objective = objective_of(log)
    assert objective.differences
    assert objective.together is not None
    (residual,) = objective.residuals_by_member()
    start = objective.initial_parameters() | objective.architecture.initial_parameters(np.random.default_rng(0))
    settings = LeastSquaresSettings(differences=True)
    plain, traced = (
        Problem(residual, start, local=objective.local, together=together, settings=settings)
        for together in (None, objective.together)
    )
    for one, other in zip(
        plain.linearised(plain.theta, plain.own)[:3], traced.linearised(traced.theta, traced.own)[:3], strict=True
    ):
        # Both are central differences with rounding of 1e-16 / 1e-5, of derivatives up to 1.
        np.testing.assert_allclose(one, other, atol=1e-9)
    with torch.no_grad():
        expected = residual(plain.named(plain.theta, plain.own))
    np.testing.assert_allclose(traced.residuals(traced.theta, traced.own), expected, atol=1e-13)


def test_what_cannot_be_traced_or_has_exact_derivatives_is_computed_one_by_one(log: TransitionDataset) -> None:
    plain = {"damping": True, "symmetric": True}
    assert objective_of(log, integrator=ImplicitMidpoint(), options=plain).together is None
    assert objective_of(log, model="mechanical", options={"hidden": (4,)}, integrator=Leapfrog()).together is None
