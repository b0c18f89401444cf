"""A fit from several starts, of which the one with the least objective is kept.

    theta_0: where every fit begins;    theta_k: new weights of networks, or theta_0 (1 + 0.3 e) with e ~ N(0, 1)

An objective may have many minima: with dry friction it has pieces, one for every order in which joints stick and
slide, and a fit ends in the piece in which it begins. The choice uses the recording that is learned from, and no other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch

from hnn_gym.errors import ConvergenceError, instance
from hnn_gym.training.fit import FitReport, FitState
from hnn_gym.training.objective import Objective
from hnn_gym.training.preparation import Preparation
from hnn_gym.training.rounds import fit_by_rounds
from hnn_gym.training.settings import FitSettings, Round

_SPREAD = 0.3
"""Standard deviation of a start around the first one, as a share of it."""


def fit_from_starts(
    prepared: Preparation,
    rounds: Sequence[Round],
    settings: FitSettings,
    *,
    state: FitState | None = None,
    report: FitReport | None = None,
) -> FitState:
    """Fit from every start, round by round, and return the end with the least objective.

    Args:
        prepared: makes the objectives of the rounds.
        rounds: as :meth:`FitSettings.rounds` returns them.
        settings: of the fit; ``starts`` is how many there are.
        state: of an interrupted fit, to continue it; None: begin.
        report: called after every step.

    Raises:
        InputError: the state is not one of a fit.
        ConvergenceError: the fit diverged from every start.
    """
    first = 0 if state is None else instance(state, "state", FitState).start
    if settings.starts == 1:
        return fit_by_rounds(prepared.objective, rounds, settings, state=state, report=report)
    whole = prepared.objective(settings)
    best: FitState | None = None
    failed: ConvergenceError | None = None
    least = np.inf
    if state is not None and state.best:
        best = replace(state, parameters=state.best)
        least = _value(whole, state.best)
    for number in range(first, settings.starts):
        kept = {} if best is None else best.parameters
        if state is None or state.start < number:
            (horizon, gap_weight), *_ = rounds
            begun = start_of(prepared.objective(settings.of_round(horizon), gap_weight), number)
            state = FitState(begun, start=number, best=kept)
        try:
            ended = fit_by_rounds(prepared.objective, rounds, settings, state=state, report=report)
        except ConvergenceError as error:
            failed = error
            continue
        value = _value(whole, ended.parameters)
        if value < least:
            best, least = replace(ended, best={}), value
    if best is None:
        assert failed is not None
        raise failed
    return best


def start_of(objective: Objective, number: int) -> dict[str, np.ndarray]:
    """Where a fit begins for the ``number``-th time, counted from 0."""
    if number == 0:
        return objective.initial_parameters()
    rng = np.random.default_rng([objective.settings.seed, number])
    parameters = objective.initial_parameters(rng)
    if objective.architecture.networks:
        return parameters
    model = objective.model_parameters(parameters)
    return parameters | {name: value * (1 + _SPREAD * rng.normal(size=value.shape)) for name, value in model.items()}


def _value(objective: Objective, parameters: Mapping[str, np.ndarray]) -> float:
    with torch.no_grad():
        value, _ = objective({name: torch.tensor(v, device=objective.device) for name, v in parameters.items()})
    return value.item() if bool(torch.isfinite(value)) else np.inf
