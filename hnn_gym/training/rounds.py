"""Multiple shooting in rounds: short windows until they join, then long ones that begin where these ended.

A short window contains few steps, in which no error grows, so that all of them can be fitted from anywhere near. A
model that is wrong leaves gaps between them. In each round the gaps have 30 times as much weight as before, and the
last round, of long windows, begins where they are closed. Source: Bock, *Recent advances in parameter identification
techniques for ODE*, 1983, whose gaps are equations; here they are penalties that grow.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from hnn_gym.errors import instance
from hnn_gym.training.fit import FitReport, FitState, Fittable, fit
from hnn_gym.training.settings import FitSettings, Round


class RoundObjective(Fittable, Protocol):
    """What a round minimises; its parameters may have a leading axis of members."""

    def parameters_after(self, before: Any, parameters: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Where the fit begins, after that of the objective ``before`` has found ``parameters``."""


class ObjectiveMaker(Protocol):
    """A function that makes the objective of one round."""

    def __call__(self, settings: FitSettings, gap_weight: float = 0.0) -> RoundObjective:
        """Return it, of windows of the horizon of the settings, whose gaps have a weight."""


def fit_by_rounds(
    objective: ObjectiveMaker,
    rounds: Sequence[Round],
    settings: FitSettings,
    *,
    state: FitState | None = None,
    report: FitReport | None = None,
) -> FitState:
    """Fit one round after the other; each begins with what the one before has found.

    Args:
        objective: makes the objectives of the rounds.
        rounds: as :meth:`FitSettings.rounds` returns them.
        settings: of the fit.
        state: of an interrupted fit, to continue it; None: begin.
        report: called after every step.

    Raises:
        InputError: the state is not one of a fit.
        ConvergenceError: the fit diverged.
    """
    if state is not None:
        instance(state, "state", FitState)
    before: RoundObjective | None = None
    for number, (horizon, gap_weight) in enumerate(rounds):
        if state is None or state.round <= number:
            now = objective(settings.of_round(horizon), gap_weight)
            if before is not None and state is not None:
                state = next_state(now, before, state)
            state, before = fit(now, state=state, report=report), now
    assert state is not None
    return state


def next_state(now: RoundObjective, before: RoundObjective, state: FitState) -> FitState:
    """Return the state in which the fit of the next round begins.

    Args:
        now: the objective of that round.
        before: the objective of the round that has ended.
        state: the end of that round. Adam has found the basin in the first one and does not run again.
    """
    parameters = now.parameters_after(before, state.parameters)
    return FitState(
        parameters,
        round=state.round + 1,
        adam_step=now.settings.adam_steps,
        start=state.start,
        best=state.best,
    )
