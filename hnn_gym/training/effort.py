"""What a fit costs, so that a large model gets a fit that can be waited for, or none.

A step of Levenberg-Marquardt on N rows of n degrees of freedom computes 2 n N rows of a Jacobian of P parameters, by
pull-backs through every evaluation of the acceleration in a step, and J^T J from it: 2 n N P (a e + b P) seconds for e
evaluations. The seconds are those of one core of an ordinary machine and only decide about sizes, so that a fit is the
same everywhere.
"""

from __future__ import annotations

import math
from dataclasses import replace

from hnn_gym.models import Architecture
from hnn_gym.physics.integrators import Integrator, InVelocities, Leapfrog, RungeKutta4, Substeps
from hnn_gym.training.least_squares import MOST_PARAMETERS
from hnn_gym.training.one_step import OneStepSettings

_PULL_BACK, _WITH_MASSES = 6e-9, 2.5e-8
"""Seconds of an entry of the Jacobian and an evaluation: without a mass matrix to be solved for, and with one."""
_FORWARD = 0.15
"""An evaluation that is not differentiated takes such a share of these seconds."""
_STICKING = 5.0
"""A kick with dry friction of bodies that move each other takes so many times as long."""
_PRODUCT = 4.5e-11
"""Seconds of an entry and a parameter in J^T J."""
_FEWEST_STEPS = 8
"""A fit from the beginning needs so many steps to be worth its time."""


def affordable(
    settings: OneStepSettings,
    architecture: Architecture,
    scheme: Integrator,
    *,
    parameters: int,
    fewest: int = _FEWEST_STEPS,
) -> OneStepSettings | None:
    """The settings with as many rows and steps as ``settings.seconds`` allow; None where these are too few.

    Args:
        settings: of the fit.
        architecture: the model.
        scheme: the scheme that it is fitted through.
        parameters: how many the model has.
        fewest: steps that are worth their time.
    """
    if parameters > MOST_PARAMETERS:
        return None
    n = architecture.variables.n
    given = architecture.hyperparameters()
    masses = given.get("mass_matrix") == "full"
    evaluation = _WITH_MASSES * (_STICKING if given.get("dry") else 1.0) if masses else _PULL_BACK
    entry = _differentiated(scheme) * evaluation + _PRODUCT * parameters

    def cost(few: int, most: int, steps: int) -> float:
        early = 3 * (steps // 4)
        return 2 * n * parameters * entry * (early * few + (steps - early) * most)

    few, most, steps = settings.rows, settings.most_rows, settings.steps
    share = settings.seconds / cost(few, most, steps)
    if share >= 1:
        return settings
    enough = math.ceil(parameters / n)  # rows that have twice as many residuals as there are parameters
    few = min(few, max(int(share * few), enough))
    most = min(most, max(int(share * most), 2 * enough))
    steps = int(min(1.0, settings.seconds / cost(few, most, steps)) * steps)
    return replace(settings, rows=few, most_rows=most, steps=steps) if steps >= fewest else None


def evaluations(scheme: Integrator) -> int:
    """How often a step evaluates the acceleration."""
    if isinstance(scheme, InVelocities):
        return evaluations(scheme.inner)
    if isinstance(scheme, Substeps):
        return scheme.count * evaluations(scheme.inner)
    return {RungeKutta4: 4, Leapfrog: 2}.get(type(scheme), 1)


def _differentiated(scheme: Integrator) -> float:
    """The evaluations of a step as if all were differentiated; of substeps of RK4, usually those of one are."""
    if isinstance(scheme, InVelocities):
        return _differentiated(scheme.inner)
    if isinstance(scheme, Substeps) and isinstance(scheme.inner, RungeKutta4):
        return evaluations(scheme.inner) + _FORWARD * evaluations(scheme)
    return evaluations(scheme)
