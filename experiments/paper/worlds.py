"""Trained models as worlds that can be saved, drawn and stepped, with observations (q, dq/dt) as in environments.

The paper's networks use (q, p) and no mass. With the true m in p = m v they are rewritten exactly: the HNN takes
m as its inertia, and the scales and the last layer of the baseline absorb m.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from experiments.paper.runs import Trained
from experiments.paper.tasks import SIMULATED, PaperTask
from hnn_gym.coordinates import Coordinates, DegreeOfFreedom
from hnn_gym.models import HNN, Architecture, Baseline, MechanicalHNN
from hnn_gym.physics.integrators import ImplicitMidpoint, Integrator, RungeKutta4, Yoshida4
from hnn_gym.worlds.world_model import WorldModel

STEP = {"spring": 0.05, "pendulum": 0.05, "two-body": 0.05, "three-body": 0.01}
"""Time step of the worlds in s."""


def coordinates_of(n: int, *, angles: bool = False) -> Coordinates:
    """Observations (q, v) in n dimensions, or (cos q, sin q, v)."""
    if angles:
        return Coordinates(tuple(DegreeOfFreedom(cos=3 * i, sin=3 * i + 1, velocity=3 * i + 2) for i in range(n)))
    return Coordinates(tuple(DegreeOfFreedom(position=i, velocity=n + i) for i in range(n)))


def world_of(name: str, trained: Trained, *, card: dict[str, Any]) -> WorldModel:
    """Build the world of a trained model of a simulated task, in float64."""
    task = SIMULATED[name]
    architecture, parameters = _with_mass(task, trained)
    scheme: Integrator = Yoshida4()
    if isinstance(architecture, HNN):
        scheme = ImplicitMidpoint()
    elif isinstance(architecture, Baseline):
        scheme = RungeKutta4()
    angles = isinstance(architecture, MechanicalHNN) and all(architecture.variables.angles)
    return WorldModel.built(
        architecture,
        parameters,
        coordinates=coordinates_of(task.system.n, angles=angles),
        integrator=scheme,
        dt=STEP[name],
        card=card,
    )


def _with_mass(task: PaperTask, trained: Trained) -> tuple[Architecture, dict[str, np.ndarray]]:
    parameters = {name: array.astype(np.float64) for name, array in trained.parameters.items()}
    architecture, n = trained.architecture, task.system.n
    masses = task.system.momentum(np.zeros(n), np.ones(n))
    if isinstance(architecture, HNN):
        parameters["inertia.log"] = np.log(masses)
        return replace(architecture, variables=replace(architecture.variables, in_physical_units=True)), parameters
    if isinstance(architecture, Baseline):
        scales = tuple(float(1 / m) for m in masses)
        last = f"field.w{len(architecture.hidden)}"
        parameters[last] = parameters[last] * np.concatenate([masses, 1 / masses])[:, None]
        return replace(architecture, variables=replace(architecture.variables, velocity_scales=scales)), parameters
    return architecture, parameters
