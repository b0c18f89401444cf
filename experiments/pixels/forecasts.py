"""Forecasts from frames: a state estimated from a few frames, then a thousand steps of dream, forward and backward."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from experiments.frame_metrics import THRESHOLD, normalised_pixel_error, valid_prediction_time
from experiments.pixels.films import DT, HALF_HEIGHT, Film, true_energy
from hnn_gym.errors import InputError
from hnn_gym.training.starts import estimated_starts
from hnn_gym.training.windows import TrainingWindows
from hnn_gym.worlds.pixel_world import PixelWorld, turned
from hnn_gym.worlds.world_model import WorldModel

_AFTER = (10, 100, 300, 1000)


class Forecast(NamedTuple):
    """Dreamt motion that continues some frames.

    Attributes:
        q: positions ``(N, T + 1)``; the first is that of the last frame seen.
        v: velocities.
    """

    q: np.ndarray
    v: np.ndarray


def forecast(seen: PixelWorld, frames: np.ndarray, *, steps: int, backwards: bool = False) -> Forecast:
    """Continue frames, uint8 ``(N, k + 1, H, W, C)``, by ``steps``: after the last of them, or before the first.

    Two frames give the state by their difference; more, by a fit of the world's own motion through all of them.
    """
    q = seen.codec.encode(frames)[..., 0]
    world = seen.world
    actions = np.zeros((len(q), q.shape[1] - 1, len(world.coordinates.controls)))
    lead = 0
    if q.shape[1] == 2:  # the velocity between two frames is that of the second
        x = world.phase_point(q[:, 1:], seen.velocity(q[:, :1], q[:, 1:]))
        lead = int(backwards)
    else:
        shown = world.coordinates.observation(q[..., None], np.full((*q.shape, 1), np.nan))
        windows = TrainingWindows.cut(
            list(shown), list(actions), coordinates=world.coordinates, dt=abs(world.dt), horizon=q.shape[1] - 1
        )
        x = world.phase_point(*np.split(estimated_starts(world, windows), 2, axis=-1))
        if not backwards:
            x = world.rollout(x, np.moveaxis(actions, 1, 0))[-1]
    with np.errstate(over="ignore", invalid="ignore"):
        path = (_backwards(world) if backwards else world).rollout(
            x, np.zeros((steps + lead, len(x), len(world.coordinates.controls)))
        )[lead:]
        q, v = world.state(path)
    return Forecast(q[..., 0].T, v[..., 0].T)


def measure(seen: PixelWorld, film: Film, *, context: int, steps: int, offset: float) -> dict[str, Any]:
    """Valid prediction times, angle errors and bands of the true energy of a world.

    Args:
        seen: the world.
        film: of at least ``context + steps`` steps.
        context: steps between the frames from which the state is estimated.
        steps: to forecast.
        offset: angle of the latent's origin, to compare with the truth.
    """
    told: dict[str, Any] = {}
    for label, length in (("two frames", 1), (f"{context + 1} frames", context)):
        forward = forecast(seen, film.frames[:, context - length : context + 1], steps=steps)
        backward = forecast(seen, film.frames[:, steps : steps + length + 1], steps=steps, backwards=True)
        later = pixel_errors(seen, forward, film.frames[:, context : context + steps + 1])
        before = pixel_errors(seen, backward, film.frames[:, steps::-1])
        told[label] = {
            "vpt_forward": _times(later),
            "vpt_backward": _times(before),
            "vpt_median": float(np.median(np.concatenate([_vpt(later), _vpt(before)]))),
            "angle_error_rad_median": _angle_errors(forward, film.states[:, context : context + steps + 1], offset),
            "angle_error_rad_median_backward": _angle_errors(backward, film.states[:, steps::-1], offset),
            "energy_band": energy_bands(forward, offset),
        }
    return told


def measure_real(film: Film, *, context: int, steps: int) -> dict[str, Any]:
    """Bands of the true energy of the real motion."""
    true = film.states[:, context : context + steps + 1]
    return {"energy_band": energy_bands(Forecast(true[..., 0], true[..., 1]), 0.0)}


def pixel_errors(seen: PixelWorld, dreamt: Forecast, frames: np.ndarray) -> np.ndarray:
    """e(t) ``(N, T + 1)`` of decoded frames against true ones, inf where the dream is not finite."""
    finite = np.isfinite(dreamt.q)
    rows = []
    for q, ok, true in zip(dreamt.q, finite, frames, strict=True):
        decoded = seen.codec.decode(np.where(ok, q, 0.0)[:, None])
        error = normalised_pixel_error(decoded.astype(np.float32), true.astype(np.float32), pixel_axes=3)
        rows.append(np.where(ok, error, np.inf))
    return np.stack(rows)


def energy_bands(dreamt: Forecast, offset: float) -> dict[str, float]:
    """Largest minus smallest *true* energy of each motion, as a share of the potential's height; median and worst.

    ``by_velocity`` takes the velocity of the state, in which the real map itself ripples: symplectic Euler knows p half
    a step away from q. ``by_angle`` takes the angles alone.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        angle = dreamt.q + offset
        bands = {
            "by_velocity": true_energy(np.stack([angle, dreamt.v], axis=-1)),
            "by_angle": energies_by_angle(angle, dt=DT),
        }
        told: dict[str, float] = {}
        for name, energy in bands.items():
            band = np.nan_to_num(energy.max(axis=1) - energy.min(axis=1), nan=np.inf) / (2 * HALF_HEIGHT)
            told |= {f"{name}_median": _json(np.median(band)), f"{name}_worst": _json(band.max())}
    return told


