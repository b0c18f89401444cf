"""One position: a first guess from blurred frames, then rounds in which pictures, dynamics and coordinate improve.

A smooth change of the coordinate is learned with the dynamics (:mod:`hnn_gym.training.warp`). After every round the
codec is fitted to the frames at the positions of the motion that was found, and all frames are encoded again.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hnn_gym.models.pixel import FourierBasis, FrameCodec, first_positions
from hnn_gym.training.fit import FitState
from hnn_gym.training.objective import Objective
from hnn_gym.training.pixel_footage import Footage
from hnn_gym.training.pixel_rounds import Fitted, Learner, fit_rounds
from hnn_gym.training.pixel_settings import PixelSettings
from hnn_gym.training.warp import Warp
from hnn_gym.training.windows import TrainingWindows

_LINE_MARGIN = 0.1
_WORSE = 1.2


def fit_position(footage: Footage, learner: Learner) -> Fitted:
    """Go from the first guess through rounds of growing windows, to the last round that fits.

    Raises:
        InputError: nothing moves, or not as declared; the model does not take the options; or no window is slow enough.
        ConvergenceError: the dynamics do not fit.
    """
    settings = learner.settings
    q = first_guess(footage, settings)
    learner.report("first guess of the position in every frame")
    margin = _LINE_MARGIN * float(q.max() - q.min())
    span = (-np.pi, np.pi) if footage.angle else (float(q.min()) - margin, float(q.max()) + margin)

    def seen(objective: Objective, state: FitState, number: int) -> Fitted:
        count = settings.harmonics if number else max(1, settings.harmonics // 2)
        return _with_pictures(footage, objective, state, FourierBasis(footage.angle, count, *span))

    def correction(windows: TrainingWindows) -> Warp:
        return Warp(windows, footage.free, harmonics=settings.warp, span=span, device=learner.device)

    return fit_rounds(footage, q[:, None], learner, seen, worse=_WORSE, correction=correction)


def first_guess(footage: Footage, settings: PixelSettings) -> np.ndarray:
    """Positions ``(N,)`` to begin with, turning as the torque turns where that is known.

    Raises:
        InputError: nothing moves, or not as declared.
    """
    q = first_positions(footage.frames, angle=footage.angle, blur=settings.blur)
    if footage.angle and footage.coordinates.in_physical_units:
        return q * _turning_sense(footage.by_episode(q), footage.actions, dt=footage.dt)
    return q


def _with_pictures(footage: Footage, objective: Objective, state: FitState, harmonics: FourierBasis) -> Fitted:
    """Fit the codec at the positions where the dynamics say that the body is, and encode all frames with it."""
    states = objective.windows.by_episode(objective.motion(state.parameters), footage.lengths)
    where = np.concatenate(states)[:, 0]
    known = ~np.isnan(where)
    codec = FrameCodec.fitted(footage.frames[known], where[known], harmonics)
    q = codec.encode(footage.frames)[..., 0]
    left = where[known] - q[known]
    rms = float(np.sqrt(np.mean(2 - 2 * np.cos(left)) if footage.angle else np.mean(left**2)))
    return Fitted(objective, state, codec, states, q[:, None], rms)


def _turning_sense(q: Sequence[np.ndarray], actions: Sequence[np.ndarray], *, dt: float) -> float:
    """1 or -1: whether the torque turns the body towards larger q, by regression of its acceleration."""
    basis = FourierBasis(True, 4)
    rows, accelerations = [], []
    for positions, action in zip(q, actions, strict=True):
        path = np.unwrap(positions)
        v = (path[2:] - path[:-2]) / (2 * dt)
        at = basis(path[1:-1])
        rows.append(np.column_stack([at, at * v[:, None] ** 2, action[1:, 0]]))
        accelerations.append(np.diff(path, 2) / dt**2)
    gain = np.linalg.lstsq(np.concatenate(rows), np.concatenate(accelerations), rcond=None)[0][-1]
    return -1.0 if gain < 0 else 1.0
