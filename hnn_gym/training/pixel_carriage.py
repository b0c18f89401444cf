"""A carriage with a part that turns: places and angles first, then the dynamics through them.

The parts are rigid, so that their pictures say where they are without any dynamics, up to a tenth of a pixel. So the
pictures are fitted once, before the dynamics, which follow by multiple shooting over windows that grow.
"""

from __future__ import annotations

import warnings

import numpy as np

from hnn_gym.models.pixel import Carriage, find_carriage
from hnn_gym.training.fit import FitState
from hnn_gym.training.objective import Objective
from hnn_gym.training.pixel_footage import Footage
from hnn_gym.training.pixel_motion import of_linkage
from hnn_gym.training.pixel_rounds import Fitted, Learner, fit_rounds

_WORSE = 1.5


def fit_carriage(footage: Footage, scene: Carriage, learner: Learner) -> Fitted:
    """Find the carriage and its part in all frames, and fit their dynamics.

    Raises:
        InputError: nothing moves, or not as declared; or the model does not take the options.
        ConvergenceError: the dynamics do not fit.

    Warns:
        UserWarning: some frames do not show the parts.
    """
    codec, q = find_carriage(footage.frames, aspect=scene.aspect, half_width=scene.half_width)
    hidden = np.flatnonzero(np.isnan(q).any(axis=-1))
    if len(hidden):
        warnings.warn(
            f"Frame {hidden[0]}, and {len(hidden) - 1} more of {len(q)}, do not show the carriage and its part, which "
            "the dynamics fill in.",
            stacklevel=3,
        )
    learner.report(f"the carriage and its part: pictures differ by {codec.residual:.2g}")

    def seen(objective: Objective, state: FitState, number: int) -> Fitted:
        states = objective.windows.by_episode(objective.motion(state.parameters), footage.lengths)
        left = np.concatenate(states)[:, :2] - q
        left[:, 1] = np.pi - (np.pi - left[:, 1]) % (2 * np.pi)
        return Fitted(objective, state, codec, states, q, float(np.sqrt(np.nanmean(left**2))))

    return fit_rounds(footage, q, learner, seen, worse=_WORSE, library=of_linkage(codec.angles))
