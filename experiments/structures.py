"""The three models that stand in every table of the benchmarks, and how each is fitted.

They differ in what they assume: a planar chain of rigid links; any M(q) and V(q) that are polynomials of the positions
and of the cosines and sines of angles, their sums and their differences; nothing but that velocities are the rates of
positions. All go through the scheme of the study in velocities. The chain begins at the solution of Lagrange's
equations and is fitted to whole pieces of motion. The others begin at the solution of linear equations too, for the
coefficients of the polynomials or the last layer of the network, and are fitted to single steps by Levenberg-Marquardt.

How large the network is and how its weights decay was chosen for every task, on recordings that no table reports.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from time import process_time
from typing import Any

import numpy as np

from hnn_gym.coordinates import Coordinates
from hnn_gym.data import TransitionDataset
from hnn_gym.errors import InputError
from hnn_gym.physics.integrators import Integrator, InVelocities, RungeKutta4, Substeps, SymplecticEuler
from hnn_gym.training import FitSettings, train_world
from hnn_gym.training.one_step import OneStepSettings, fit_one_step
from hnn_gym.training.preparation import Preparation
from hnn_gym.training.starting_point import StartingPoint
from hnn_gym.training.transitions import Transitions
from hnn_gym.worlds.world_model import WorldModel


@dataclass(frozen=True)
class ModelStructure:
    """One model.

    Attributes:
        model: its kind.
        options: its hyperparameters.
        fit: how it is fitted: to single steps row by row, or as every world of the package is.
    """

    model: str
    options: Mapping[str, Any] = field(default_factory=dict)
    fit: OneStepSettings | FitSettings = field(default_factory=FitSettings.without_networks)


NETWORK = "second-order network"
STRUCTURES = ("chain", "general M(q)", NETWORK)
"""The names in the tables."""
NETWORKS = {
    "symoden/pendulum": (128, 1e-12),
    "symoden/cart-pole": (32, 1e-15),
    "symoden/acrobot": (64, 1e-15),
    "chains/1": (128, 1e-15),
    "chains/2": (128, 1e-6),
    "chains/3": (128, 1e-6),
    "chains/5": (64, 1e-15),
    "lagrangian_rl/Reacher": (64, 1e-15),
    "lagrangian_rl/Pendulum": (128, 1e-6),
    "lagrangian_rl/Cartpole": (128, 1e-9),
    "lagrangian_rl/Acrobot": (32, 1e-9),
    "lagrangian_rl/Cart-2-pole": (32, 1e-15),
    "lagrangian_rl/Cart-3-pole": (32, 1e-6),
    "lagrangian_rl/Acro-3-bot": (64, 1e-15),
    "friction_rl/Pendulum": (64, 1e-9),
    "friction_rl/Pendulum-sw": (128, 1e-15),
    "friction_rl/CartPole": (64, 1e-6),
    "friction_rl/CartPole-sw": (32, 1e-12),
    "friction_rl/CartPole raised": (64, 1e-12),
    "friction_rl/Acrobot": (32, 1e-15),
    "friction_rl/Acrobot-sw": (32, 1e-15),
}
"""Units and weight decay of the network, by study and task, as ``python -m experiments.network_tuning`` chose them.

Those of five links were not compared: with more units the fit would take longer than five minutes.
"""


def structure_of(name: str, task: str) -> ModelStructure:
    """The model of a name in the tables, in a task such as "symoden/acrobot".

    Raises:
        InputError: the name is not in :data:`STRUCTURES`, or no network was chosen for the task.
    """
    if name not in STRUCTURES:
        raise InputError(f"There is no structure {name!r}: choose from {', '.join(STRUCTURES)}.")
    if name == "chain":
        return ModelStructure("chain")
    if name == "general M(q)":
        return ModelStructure("mechanical", {"hidden": (), "mass_matrix": "full"}, OneStepSettings())
    if task not in NETWORKS:
        raise InputError(f"No network was chosen for the task {task!r}: choose from {', '.join(NETWORKS)}.")
    return network(*NETWORKS[task])


def network(units: int, decay: float) -> ModelStructure:
    """A network without physics, with one hidden layer."""
    fit = OneStepSettings(steps=100, most_rows=3_000, decay=decay)
    return ModelStructure("second-order", {"hidden": (units,)}, fit)


def scheme(substeps: int = 1) -> Integrator:
    """RK4 in velocities with so many substeps."""
    return InVelocities(RungeKutta4() if substeps == 1 else Substeps(RungeKutta4(), substeps))


def learned(
    dataset: TransitionDataset,
    structure: ModelStructure,
    *,
    seed: int,
    integrator: Integrator | None = None,
    coordinates: Coordinates | None = None,
    horizon: int = 1,
    options: Mapping[str, Any] | None = None,
    fitted: int | None = None,
) -> tuple[WorldModel, float]:
    """Fit a structure to exact transitions.

    Args:
        dataset: the recording.
        structure: the model.
        seed: of the initial weights, and of the steps that are fitted.
        integrator: the scheme in velocities; None: one step of RK4.
        coordinates: what the observations and actions are; None: what the dataset declares.
        horizon: steps of a piece that a chain is fitted to.
        options: further hyperparameters.
        fitted: steps that a model is fitted to, at equal distances; None: all.

    Returns:
        The world, and the CPU time of the fit in s.
    """
    if fitted is not None and fitted < dataset.num_steps:
        dataset = spread(dataset, fitted, horizon)
    integrator, options = integrator or scheme(), {**structure.options, **(options or {})}
    begin = process_time()
    if isinstance(structure.fit, FitSettings):
        world = train_world(
            dataset,
            structure.model,
            settings=replace(structure.fit, seed=seed, horizon=horizon),
            options=options,
            integrator=integrator,
            coordinates=coordinates,
        )
        return world, process_time() - begin
    prepared = Preparation.of(dataset, structure.model, options=options, integrator=integrator, coordinates=coordinates)
    objective, found = prepared.objective(FitSettings()), prepared.found
    steps = Transitions.of(
        [episode.observation for episode in dataset],
        [found.coordinates.control_vector(episode.action) for episode in dataset],
        coordinates=found.coordinates,
        dt=found.dt,
    )
    architecture, inner = objective.architecture, getattr(integrator, "inner", integrator)
    start = StartingPoint(steps, architecture.variables, midpoint=not isinstance(inner, SymplecticEuler))
    parameters = fit_one_step(
        architecture,
        integrator,
        steps,
        start.candidates(architecture, seed)[0],
        settings=replace(structure.fit, seed=seed),
    )
    return objective.world(parameters), process_time() - begin


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