def energies_by_angle(angle: np.ndarray, *, dt: float) -> np.ndarray:
    """True energy ``(N, T - 1)`` in J of angles from upright ``(N, T + 1)``: v(t) = (q(t + dt) - q(t - dt)) / 2 dt."""
    moved = turned(np.diff(angle, axis=1), angle=True)
    return true_energy(np.stack([angle[:, 1:-1], (moved[:, 1:] + moved[:, :-1]) / (2 * dt)], axis=-1))


def origin(seen: PixelWorld, frames: np.ndarray, angles: np.ndarray) -> float:
    """The angle of the latent's origin: the mean turn from encoded to true angles ``(N,)``, for the evaluation only."""
    return float(np.angle(np.mean(np.exp(1j * (angles - seen.codec.encode(frames)[..., 0])))))


def encoding_error(seen: PixelWorld, frames: np.ndarray, angles: np.ndarray, offset: float) -> dict[str, float]:
    """RMS and largest error in rad of the encoded angle of single frames."""
    error = turned(angles - offset - seen.codec.encode(frames)[..., 0], angle=True)
    return {"rms_rad": float(np.sqrt(np.mean(error**2))), "largest_rad": float(np.abs(error).max())}


def _backwards(world: WorldModel) -> WorldModel:
    try:
        return world.backwards
    except InputError:  # a first-order network has no exact inverse: step it with -dt
        return world.with_dt(-world.dt)


def _vpt(error: np.ndarray) -> np.ndarray:
    return valid_prediction_time(error, threshold=THRESHOLD)


def _times(error: np.ndarray) -> dict[str, Any]:
    times = _vpt(error)
    return {"median": float(np.median(times)), "worst": int(times.min()), "all": times.tolist()}


def _angle_errors(dreamt: Forecast, true: np.ndarray, offset: float) -> dict[str, float]:
    with np.errstate(invalid="ignore"):
        error = np.abs(turned(true[..., 0] - offset - dreamt.q, angle=True))
    error = np.nan_to_num(error, nan=np.pi)
    return {str(t): float(np.median(error[:, t])) for t in _AFTER if t < error.shape[1]}


def _json(value: Any) -> float:
    return float(min(value, 1e9))
