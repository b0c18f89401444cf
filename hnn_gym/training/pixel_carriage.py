"""A carriage with a part that turns: places and angles first, then rounds in which dynamics and pictures improve.

The angle that a rod shows in the picture is the angle itself, so that no change of the coordinate is learned. After
every round the codec is fitted to the frames at the positions of the motion that was found, and all frames are encoded
again.
"""

from __future__ import annotations

import numpy as np

from hnn_gym.models.pixel import Carriage, CarriageCodec, FourierBasis, first_places
from hnn_gym.training.fit import FitState
from hnn_gym.training.objective import Objective
from hnn_gym.training.pixel_footage import Footage
from hnn_gym.training.pixel_rounds import Fitted, Learner, fit_rounds

_WORSE = 1.5
_MARGIN = 0.1
"""The pictures are fitted to angles beyond those that were seen, by this share of their range."""
_HARMONICS = 12
_PICTURES = 1500
"""Frames that pictures are fitted to, at the most, evenly spaced."""


def fit_carriage(footage: Footage, scene: Carriage, learner: Learner) -> Fitted:
    """Find the carriage and its part in all frames, and fit their dynamics.

    Raises:
        InputError: nothing moves, or not as declared; the model does not take the options; or no window is slow enough.
        ConvergenceError: the dynamics do not fit.
    """
    frames = footage.frames
    places = first_places(frames, aspect=scene.aspect)
    per_unit = scene.columns_per_unit(frames.shape[2])
    q = np.stack([(places.columns - frames.shape[2] / 2) / per_unit, places.angles], axis=-1)

    def codec_at(positions: np.ndarray) -> CarriageCodec:
        known = np.flatnonzero(np.isfinite(positions).all(axis=-1))
        chosen = known[:: -(-len(known) // _PICTURES)]
        low, high = float(positions[known, 1].min()), float(positions[known, 1].max())
        margin = _MARGIN * (high - low)
        turns = high - low + 2 * margin > 2 * np.pi
        return CarriageCodec.fitted(
            frames[chosen],
            positions[chosen],
            background=places.background,
            harmonics=FourierBasis(turns, _HARMONICS, low - margin, high + margin),
            radius=places.radius,
            columns_per_unit=per_unit,
        )

    def seen(objective: Objective, state: FitState, number: int) -> Fitted:
        states = objective.windows.by_episode(objective.motion(state.parameters), footage.lengths)
        where = np.concatenate(states)[:, :2]
        codec = codec_at(where)
        positions = codec.encode(frames)
        left = where - positions
        left[:, 1] = np.pi - (np.pi - left[:, 1]) % (2 * np.pi)
        return Fitted(objective, state, codec, states, positions, float(np.sqrt(np.nanmean(left**2))))

    codec = codec_at(q)
    q = codec.encode(frames)
    learner.report(f"places and angles of the carriage and its part: pictures differ by {codec.residual:.2g}")
    return fit_rounds(footage, q, learner, seen, worse=_WORSE)
