"""The symplectic scheme by which a learned world is stepped: as near to the recording's as the model is.

The map that was recorded is that of its scheme. Where this is a fine one, it is the flow of H, and a symplectic scheme
comes as near as its order and substeps allow. Explicit Euler is no flow, and the nearest symplectic scheme is one that
has its positions.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from hnn_gym.errors import ConvergenceError
from hnn_gym.physics.dynamics import Structure
from hnn_gym.physics.integrators import (
    Gauss4,
    GeneralisedEuler,
    ImplicitMidpoint,
    Integrator,
    InVelocities,
    Leapfrog,
    StopsApart,
    Substeps,
    SymplecticEuler,
    Yoshida4,
    in_velocities,
)
from hnn_gym.worlds.world_model import WorldModel

LEAST_ERROR = 1e-5
"""Of a typical change in a step: no scheme is made finer than this asks for, however exact the model is."""

_COUNTS = (1, 2, 4, 8, 16, 32)
_ITERATED = (ImplicitMidpoint(), Gauss4(), GeneralisedEuler())
_ENOUGH = 4
_AS_NEAR = 1.3
"""A cheaper scheme may be farther from the recording than the nearest one by this factor."""
_GAINS = 0.7
"""Substeps that leave more than this share of the error come nearer to the flow of H, which was not recorded."""


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
    """The scheme that made the data where that is symplectic, else one that is as near to it as the model is.

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
        families += [SymplecticEuler(drift_first=True)]
    else:
        families = list(_ITERATED if dynamics.second_order else _ITERATED[:2])
    counts: tuple[int, ...] = _COUNTS
    stops = dynamics.stops
    if stops is not None:  # a step is to be shorter than the time in which a stop brakes
        families = [StopsApart(scheme) if scheme in _ITERATED else scheme for scheme in families]
        fewest = abs(world.dt) * float(np.max(stops.damping))
        counts = tuple(count for count in _COUNTS if count >= fewest) or _COUNTS[-1:]
    allowed = max(error, LEAST_ERROR)
    recorded = _ahead(world, world.integrator, states)
    found: dict[Integrator, float] = {}
    for count in counts:
        before = min(found.values(), default=np.inf)
        for scheme in families:
            finer = _with_substeps(scheme, count)
            try:
                missed = (_ahead(world, finer, states) - recorded) / states.change
            except ConvergenceError:
                continue
            found[finer] = float(np.median(np.sqrt(np.mean(missed**2, axis=-1))))
            if found[finer] <= allowed:
                return finer
        if count >= _ENOUGH and min(found.values(), default=0.0) > _GAINS * before:
            break
    if not found:
        return _with_substeps(families[0], _COUNTS[-1])
    return next(scheme for scheme, missed in found.items() if missed <= _AS_NEAR * min(found.values()))


def _with_substeps(scheme: Integrator, count: int) -> Integrator:
    if count == 1:
        return scheme
    return InVelocities(Substeps(scheme.inner, count)) if isinstance(scheme, InVelocities) else Substeps(scheme, count)


def _ahead(world: WorldModel, scheme: Integrator, states: States) -> np.ndarray:
    x = world.phase_point(states.q, states.v)
    new = scheme.step(world.dynamics, x, world.dt, states.u if states.u.shape[-1] else None)
    return np.concatenate(world.state(new), axis=-1)
