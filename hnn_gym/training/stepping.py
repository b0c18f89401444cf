"""The symplectic scheme of a learned world: fine enough that its own error is below that of the model.

A recording is learned through the scheme that made it, which may gain energy, as explicit Euler does. The H that comes
out is stepped symplectically: by the very scheme of the recording where that is symplectic, otherwise by leapfrog where
H = T(p) + V(q), or by the implicit midpoint rule, in as many substeps as it takes.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hnn_gym.data import TransitionDataset
from hnn_gym.errors import ConvergenceError
from hnn_gym.physics.dynamics import Structure
from hnn_gym.physics.integrators import (
    ImplicitMidpoint,
    Integrator,
    InVelocities,
    Leapfrog,
    RungeKutta4,
    Substeps,
    SymplecticEuler,
)
from hnn_gym.worlds.world_model import WorldModel

_COUNTS = (1, 2, 4, 8, 16)
_REFERENCE = 16
"""Substeps of RK4 that stand for the exact flow."""
_SHARE = 0.3
"""The error of the scheme has to be below this share of the model's one-step error."""
_FLOOR = 1e-6
"""Relative change of state that no scheme has to resolve."""
_STATES = 64


def symplectic_scheme(world: WorldModel, dataset: TransitionDataset) -> Integrator:
    """The scheme with which a learned environment steps by default.

    Args:
        world: a world with an H.
        dataset: what it was learned from; its states are those at which the error is measured.
    """
    separable = world.dynamics.structure >= Structure.SPLIT
    learned_through = world.integrator
    if isinstance(learned_through, InVelocities) and separable:
        learned_through = learned_through.inner  # with a constant mass the two are the same map
    sticks = world.dynamics.dry is not None
    if learned_through.symplectic and (separable or not isinstance(learned_through, SymplecticEuler)):
        return learned_through
    base: Integrator = Leapfrog() if separable else InVelocities(Leapfrog()) if sticks else ImplicitMidpoint()
    steps = dataset.transitions()
    rows = np.linspace(0, len(steps) - 1, min(_STATES, len(steps))).astype(int)
    observation = np.asarray(steps.observation, np.float64)[rows]
    action = np.asarray(world.coordinates.control_vector(steps.action), np.float64)[rows]
    x = world.encode(observation)
    exact = _step(world, InVelocities(Substeps(Leapfrog() if sticks else RungeKutta4(), _REFERENCE)), x, action)
    own = _step(world, world.integrator, x, action)
    size = np.sqrt(np.mean((exact - x) ** 2, axis=0)) + 1e-300
    model = float(world.card.get("figures", {}).get("one_step_rms_on_training_data", 0.0))
    tolerance = max(_SHARE * model, _FLOOR, _SHARE * 0.1 * _distance(own, exact, size))
    for count in _COUNTS:
        scheme: Integrator = Substeps(base, count) if count > 1 else base
        if isinstance(base, InVelocities) and count > 1:
            scheme = InVelocities(Substeps(base.inner, count))
        try:
            if _distance(_step(world, scheme, x, action), exact, size) <= tolerance:
                return scheme
        except ConvergenceError:
            continue
    return scheme


def _step(world: WorldModel, scheme: Integrator, x: np.ndarray, action: np.ndarray) -> np.ndarray:
    stepped: np.ndarray = replace(world, integrator=scheme).step(x, action if world.coordinates.controls else None)
    return stepped


def _distance(x: np.ndarray, other: np.ndarray, size: np.ndarray) -> float:
    """Root mean square over states of the largest difference of an entry, in units of how far a step moves it."""
    return float(np.sqrt(np.mean(np.max(np.abs(x - other) / size, axis=-1) ** 2)))
