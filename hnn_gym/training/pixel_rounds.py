"""Rounds of dynamics and pictures: the positions that the frames show, and the motion behind them, in turn.

A round fits the dynamics to the encoded positions by multiple shooting, over windows longer than those of the round
before, as :mod:`hnn_gym.training.rounds` does with states; only that velocities are not observed. What a scene adds,
such as pictures that are fitted again at the positions of that motion, is a function of the round.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch

from hnn_gym.errors import InputError
from hnn_gym.models import Architecture, Variables
from hnn_gym.models.pixel import Codec
from hnn_gym.physics.integrators import Integrator
from hnn_gym.training.fit import FitState, fit
from hnn_gym.training.objective import Objective
from hnn_gym.training.pixel_footage import Footage, slow_windows
from hnn_gym.training.pixel_motion import Library
from hnn_gym.training.pixel_settings import PixelSettings
from hnn_gym.training.preparation import architecture_of
from hnn_gym.training.rounds import next_state
from hnn_gym.training.terms import Correction
from hnn_gym.training.windows import TrainingWindows

LineReport = Callable[[str], None]
"""Called with a line of text after every stage."""


@dataclass(frozen=True)
class Learner:
    """What learns from frames, and how.

    Attributes:
        model: kind of the dynamics.
        options: hyperparameters of the model.
        integrator: the scheme to learn through; None: the model's own.
        settings: of the rounds.
        report: called after every stage.
        device: where the dynamics are fitted.
    """

    model: str
    options: Mapping[str, Any]
    integrator: Integrator | None
    settings: PixelSettings
    report: LineReport
    device: str | torch.device = "cpu"


class Fitted(NamedTuple):
    """What a round has found.

    Attributes:
        objective: what was minimised.
        state: the end of its fit.
        codec: of the frames.
        states: where the dynamics say that the bodies are: [q, v] by episode, each ``(T + 1, 2n)``, NaN where no window
            lies.
        positions: of all frames ``(N, n)``, as the codec encodes them; NaN where a body is hidden.
        rms: of the difference between encoded positions and those, in rad or in units of the line.
    """

    objective: Objective
    state: FitState
    codec: Codec
    states: list[np.ndarray]
    positions: np.ndarray
    rms: float

    @property
    def horizon(self) -> int:
        """Steps of the windows, at the most."""
        return self.objective.settings.horizon

    @property
    def integrator(self) -> Integrator:
        """The scheme that the dynamics were fitted through."""
        return self.objective.integrator

    @property
    def architecture(self) -> Architecture:
        """The model of the dynamics."""
        return self.objective.architecture

    @property
    def parameters(self) -> dict[str, np.ndarray]:
        """The parameters of the dynamics."""
        return self.objective.model_parameters(self.state.parameters)


def fit_rounds(
    footage: Footage,
    q: np.ndarray,
    learner: Learner,
    seen: Callable[[Objective, FitState, int], Fitted],
    *,
    worse: float,
    correction: Callable[[TrainingWindows], Correction] | None = None,
    library: Library | None = None,
) -> Fitted:
    """Go through rounds of growing windows, to the last round that fits.

    Args:
        footage: what was recorded.
        q: positions to begin with ``(N, n)``, NaN where they are not known.
        learner: what is fitted, and how.
        seen: what a round has found: of its objective, the end of its fit, and its number.
        worse: a round after which frames and dynamics differ more than before by this factor is undone, and is the
            last.
        correction: of the observations of windows.
        library: functions that accelerations are sums of, to estimate the states that the first round begins with.

    Raises:
        InputError: the model does not take the options, or no window is slow enough.
        ConvergenceError: the dynamics do not fit.
    """
    best: Fitted | None = None
    architecture: Architecture | None = None
    for number, horizon in enumerate(learner.settings.horizons):
        windows = slow_windows(footage, q, horizon, library=library)
        if not len(windows):
            raise InputError(
                f"In every window of {horizon} steps the body comes near its speed limit, where its motion is not that "
                "of H: record calmer episodes, or ask for shorter horizons."
            )
        if architecture is None:
            variables = Variables.measured(footage.free, windows.states, windows.action, dt=footage.dt)
            architecture = architecture_of(learner.model, variables, learner.options)
        objective = Objective(
            architecture,
            footage.free,
            windows,
            integrator=learner.integrator or architecture.integrator,
            dt=footage.dt,
            settings=learner.settings.of_round(horizon),
            correction=None if correction is None else correction(windows),
            device=learner.device,
        )
        state = fit(objective, state=None if best is None else next_state(objective, best.objective, best.state))
        fitted = seen(objective, state, number)
        q = fitted.positions
        learner.report(
            f"windows of {horizon} steps: frames and dynamics differ by {fitted.rms:.2g}, "
            f"pictures by {fitted.codec.residual:.2g}"
        )
        if best is not None and not fitted.rms <= worse * best.rms:
            learner.report(f"windows of {horizon} steps are too long for this model: back to those of {best.horizon}")
            break
        best = fitted
    assert best is not None
    return best
