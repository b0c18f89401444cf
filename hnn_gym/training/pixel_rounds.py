"""Rounds of dynamics and pictures: the positions that the frames show, and the motion behind them, in turn.

A round fits the dynamics to the encoded positions by multiple shooting, over windows longer than those of the round
before, as :mod:`hnn_gym.training.rounds` does with states; only that velocities are not observed, and that a smooth
change of the coordinate is learned as well (:mod:`hnn_gym.training.warp`). Then it fits the codec to the frames at the
positions of that motion, and encodes all frames again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import torch

from hnn_gym.coordinates import Coordinates
from hnn_gym.errors import InputError
from hnn_gym.models import Architecture, Variables
from hnn_gym.models.pixel import Codec, FourierBasis, FrameCodec, first_positions
from hnn_gym.training.fit import FitState, fit
from hnn_gym.training.objective import Objective
from hnn_gym.training.pixel_settings import PixelSettings
from hnn_gym.training.preparation import architecture_of
from hnn_gym.training.rounds import next_state
from hnn_gym.training.warp import Warp
from hnn_gym.training.windows import TrainingWindows

_LINE_MARGIN = 0.1
_NEAR_LIMIT = 0.97
"""Windows that come so near a speed limit, as a share of it, are left out: there the motion is not that of H."""
_WORSE = 1.2
"""A round after which frames and dynamics differ more than before by this factor is undone, and is the last."""

LineReport = Callable[[str], None]
"""Called with a line of text after every stage."""


@dataclass(frozen=True)
class Footage:
    """Recorded episodes of frames and actions, and what is declared of them.

    Attributes:
        frames: uint8 ``(N, H, W, C)``, all episodes one after another.
        lengths: frames of each episode.
        actions: by episode ``(T, m)``.
        coordinates: of the latent.
        dt: step in s.
        episodes: numbers of the episodes in the recording; (): all of them.
    """

    frames: np.ndarray
    lengths: tuple[int, ...]
    actions: Sequence[np.ndarray]
    coordinates: Coordinates
    dt: float
    episodes: tuple[int, ...] = ()

    @property
    def angle(self) -> bool:
        """Whether the body turns."""
        return self.coordinates.angles[0]

    @cached_property
    def free(self) -> Coordinates:
        """The coordinates without a speed limit."""
        degrees = tuple(replace(degree, speed_limit=None) for degree in self.coordinates.degrees)
        return replace(self.coordinates, degrees=degrees)

    def by_episode(self, values: np.ndarray) -> list[np.ndarray]:
        """Values of all frames ``(N, ...)``, cut into episodes."""
        return np.split(values, np.cumsum(self.lengths)[:-1])


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
    def architecture(self) -> Architecture:
        """The model of the dynamics."""
        return self.objective.architecture

    @property
    def parameters(self) -> dict[str, np.ndarray]:
        """The parameters of the dynamics."""
        return self.objective.model_parameters(self.state.parameters)


def first_guess(footage: Footage, settings: PixelSettings) -> np.ndarray:
    """Positions ``(N,)`` to begin with, turning as the torque turns where that is known.

    Raises:
        InputError: nothing moves, or not as declared.
    """
    q = first_positions(footage.frames, angle=footage.angle, blur=settings.blur)
    if footage.angle and footage.coordinates.in_physical_units:
        return q * _turning_sense(footage.by_episode(q), footage.actions, dt=footage.dt)
    return q


def fit_rounds(
    footage: Footage,
    model: str,
    *,
    options: Mapping[str, Any],
    settings: PixelSettings,
    report: LineReport,
    device: str | torch.device = "cpu",
) -> Fitted:
    """Go from the first guess through rounds of growing windows, to the last round that fits.

    Raises:
        InputError: nothing moves, or not as declared; the model does not take the options; or no window is slow enough.
        ConvergenceError: the dynamics do not fit.
    """
    q = first_guess(footage, settings)
    report("first guess of the position in every frame")
    margin = _LINE_MARGIN * float(q.max() - q.min())
    span = (-np.pi, np.pi) if footage.angle else (float(q.min()) - margin, float(q.max()) + margin)
    best: Fitted | None = None
    architecture: Architecture | None = None
    for number, horizon in enumerate(settings.horizons):
        windows = slow_windows(footage, q[:, None], horizon)
        if not len(windows):
            raise InputError(
                f"In every window of {horizon} steps the body comes near its speed limit, where its motion is not that "
                "of H: record calmer episodes, or ask for shorter horizons."
            )
        if architecture is None:
            variables = Variables.measured(footage.free, windows.states, windows.action, dt=footage.dt)
            architecture = architecture_of(model, variables, options)
        objective = Objective(
            architecture,
            footage.free,
            windows,
            integrator=architecture.integrator,
            dt=footage.dt,
            settings=settings.of_round(horizon),
            correction=Warp(windows, footage.free, harmonics=settings.warp, span=span, device=device),
            device=device,
        )
        state = fit(objective, state=None if best is None else next_state(objective, best.objective, best.state))
        count = settings.harmonics if number else max(1, settings.harmonics // 2)
        fitted = _with_pictures(footage, objective, state, FourierBasis(footage.angle, count, *span))
        q = fitted.positions[:, 0]
        report(
            f"windows of {horizon} steps: frames and dynamics differ by {fitted.rms:.2g}, "
            f"pictures by {fitted.codec.residual:.2g}"
        )
        if best is not None and fitted.rms > _WORSE * best.rms:
            report(f"windows of {horizon} steps are too long for this model: back to those of {best.horizon}")
            break
        best = fitted
    assert best is not None
    return best


def slow_windows(footage: Footage, q: np.ndarray, horizon: int) -> TrainingWindows:
    """Cut the positions of all frames ``(N, n)`` into windows, without those that come near a speed limit.

    A position that is NaN was not observed. The states of the windows have it between those before and after.
    """

    def cut(positions: np.ndarray) -> TrainingWindows:
        return TrainingWindows.cut(
            footage.by_episode(footage.free.observation(positions, np.full(positions.shape, np.nan))),
            footage.actions,
            coordinates=footage.free,
            dt=footage.dt,
            horizon=horizon,
        )

    windows = cut(q)
    if np.isnan(q).any():
        filled = cut(np.concatenate([interpolated(path) for path in footage.by_episode(q)]))
        windows = replace(windows, states=filled.states)
    limits = footage.coordinates.speed_limits
    if limits is None:
        return windows
    speeds = np.abs(windows.states[..., windows.states.shape[-1] // 2 :])
    return windows.select((np.nanmax(speeds, axis=1) < _NEAR_LIMIT * np.array(limits)).all(axis=-1))


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


def interpolated(path: np.ndarray) -> np.ndarray:
    """Positions ``(T + 1, n)`` with straight lines where they are NaN; the nearest ones at the ends."""
    filled = path.copy()
    moments = np.arange(len(path))
    for column in filled.T:
        known = np.isfinite(column)
        if known.any():
            column[~known] = np.interp(moments[~known], moments[known], column[known])
    return filled


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
