"""The formula of a mechanical model whose M(q) and V(q) are polynomials with few terms, as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from hnn_gym.models.inertia import inertia_of
from hnn_gym.models.mechanical import MechanicalHNN

MOST_TERMS = 16
"""Longer formulas say nothing to people."""


def formula(architecture: MechanicalHNN, parameters: Mapping[str, np.ndarray]) -> tuple[str, ...]:
    """Parts such as "M11 = 3.5 + 1 cos(q1)" and "V = -14.7 cos(q0) - 4.9 cos(q0 + q1)", V up to a constant.

    Args:
        architecture: the model.
        parameters: its parameters, of which most terms are 0.

    Returns:
        The parts, those of degrees of freedom that move; none where M or V is a network, there are magnetic forces, or
        the formula is long.
    """
    if architecture.hidden or architecture.magnetic:
        return ()
    variables, potential = architecture.variables, parameters["potential.w0"]
    if "mass.w0" in parameters:
        slopes, constant = parameters["mass.w0"], parameters["mass.constant"]
        pairs = [(i, j) for i in range(variables.n) for j in range(i, variables.n)]
    else:
        constant = np.broadcast_to(inertia_of(variables, parameters), (variables.n,))
        slopes, pairs = np.zeros((variables.n, 0)), [(i, i) for i in range(variables.n)]
    if sum(int(np.count_nonzero(values)) for values in (slopes, constant, potential)) > MOST_TERMS:
        return ()
    masses, of_potential = architecture.mass_features, architecture.potential_features
    units, names = (masses.units, masses.names) if slopes.size else (1.0, ())
    parts = [
        f"M{i}{j} = {_sum((c, *row), ('', *names))}"
        for (i, j), row, c in zip(pairs, slopes / units, constant, strict=True)
        if variables.moving[i] and variables.moving[j]
    ]
    weights = variables.energy_scale * potential[0] / of_potential.units
    return (*parts, f"V = {_sum(weights, of_potential.names)}")


def _sum(weights: Sequence[float] | np.ndarray, names: Sequence[str]) -> str:
    found = ""
    for weight, name in zip(weights, names, strict=True):
        if weight:
            sign = ("-" if weight < 0 else "") if not found else " - " if weight < 0 else " + "
            size = f"{abs(weight):.4g}"
            found += sign + (name if size == "1" and name else f"{size} {name}".rstrip())
    return found or "0"
