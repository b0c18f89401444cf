"""The worlds that are compared, how they are learned, and the errors of their forecasts."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from experiments.real_robot.makers import makers_world
from experiments.real_robot.recordings import Forecasts, dataset_of, zeros_before
from hnn_gym.data.logs.table import Table
from hnn_gym.errors import ConvergenceError
from hnn_gym.physics.integrators import Integrator, InVelocities, Leapfrog
from hnn_gym.training import FitSettings, train_world
from hnn_gym.worlds.world_model import WorldModel

HORIZONS = (0.1, 0.2, 0.5, 1.0)
"""Of the forecasts, in s."""
STILL = "still"
"""The contender in whose world nothing moves."""


@dataclass(frozen=True)
class Contender:
    """How a world is learned.

    Attributes:
        model: kind of the model.
        options: its hyperparameters.
        fit: settings of the fit; multiple shooting over windows of ``horizon`` steps.
        every: only so many-th rows are learned from.
        integrator: the scheme.
        velocities: learn from the logged velocities too.
        differentiate: learn from velocities too that are derived from the positions of so many seconds; None: do not.
    """

    model: str
    options: Mapping[str, Any]
    fit: FitSettings
    every: int
    integrator: Integrator = field(default_factory=lambda: InVelocities(Leapfrog()))
    velocities: bool = False
    differentiate: float | None = None


def _shooting(**changed: Any) -> FitSettings:
    return FitSettings(**{"loss": "shooting", "adam_steps": 0, "lbfgs_steps": 0, "decay": 1e-8, **changed})


_LINKS = {"damping": True, "dry": True}
_SYMMETRIC = Contender("chain", {**_LINKS, "symmetric": True}, _shooting(horizon=50, least_squares_steps=25), every=5)
_ZEROS = replace(_SYMMETRIC, differentiate=0.042, fit=replace(_SYMMETRIC.fit, zeros=True))

FAMILIES: Mapping[str, Mapping[str, Contender]] = {
    "chain": {
        "chain-0.25": Contender("chain", _LINKS, _shooting(horizon=13, least_squares_steps=8), every=10),
        "chain-0.5": Contender("chain", _LINKS, _shooting(horizon=25, least_squares_steps=8), every=10),
    },
    "symmetric": {"symmetric-0.5": _SYMMETRIC},
    "differentiated": {"differentiated-0.5": replace(_SYMMETRIC, differentiate=0.042)},
    "measured": {"measured-0.5": replace(_SYMMETRIC, velocities=True)},
    "zeros": {"zeros-0.5": _ZEROS},
    "finer": {
        f"finer-{0.004 * horizon:.2g}": replace(_ZEROS, every=2, fit=replace(_ZEROS.fit, horizon=horizon, starts=4))
        for horizon in (63, 125)
    },
    "network": {
        f"network-{units}-{decay:g}": Contender(
            "second-order",
            {"hidden": (units,)},
            _shooting(horizon=13, adam_steps=100, least_squares_steps=30, decay=decay),
            every=10,
            differentiate=0.042,
        )
        for units, decay in ((16, 1e-5), (16, 1e-4), (16, 1e-3), (32, 1e-5))
    },
}
"""Worlds of one kind; where there are several, one is chosen inside the training recordings.

