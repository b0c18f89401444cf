"""Schemes as JSON: {"scheme": name, setting: value, ...}; a scheme made of another one holds it as "inner"."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from hnn_gym.errors import InputError
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

INTEGRATORS: dict[str, type[Integrator]] = {
    scheme.__name__: scheme
    for scheme in (
        SymplecticEuler,
        Leapfrog,
        Yoshida4,
        Yoshida6,
        Yoshida8,
        ImplicitMidpoint,
        Gauss4,
        GeneralisedEuler,
        RungeKutta4,
        Euler,
    )
}
"""Schemes of their own, by name."""

COMBINATORS: dict[str, type[Integrator]] = {scheme.__name__: scheme for scheme in (InVelocities, StopsApart, Substeps)}
"""Schemes that are made of another one."""


def integrator_to_json(integrator: Integrator) -> dict[str, Any]:
    """A JSON-ready dict that :func:`integrator_from_json` reads.

    Raises:
        InputError: the scheme, or one inside it, is not for checkpoints.
    """
    name = type(integrator).__name__
    if name not in INTEGRATORS and name not in COMBINATORS:
        known = ", ".join([*INTEGRATORS, *COMBINATORS])
        raise InputError(f"{name} is not for checkpoints: choose from {known}.")
    settings = {one.name: getattr(integrator, one.name) for one in fields(integrator)}  # type: ignore[arg-type]
    if "inner" in settings:
        settings["inner"] = integrator_to_json(settings["inner"])
    return {"scheme": name} | settings


def integrator_from_json(data: Mapping[str, Any]) -> Integrator:
    """Read what :func:`integrator_to_json` wrote.

    Raises:
        InputError: the dict does not describe a scheme.
    """
    try:
        settings = dict(data)
        scheme = (INTEGRATORS | COMBINATORS)[settings.pop("scheme")]
        if "inner" in settings:
            settings["inner"] = integrator_from_json(settings["inner"])
        return scheme(**settings)
    except (LookupError, TypeError, AttributeError, ValueError) as error:
        raise InputError(f"This is not a description of a scheme ({error!r}): {data!r}.") from None
