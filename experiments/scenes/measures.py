"""How good a world from frames is: positions in single frames, and forecasts of films that it has not seen."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import gymnasium
import numpy as np

from experiments.frame_metrics import normalised_pixel_error, valid_prediction_time
from experiments.scenes.setups import FIRST_SEED, Film, Setup
from hnn_gym.models.pixel import Bodies, OnePosition, SpriteCodec, followed
from hnn_gym.systems.registry import true_world
from hnn_gym.training.pixel_motion import interpolated
from hnn_gym.training.starts import estimated_starts
from hnn_gym.training.windows import TrainingWindows
from hnn_gym.worlds.pixel_world import PixelWorld
from hnn_gym.worlds.world_model import WorldModel

_BUMP_J = 0.02


def encoded(seen: PixelWorld, frames: np.ndarray) -> np.ndarray:
    """Positions ``(N, T, n)`` of films ``(N, T, H, W, C)``; a hidden body is on a line between frames that show it."""
    if isinstance(seen.codec, SpriteCodec):
        return np.stack([interpolated(path) for path in followed(seen.codec, frames)])
    return np.stack([seen.codec.encode(film) for film in frames])


def to_truth(q: np.ndarray, true: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The scale and the offset of every position, by regression of true positions ``(M, n)`` on encoded ones."""
    scale = ((q - q.mean(0)) * (true - true.mean(0))).sum(0) / ((q - q.mean(0)) ** 2).sum(0)
    return scale, true.mean(0) - scale * q.mean(0)


def forecast(world: WorldModel, q: np.ndarray, *, steps: int) -> np.ndarray:
    """States [q, v] ``(N, steps + 1, 2n)`` that continue positions ``(N, k + 1, n)`` from the last of them.

    The world's own motion is fitted to all of these positions.
    """
    controls = len(world.coordinates.controls)
    shown = world.coordinates.observation(q, np.full(q.shape, np.nan))
    windows = TrainingWindows.cut(
        list(shown),
        [np.zeros((q.shape[1] - 1, controls))] * len(q),
        coordinates=world.coordinates,
        dt=world.dt,
        horizon=q.shape[1] - 1,
    )
    x = world.phase_point(*np.split(estimated_starts(world, windows), 2, axis=-1))
    lead = q.shape[1] - 1
    with np.errstate(over="ignore", invalid="ignore"):
        path = world.rollout(x, np.zeros((lead + steps, len(x), controls)))[lead:]
        found: np.ndarray = np.moveaxis(np.concatenate(world.state(path), axis=-1), 0, 1)
    return found


def measure(seen: PixelWorld, setup: Setup, film: Film) -> dict[str, Any]:
    """Errors of positions in pixels, valid prediction times, and how well energy and momenta are conserved."""
    size, n = film.frames.shape[2], seen.world.coordinates.n
    per_pixel = setup.height / size
    q = encoded(seen, film.frames)
    true_q = _in_order_of(q, film.states[..., :n]) if isinstance(setup.scene, Bodies) else film.states[..., :n]
    # A scene of known size is in metres already; otherwise the unit and the origin of a line are fitted.
    known = not isinstance(setup.scene, OnePosition) and setup.scene.in_metres
    scale, offset = (np.ones(n), np.zeros(n)) if known else to_truth(q.reshape(-1, n), true_q.reshape(-1, n))
    error = (scale * q + offset - true_q) / per_pixel
    dreamt = forecast(seen.world, q[:, : setup.context + 1], steps=setup.horizon)
    later, ahead = film.frames[:, setup.context :], true_q[:, setup.context :]
    path = scale * dreamt[..., :n] + offset
    pixels = np.stack([_pixel_error(seen, one[:, :n], frames) for one, frames in zip(dreamt, later, strict=True)])
    found: dict[str, Any] = {
        "position_rms_pixels": float(np.sqrt(np.mean(error**2))),
        "position_largest_pixels": float(np.abs(error).max()),
        "steps_within_one_pixel": _spread(_steps_within_one_pixel((path - ahead) / per_pixel)),
        "vpt": _spread(valid_prediction_time(pixels)),
    }
    if setup.chaotic:
        truth = forecast(true_world(setup.env_id), q[:, : setup.context + 1], steps=setup.horizon)[..., :n]
        found["true_map_steps_within_one_pixel"] = _spread(_steps_within_one_pixel((truth - ahead) / per_pixel))
    return found | _conserved(setup, path, scale * dreamt[..., n:], seen.world.dt)


