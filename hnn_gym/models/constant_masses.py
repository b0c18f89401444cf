"""Rigid bodies whose M(q) was found to be constant and diagonal, as the model whose masses are constant by definition.

Then H = T(p) + V(q), and explicit symplectic schemes step it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from hnn_gym.models.architecture import RATIOS
from hnn_gym.models.inertia import LOG, relative_degrees
from hnn_gym.models.mechanical import MechanicalHNN


def with_constant_masses(
    architecture: MechanicalHNN, parameters: Mapping[str, np.ndarray]
) -> tuple[MechanicalHNN, dict[str, np.ndarray]] | None:
    """The same model with constant masses and its parameters; None where M depends on q, is not diagonal, or A acts.

    Args:
        architecture: the model.
        parameters: its parameters; without known forces, all of H is counted in units of the first mass that moves.
    """
    if "mass.w0" not in parameters or architecture.magnetic or parameters["mass.w0"].any():
        return None
    variables = architecture.variables
    first, second = np.triu_indices(variables.n)
    between = (first != second) & (variables.moving[first] * variables.moving[second] > 0)
    masses = np.where(variables.moving > 0, parameters["mass.constant"][first == second], 1.0)
    if parameters["mass.constant"][between].any() or (masses <= 0).any():
        return None
    found = {name: value for name, value in parameters.items() if not name.startswith("mass.")}
    if variables.in_physical_units:
        found[LOG] = np.log(masses / variables.mass_units)
    else:
        moving = relative_degrees(variables)
        unit = float(masses[variables.moving > 0][0])
        if len(moving):
            found[RATIOS] = np.log(masses[moving] / unit)
        for name in ("potential.w0", "control.gain", "control.columns"):
            if name in found:
                found[name] = found[name] / unit
        for name in ("damping.log", "dry.log"):
            if name in found:
                found[name] = found[name] - np.log(unit)
    return replace(architecture, mass_matrix="constant"), found