``chain`` is rigid links with viscous and Coulomb friction, from rows of 0.02 s in windows of 0.25 s or 0.5 s. The links
of ``symmetric`` hang straight at 0, as the makers say, and are learned from rows of 0.01 s; those of ``differentiated``
and ``measured`` see velocities too, and in ``zeros`` the encoders of every recording have unknown zeros as well, which
``finer`` learns from rows of 0.004 s by the best of four starts, in windows of 0.25 s or 0.5 s.
``network`` is a second-order network without physics, by its units and its decay, from derived velocities.
"""
CANDIDATES = {name: contender for family in FAMILIES.values() for name, contender in family.items()}
"""All that are learned, by name."""


def learn(contender: Contender, tables: Sequence[Table]) -> tuple[WorldModel, float]:
    """The world of recordings, and the CPU seconds that it took."""
    began = time.process_time()
    dataset = dataset_of(
        tables, every=contender.every, velocities=contender.velocities, differentiate=contender.differentiate
    )
    world = train_world(
        dataset,
        contender.model,
        settings=contender.fit,
        options=contender.options,
        integrator=contender.integrator,
    )
    return world, time.process_time() - began


def squared_errors(world: WorldModel | None, table: Table, *, zeros: np.ndarray | None = None) -> np.ndarray:
    """e1^2 + e2^2 ``(4, S)`` of the forecasts of a recording; without a world nothing moves.

    Args:
        world: the world.
        table: the recording.
        zeros: of the encoders ``(2,)``, or at the start of every forecast ``(S, 2)``; None: they are 0.
    """
    forecasts = Forecasts.of(table)
    if world is None:
        path = np.broadcast_to(forecasts.positions[:1], forecasts.positions.shape)
        return forecasts.squared_errors(path, HORIZONS)
    off = np.zeros(2) if zeros is None else zeros
    q, v = np.split(forecasts.states, 2, axis=-1)
    x = world.phase_point(q - off, v)
    with np.errstate(over="ignore", invalid="ignore"):
        try:
            states = world.rollout(x, forecasts.torques, durations=forecasts.durations)
        except ConvergenceError:
            return np.full((len(HORIZONS), len(x)), np.inf)
        found = forecasts.squared_errors(world.state(states)[0] + off, HORIZONS)
    return np.where(np.isfinite(found), found, np.inf)


def judged(name: str, train: Sequence[Table], test: Mapping[str, Table], *, in_sample: bool = False) -> dict[str, Any]:
    """Learn a contender from some recordings and forecast others.

    Args:
        name: of the contender.
        train: recordings to learn from.
        test: those that are forecast; zeros of their encoders are estimated from the rows before a forecast.
        in_sample: forecast the recordings to learn from as well, with the zeros of the fit.

    Returns:
        Mean squared errors and numbers of starts by recording, CPU seconds, parameters with units, and noise.
    """
    cpu, card = 0.0, dict[str, Any]()
    if name == STILL:
        world = None
    elif name.startswith("makers-"):
        world = makers_world(name.removeprefix("makers-"))
    else:
        world, cpu = learn(CANDIDATES[name], train)
        card = {"sensor_noise": world.card["figures"]["sensor_noise"], "friction": world.card.get("friction", [])}
        card |= {"zeros": world.card["zeros"]} if "zeros" in world.card else {}
    errors = {}
    for recording, table in test.items():
        zeros = None
        if world is not None and "zeros" in card:
            zeros = zeros_before(world, table, Forecasts.of(table).stamps)
        errors[recording] = squared_errors(world, table, zeros=zeros)
    if in_sample:
        fitted = card.get("zeros", [None] * len(train))
        pairs = [
            squared_errors(world, table, zeros=None if pair is None else np.array(pair))
            for table, pair in zip(train, fitted, strict=True)
        ]
        card["in_sample_mean_squares"] = [found.mean(axis=1).tolist() for found in pairs]
    return {
        "mean_squares": {recording: found.mean(axis=1).tolist() for recording, found in errors.items()},
        "starts": {recording: found.shape[1] for recording, found in errors.items()},
        "cpu_s": round(cpu, 1),
        **card,
    }


def pooled(cells: Sequence[Mapping[str, Any]]) -> list[float]:
    """Root mean square errors ``(4,)`` over all starts of several cells."""
    squares = [
        np.array(found) * cell["starts"][recording]
        for cell in cells
        for recording, found in cell["mean_squares"].items()
    ]
    count = sum(sum(cell["starts"].values()) for cell in cells)
    return [float(value) for value in np.sqrt(np.sum(squares, axis=0) / count)]
