"""The symplectic scheme by which a learned world is stepped: fine enough that its own error is below the model's."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from hnn_gym.physics.dynamics import Dynamics, Structure
from hnn_gym.physics.integrators import (
    Gauss4,
    ImplicitMidpoint,
    Integrator,
    InVelocities,
    Leapfrog,
    RungeKutta4,
    Substeps,
    Yoshida4,
    in_velocities,
)
from hnn_gym.worlds.world_model import WorldModel

LEAST_ERROR = 1e-3
"""Of a typical change in a step: no scheme is made finer than this asks for, however exact the model is."""

_COUNTS = (1, 2, 4, 8, 16, 32)
_REFERENCE = 64


class States(Protocol):
    """States with the forces that act there."""

    @property
    def q(self) -> np.ndarray:
        """Positions ``(N, n)``."""

    @property
    def v(self) -> np.ndarray:
        """Velocities ``(N, n)``."""

    @property
    def u(self) -> np.ndarray:
        """Forces ``(N, m)``."""

    @property
    def change(self) -> np.ndarray:
        """Typical changes of [q, v] in a step ``(2n,)``."""


def symplectic_scheme(world: WorldModel, states: States, *, error: float) -> Integrator:
    """The scheme that made the data where that is symplectic, else one whose own error is below the model's.

    With dry friction, which only kicks can apply, it is leapfrog in substeps.

    Args:
        world: the learned world with the scheme that made the data; one without an energy keeps it.
        states: where the schemes are compared.
        error: median error of the model in a step, in units of typical changes.
    """
    if not world.has_energy or world.integrator.symplectic:
        return world.integrator
    dynamics = world.dynamics
    families: list[Integrator]
    if dynamics.dry is not None:
        families = [in_velocities(Leapfrog(), dynamics)]
    elif dynamics.structure >= Structure.SPLIT:
        families = [Leapfrog(), Yoshida4()] if dynamics.structure == Structure.SEPARABLE else [Leapfrog()]
    else:
        families = [ImplicitMidpoint(), Gauss4()]
    allowed = max(error, LEAST_ERROR)
    reference = _ahead(world, _fine(dynamics), states)
    for count in _COUNTS:
        for scheme in families:
            found = _with_substeps(scheme, count)
            missed = (_ahead(world, found, states) - reference) / states.change
            if float(np.median(np.sqrt(np.mean(missed**2, axis=-1)))) <= allowed:
                return found
    return found


def _with_substeps(scheme: Integrator, count: int) -> Integrator:
    if count == 1:
        return scheme
    return InVelocities(Substeps(scheme.inner, count)) if isinstance(scheme, InVelocities) else Substeps(scheme, count)


def _fine(dynamics: Dynamics) -> Integrator:
    fine = RungeKutta4() if dynamics.dry is None else Leapfrog()
    return in_velocities(Substeps(fine, _REFERENCE), dynamics)


def _ahead(world: WorldModel, scheme: Integrator, states: States) -> np.ndarray:
    x = world.phase_point(states.q, states.v)
    new = scheme.step(world.dynamics, x, world.dt, states.u if states.u.shape[-1] else None)
    return np.concatenate(world.state(new), axis=-1)