def _in_order_of(q: np.ndarray, true: np.ndarray) -> np.ndarray:
    """True positions ``(N, T, n)`` with the bodies in the order in which a world has them.

    Frames do not show in which order an environment lists bodies that no action pushes.
    """
    seen, place = (values.reshape(*values.shape[:-1], -1, 2) for values in (q, true))
    orders = [list(order) for order in permutations(range(seen.shape[-2]))]
    best = min(orders, key=lambda order: float(((place[..., order, :] - seen) ** 2).sum()))
    ordered: np.ndarray = place[..., best, :].reshape(true.shape)
    return ordered


def _steps_within_one_pixel(errors: np.ndarray) -> np.ndarray:
    """How many steps all bodies are within one pixel, of errors of positions in pixels ``(N, T, n)``."""
    errors = np.nan_to_num(errors, nan=np.inf)
    bodies = errors.reshape(*errors.shape[:2], -1, 2) if errors.shape[-1] > 1 else errors[..., None]
    steps: np.ndarray = valid_prediction_time(np.sqrt((bodies**2).sum(-1)).max(-1), threshold=1.0)
    return steps


def bump(seen: PixelWorld, setup: Setup, *, states: int = 200) -> dict[str, Any]:
    """What a bump of 0.02 J in the latent of two bodies gives by the true energy, at states of the true motion."""
    if setup.env_id != "TwoBody-v0" or seen.world.dynamics.hamiltonian is None:
        return {}
    env: Any = gymnasium.make(setup.env_id).unwrapped
    true = []
    for seed in range(FIRST_SEED, FIRST_SEED + states):
        env.reset(seed=seed)
        for _ in range(seed % 50):
            env.step(np.zeros(2, np.float32))
        true.append(env.state)
    x = seen.world.phase_point(*np.split(np.array(true), 2, axis=-1))
    after = seen.world.state(seen.world.bump(x, np.full(states, _BUMP_J)).x)
    given = _true_energy(setup, *after) - _true_energy(setup, *np.split(np.array(true), 2, axis=-1))
    error = np.abs(given / _BUMP_J - 1)
    return {
        "bump_error_share": {"median": float(np.median(error)), "of_95_percent": float(np.quantile(error, 0.95))},
    }


def _true_energy(setup: Setup, q: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Energy in J, by the true H, of states ``(..., n)`` in m and m/s."""
    world = true_world(setup.env_id)
    return world.energy(world.phase_point(q, v))


def _pixel_error(seen: PixelWorld, q: np.ndarray, frames: np.ndarray) -> np.ndarray:
    """Normalised errors of decoded frames; with a white background, of the change that the bodies make to it."""
    finite = np.isfinite(q).all(-1) & (np.abs(np.nan_to_num(q, nan=1e9)) < 1e6).all(-1)
    decoded = seen.codec.decode(np.where(finite[:, None], q, 0.0)).astype(np.float32)
    background = np.median(frames[:: max(1, len(frames) // 50)], axis=0).astype(np.float32)
    background *= background.mean() > 128
    error = normalised_pixel_error(decoded - background, frames.astype(np.float32) - background, pixel_axes=3)
    return np.where(finite, error, np.inf)


def _conserved(setup: Setup, q: np.ndarray, v: np.ndarray, dt: float) -> dict[str, float]:
    """Changes of conserved quantities along forecasts, by their true formulas."""
    with np.errstate(over="ignore", invalid="ignore"):
        if setup.env_id == "Spring-v0":
            speed = (q[:, 2:, 0] - q[:, :-2, 0]) / (2 * dt)
            energy = q[:, 1:-1, 0] ** 2 + speed**2 / 4
            band = (energy.max(1) - energy.min(1)) / energy.mean(1)
            return {"energy_band_median": _plain(np.median(band)), "energy_band_worst": _plain(band.max())}
        place, speed = q.reshape(*q.shape[:2], -1, 2), v.reshape(*v.shape[:2], -1, 2)
        energy = _true_energy(setup, q, v)
        spin = (place[..., 0] * speed[..., 1] - place[..., 1] * speed[..., 0]).sum(-1)
        change = np.abs(spin - spin[:, :1]).max(1) / np.abs(spin[:, 0])
        band = (energy.max(1) - energy.min(1)) / np.abs(energy.mean(1))
    return {
        "angular_momentum_change_median": _plain(np.median(change)),
        "angular_momentum_change_worst": _plain(change.max()),
        "energy_band_median": _plain(np.median(band)),
        "energy_band_worst": _plain(band.max()),
    }


def _spread(times: np.ndarray) -> dict[str, Any]:
    return {"median": float(np.median(times)), "worst": int(times.min()), "all": times.tolist()}


def _plain(value: Any) -> float:
    return float(min(np.nan_to_num(value, nan=1e9), 1e9))
