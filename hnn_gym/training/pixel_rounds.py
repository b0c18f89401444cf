"""Rounds of dynamics and pictures: what the film shows, and what may lie behind it, each sharpened by the other.

A round fits the dynamics to the encoded positions (:mod:`hnn_gym.training.latent`), over windows longer than those of
the round before, then the codec to the frames at the positions that the dynamics tell, and encodes all frames anew.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch

from hnn_gym.coordinates import Coordinates
from hnn_gym.devices import on_numpy
from hnn_gym.errors import ConvergenceError, InputError
from hnn_gym.models import MODELS, Architecture, Variables
from hnn_gym.models.pixel import FourierBasis, FrameCodec, first_positions
from hnn_gym.training.latent import NEAR_LIMIT, STARTS, WARP, FrameWindows, Shooting, States, without_windows
from hnn_gym.training.least_squares import LeastSquaresSettings, least_squares, tensors
from hnn_gym.training.pixel_settings import PixelSettings

_LINE_MARGIN = 0.1
_WORSE = 1.2
"""A round that leaves frames and dynamics further apart than before by this factor is undone, and the last."""

Tell = Callable[[str], None]
"""Told a line after every stage."""


@dataclass(frozen=True)
class Footage:
    """Recorded episodes of frames and actions, and what is declared of them.

    Attributes:
        frames: uint8 ``(N, H, W, C)``, all episodes one after another.
        lengths: frames of each episode.
        actions: by episode ``(T, m)``.
        coordinates: of the latent.
        dt: step in s.
    """

    frames: np.ndarray
    lengths: tuple[int, ...]
    actions: Sequence[np.ndarray]
    coordinates: Coordinates
    dt: float

    @property
    def angle(self) -> bool:
        """Whether the body turns."""
        return self.coordinates.angles[0]

    def by_episode(self, values: np.ndarray) -> list[np.ndarray]:
        """Values of all frames ``(N,)``, cut into episodes."""
        return np.split(values, np.cumsum(self.lengths)[:-1])


class Fitted(NamedTuple):
    """What a round has found.

    Attributes:
        horizon: steps of its windows.
        architecture: of the dynamics.
        parameters: of the dynamics.
        codec: of the frames.
        states: where the dynamics say that the body is.
        rms: of the difference between encoded positions and those, in rad or in units of the line.
    """

    horizon: int
    architecture: Architecture
    parameters: dict[str, np.ndarray]
    codec: FrameCodec
    states: States
    rms: float


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
    tell: Tell,
    device: str | torch.device = "cpu",
) -> Fitted:
    """Go from the first guess through rounds of growing windows, to the last that fits.

    Raises:
        InputError: nothing moves, or not as declared; the model does not take the options; or no window is long or
            slow enough.
        ConvergenceError: the dynamics do not fit.
    """
    q = first_guess(footage, settings)
    tell("first guess of the position in every frame")
    margin = _LINE_MARGIN * float(q.max() - q.min())
    span = (-np.pi, np.pi) if footage.angle else (float(q.min()) - margin, float(q.max()) + margin)
    limits = footage.coordinates.speed_limits
    best: Fitted | None = None
    for i, horizon in enumerate(settings.horizons):
        windows = FrameWindows.cut(
            footage.by_episode(q),
            footage.actions,
            horizon=horizon,
            dt=footage.dt,
            angle=footage.angle,
            slower_than=np.inf if limits is None else NEAR_LIMIT * limits[0],
        )
        count = settings.harmonics if i else max(1, settings.harmonics // 2)
        fitted, q = _round(
            footage,
            windows,
            best or model,
            FourierBasis(footage.angle, count, *span),
            options=options,
            settings=settings,
            device=device,
        )
        tell(
            f"windows of {horizon} steps: frames and dynamics differ by {fitted.rms:.2g}, "
            f"pictures by {fitted.codec.residual:.2g}"
        )
        if best is not None and fitted.rms > _WORSE * best.rms:
            tell(f"windows of {horizon} steps are too long for this model: back to those of {best.horizon}")
            break
        best = fitted
    assert best is not None
    return best


def _round(
    footage: Footage,
    windows: FrameWindows,
    before: Fitted | str,
    harmonics: FourierBasis,
    *,
    options: Mapping[str, Any],
    settings: PixelSettings,
    device: str | torch.device,
) -> tuple[Fitted, np.ndarray]:
    """One round, from the one before or, at first, from the kind of the model; and the positions encoded anew."""
    new = isinstance(before, str)
    architecture = (
        _architecture(before, windows, footage.coordinates, options, dt=footage.dt)
        if isinstance(before, str)
        else before.architecture
    )
    shooting = Shooting(
        windows,
        architecture,
        footage.coordinates,
        dt=footage.dt,
        decay=settings.decay,
        span=(harmonics.low, harmonics.high),
        changes=settings.warp,
        device=device,
    )
    start = (
        architecture.initial_parameters(np.random.default_rng(settings.seed))
        if isinstance(before, str)
        else dict(before.parameters)
    )
    start |= {
        STARTS: shooting.starts(None if isinstance(before, str) else before.states),
        WARP: np.zeros(settings.warp * (2 if footage.angle else 1)),
    }
    if new:
        start = _descended(shooting, start, settings)
    when = LeastSquaresSettings(steps=settings.steps)
    found = least_squares(shooting.residual, start, local=STARTS, settings=when, device=device)
    states = shooting.positions_and_velocities(found, footage.lengths)
    where = np.concatenate(states[0])
    known = ~np.isnan(where)
    codec = FrameCodec.fitted(footage.frames[known], where[known], harmonics)
    q = codec.encode(footage.frames)[..., 0]
    left = where[known] - q[known]
    rms = float(np.sqrt(np.mean(2 - 2 * np.cos(left)) if footage.angle else np.mean(left**2)))
    horizon = windows.action.shape[1]
    return Fitted(horizon, architecture, without_windows(found), codec, states, rms), q


def _architecture(
    model: str, windows: FrameWindows, coordinates: Coordinates, options: Mapping[str, Any], *, dt: float
) -> Architecture:
    observation = coordinates.observation(windows.q[..., None], windows.v[..., None])
    variables = Variables.measured(coordinates, observation, windows.action, dt=dt)
    try:
        return MODELS[model](variables=variables, **options)  # type: ignore[call-arg]
    except TypeError as error:
        raise InputError(f"Model {model!r} does not take these options: {error}.") from None


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


def _descended(shooting: Shooting, start: dict[str, np.ndarray], settings: PixelSettings) -> dict[str, np.ndarray]:
    """Some steps of Adam, from weights drawn at random to where the residuals are nearly linear."""
    moving = {name: tensor.requires_grad_() for name, tensor in tensors(start, device=shooting.device).items()}
    optimizer = torch.optim.Adam(moving.values(), lr=settings.learning_rate)
    for step in range(settings.adam_steps):
        optimizer.zero_grad()
        loss = shooting.residual(moving).pow(2).mean()
        if not bool(torch.isfinite(loss)):
            raise ConvergenceError(f"The loss became {loss.item()} in step {step} of Adam: lower learning_rate.")
        loss.backward()
        optimizer.step()
    return {name: on_numpy(tensor) for name, tensor in moving.items()}
