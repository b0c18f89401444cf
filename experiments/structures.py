"""The three models that stand in every table of the benchmarks, and how each is fitted.

They differ in what they assume: a planar chain of rigid links; any M(q) and V(q); nothing but that velocities are the
rates of positions. All go through the same scheme in velocities. Networks are fitted by a short Adam and then by
Levenberg-Marquardt, on transitions that are spread over the recording; the chain begins at the solution of Lagrange's
equations. Widths and steps of the networks are what some seconds of one core allow; they were not tuned.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from time import process_time
from typing import Any

import numpy as np

from hnn_gym.data import TransitionDataset
from hnn_gym.physics.integrators import Integrator, InVelocities, RungeKutta4, Substeps
from hnn_gym.training import FitSettings, train_world
from hnn_gym.worlds.world_model import WorldModel

SPREAD = 600
"""Steps that a network is fitted to."""


@dataclass(frozen=True)
class ModelStructure:
    """One model.

    Attributes:
        model: its kind.
        options: its hyperparameters.
        fit: how it is fitted.
    """

    model: str
    options: Mapping[str, Any] = field(default_factory=dict)
    fit: FitSettings = field(default_factory=FitSettings.without_networks)


_NETWORK = FitSettings(adam_steps=100, lbfgs_steps=0, least_squares_steps=30, decay=1e-12)
STRUCTURES = {
    "chain": ModelStructure("chain"),
    "general M(q)": ModelStructure("mechanical", {"hidden": (16,), "mass_matrix": "full"}, _NETWORK),
    "second-order network": ModelStructure("second-order", {"hidden": (16,)}, _NETWORK),
}
"""By the name in the tables."""


def scheme(substeps: int = 1) -> Integrator:
    """RK4 in velocities with so many substeps."""
    return InVelocities(RungeKutta4() if substeps == 1 else Substeps(RungeKutta4(), substeps))


def learned(
    dataset: TransitionDataset,
    name: str,
    *,
    seed: int,
    substeps: int = 1,
    horizon: int = 1,
    options: Mapping[str, Any] | None = None,
    fitted: int | None = None,
) -> tuple[WorldModel, float]:
    """Fit a structure to exact transitions.

    Args:
        dataset: the recording.
        name: a key of :data:`STRUCTURES`.
        seed: of the initial weights.
        substeps: of the scheme in one time step.
        horizon: steps of a window.
        options: further hyperparameters for the chain.
        fitted: steps that the chain is fitted to; None: all. Networks are fitted to :data:`SPREAD` at the most.

    Returns:
        The world, and the CPU time of the fit in s.
    """
    structure = STRUCTURES[name]
    chain = structure.model == "chain"
    most = min(fitted or dataset.num_steps, dataset.num_steps if chain else SPREAD)
    if most < dataset.num_steps:
        dataset = spread(dataset, most, horizon)
    begin = process_time()
    world = train_world(
        dataset,
        structure.model,
        settings=replace(structure.fit, seed=seed, horizon=horizon),
        options={**structure.options, **((options or {}) if chain else {})},
        integrator=scheme(substeps),
    )
    return world, process_time() - begin


def spread(dataset: TransitionDataset, steps: int, horizon: int) -> TransitionDataset:
    """Return about so many steps of a recording, as pieces of ``horizon`` steps at equal distances."""
    windows = dataset.windows(horizon)
    chosen = np.linspace(0, len(windows.action) - 1, steps // horizon).astype(int)
    first = dataset.episode(0)
    none = np.zeros((2, horizon), bool)
    episodes = [
        type(first)(windows.observation[i], windows.action[i], np.zeros(horizon), *none) for i in chosen.tolist()
    ]
    return TransitionDataset.from_episodes(episodes, dataset.provenance)
