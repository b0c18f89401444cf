"""Schemes by short names, for command lines and cards: "explicit-euler", "leapfrog", "rk4 x 5", ...

A name says how positions and velocities are stepped. Where the dynamics have a mass matrix that depends on the
positions, explicit schemes act in velocities; elsewhere the same map needs no change of variables.
"""

from __future__ import annotations

import re

from hnn_gym.errors import InputError, checked_arguments
from hnn_gym.physics.dynamics import Dynamics, Structure
from hnn_gym.physics.integrators.base import Integrator
from hnn_gym.physics.integrators.gauss import Gauss4
from hnn_gym.physics.integrators.generalised_euler import GeneralisedEuler
from hnn_gym.physics.integrators.implicit_midpoint import ImplicitMidpoint
from hnn_gym.physics.integrators.in_velocities import InVelocities
from hnn_gym.physics.integrators.leapfrog import Leapfrog
from hnn_gym.physics.integrators.runge_kutta import Euler, RungeKutta4
from hnn_gym.physics.integrators.stops_apart import StopsApart
from hnn_gym.physics.integrators.substeps import Substeps
from hnn_gym.physics.integrators.symplectic_euler import SymplecticEuler
from hnn_gym.physics.integrators.yoshida import Yoshida4, Yoshida6, Yoshida8

NAMES: dict[str, Integrator] = {
    "explicit-euler": Euler(),
    "semi-implicit-euler": SymplecticEuler(),
    "drift-first-euler": SymplecticEuler(drift_first=True),
    "leapfrog": Leapfrog(),
    "rk4": RungeKutta4(),
    "midpoint": ImplicitMidpoint(),
    "gauss4": Gauss4(),
    "generalised-euler": GeneralisedEuler(),
    "yoshida4": Yoshida4(),
    "yoshida6": Yoshida6(),
    "yoshida8": Yoshida8(),
}
"""The plain schemes by the names that command lines give them."""
IMPLICIT = (ImplicitMidpoint, Gauss4, GeneralisedEuler)
"""Schemes that act on [q, p] whatever the mass matrix is."""


@checked_arguments
def named_scheme(name: str) -> Integrator:
    """Return the scheme of a name, such as "rk4", or "rk4 x 5" for five substeps.

    Raises:
        InputError: there is no such scheme.
    """
    found = re.fullmatch(r"\s*([a-z0-9-]+?)\s*(?:x\s*([1-9][0-9]*))?\s*", name)
    scheme = NAMES.get(found[1]) if found else None
    if found is None or scheme is None:
        raise InputError(
            f'There is no scheme {name!r}: choose from {", ".join(NAMES)}, with "x 5" behind it for five substeps.'
        )
    return scheme if found[2] is None else Substeps(scheme, int(found[2]))


def scheme_name(scheme: Integrator) -> str:
    """Return the name of a scheme; the class's name where it has no other."""
    if isinstance(scheme, InVelocities | StopsApart):
        return scheme_name(scheme.inner)
    if isinstance(scheme, Substeps):
        return f"{scheme_name(scheme.inner)} x {scheme.count}"
    return next((name for name, known in NAMES.items() if known == scheme), type(scheme).__name__)


def in_velocities(scheme: Integrator, dynamics: Dynamics) -> Integrator:
    """Return the scheme that steps these dynamics as a name says: explicit schemes act in velocities.

    Where dq/dt depends on p alone, p is a constant multiple of v, and the scheme itself is that map.
    """
    explicit = scheme.requires <= Structure.SPLIT and not isinstance(
        _inner(scheme), ImplicitMidpoint | Gauss4 | GeneralisedEuler
    )
    needed = dynamics.structure < Structure.SPLIT and dynamics.second_order
    return InVelocities(scheme) if explicit and needed and not isinstance(scheme, InVelocities) else scheme


def _inner(scheme: Integrator) -> Integrator:
    return _inner(scheme.inner) if isinstance(scheme, StopsApart | Substeps) else scheme
