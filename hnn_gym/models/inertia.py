"""The masses of degrees of freedom: all of them where controls are known forces, and otherwise their ratios.

If no known force acts, H and every multiple of it move in the same way with M v = p. The mass of the first degree of
freedom that moves is 1 then, by definition, and energies are counted per unit of it. What bodies exchange still tells
how many times heavier than the first the others are.
"""

from __future__ import annotations

import numpy as np

from hnn_gym.models.architecture import RATIOS, Parameters, Variables
from hnn_gym.physics.phase import Array, namespace

LOG = "inertia.log"


def initial_inertia(variables: Variables, *, free: bool) -> dict[str, np.ndarray]:
    """Return the arrays that are learned, for equal masses.

    Args:
        variables: of the system.
        free: whether all masses are learned, as where controls are in SI units; otherwise their ratios are.
    """
    if free:
        return {LOG: np.zeros(variables.n)}
    ratios = len(relative_degrees(variables))
    return {RATIOS: np.zeros(ratios)} if ratios else {}


def relative_degrees(variables: Variables) -> np.ndarray:
    """The degrees of freedom that move, without the first, whose mass is the unit."""
    return np.flatnonzero(variables.moving)[1:]


def inertia_of(variables: Variables, parameters: Parameters) -> Array | float:
    """The masses ``(n,)`` of the parameters, or 1 where none are learned."""
    if LOG in parameters:
        log = parameters[LOG]
    elif RATIOS in parameters:
        ratios = parameters[RATIOS]
        rows = np.eye(variables.n)[:, relative_degrees(variables)]
        log = namespace(ratios).asarray(rows, dtype=ratios.dtype, device=getattr(ratios, "device", None)) @ ratios
    else:
        return 1.0
    masses = namespace(log).exp(log)
    if variables.length_unit == 1.0 or LOG not in parameters:
        return masses
    units = variables.mass_units[: masses.shape[0]]
    return masses * namespace(log).asarray(units, dtype=log.dtype, device=getattr(log, "device", None))
