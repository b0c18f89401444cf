"""Films under recorded actions: forecasts by a learned world, and by the true map from what frames show."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import gymnasium
import numpy as np

from experiments.frame_metrics import normalised_pixel_error, valid_prediction_time
from hnn_gym.data import FrameRule, TransitionDataset, record_steps
from hnn_gym.data.frames import Camera
from hnn_gym.models.pixel import Scene
from hnn_gym.systems import Twin
from hnn_gym.systems.registry import true_world
from hnn_gym.training.starts import estimated_starts
from hnn_gym.training.windows import TrainingWindows
from hnn_gym.worlds.pixel_world import PixelWorld
from hnn_gym.worlds.world_model import WorldModel

FIRST_SEED = 1000
"""Seed of the first held-out film; recordings have the seeds 0, 1, 2, and settings were chosen on others."""


class Film(NamedTuple):
    """Held-out motions.

    Attributes:
        frames: uint8 ``(N, T + 1, H, W, C)``.
        states: of the environment ``(N, T + 1, 2n)``, for the evaluation only.
        actions: whole numbers ``(N, T, 1)``.
    """

    frames: np.ndarray
    states: np.ndarray
    actions: np.ndarray

    @property
    def first(self) -> Film:
        """The first of them alone."""
        return Film(*(part[:1] for part in self))


@dataclass(frozen=True)
class Driven:
    """An environment under recorded actions, and how a world is learned from its frames and judged.

    Attributes:
        env_id: of the environment.
        scene: what the frames show.
        models: who learns, and the id under which it ships, if it does.
        steps: recorded steps of random actions to learn from.
        horizons: of the training.
        context: steps of a film from which the state is estimated.
        horizon: steps to forecast.
        positions: which entries of the environment's state are positions.
        marks: of positions ``(..., n)``, the places in a picture that show an error of them, in pixels.
        action: of a held-out film, drawn by a generator, given the observation.
        lead: steps before a film of this number begins.
    """

    env_id: str
    scene: Scene
    models: Mapping[str, tuple[Twin, str | None]]
    steps: int
    horizons: tuple[int, ...]
    context: int
    horizon: int
    positions: tuple[int, ...]
    marks: Callable[[np.ndarray], np.ndarray]
    action: Callable[[np.random.Generator, np.ndarray], int]
    lead: Callable[[int], int] = lambda number: 0


def recorded(driven: Driven, *, size: int, seed: int) -> TransitionDataset:
    """Record random actions; the states are recorded too, for the evaluation only."""
    env = gymnasium.make(driven.env_id, render_mode="rgb_array")
    dataset = record_steps(env, steps=driven.steps, seed=seed, record_state=True, record_frames=FrameRule(size))
    env.close()
    return dataset


def filmed(driven: Driven, *, size: int, motions: int) -> Film:
    """Film the first episodes from seed 1000 on that last long enough."""
    env: Any = gymnasium.make(driven.env_id, render_mode="rgb_array")
    camera = Camera(env, FrameRule(size))
    films: list[Film] = []
    seed = FIRST_SEED
    while len(films) < motions:
        film = _one_film(env, camera, driven, seed=seed, lead=driven.lead(len(films)))
        films += [] if film is None else [film]
        seed += 1
    env.close()
    return Film(*(np.stack(part) for part in zip(*films, strict=True)))


def _one_film(env: Any, camera: Camera, driven: Driven, *, seed: int, lead: int) -> Film | None:
    """The film of one episode; None if it ends too soon."""
    rng = np.random.default_rng(seed)
    observation, _ = env.reset(seed=seed)
    frames, states, actions = [], [], []
    for step in range(lead + driven.context + driven.horizon):
        if step >= lead:
            frames.append(camera())
            states.append(np.array(env.unwrapped.state, np.float64))
        actions.append([driven.action(rng, observation)])
        observation, _, terminated, truncated, _ = env.step(actions[-1][0])
        if terminated or truncated:
            return None
    frames.append(camera())
    states.append(np.array(env.unwrapped.state, np.float64))
    return Film(np.array(frames), np.array(states), np.array(actions[lead:]))


def measure(seen: PixelWorld, driven: Driven, film: Film) -> dict[str, Any]:
    """Errors of positions, and forecasts under the recorded actions: of the world, and of the true map.

    The true map starts from the same encoded positions, turned into true ones by a scale and an offset. What it misses
    is what the frames do not show.
    """
    angles, context = np.array(seen.world.coordinates.angles), driven.context
    true = _without_jumps(film.states[..., list(driven.positions)], angles)
    q = _without_jumps(np.stack([seen.codec.encode(frames) for frames in film.frames]), angles)
    q = q + np.where(angles, 2 * np.pi * np.rint((true - q)[:, :1] / (2 * np.pi)), 0.0)
    flat, target = q.reshape(-1, len(angles)), true.reshape(-1, len(angles))
    scale, offset = np.array([np.polyfit(flat[:, i], target[:, i], 1) for i in range(len(angles))]).T
    shown = scale * q + offset
    found: dict[str, Any] = {
        "position_rms_pixels": float(np.sqrt(np.mean((driven.marks(shown) - driven.marks(true)) ** 2))),
        "angle_rms_rad": float(np.sqrt(np.mean((shown - true)[..., angles] ** 2))),
        "angle_scale": float(scale[angles][0]),
    }
    own = _forecast(seen.world, driven, q, film.actions)
    truth = (_forecast(true_world(driven.env_id), driven, shown, film.actions) - offset) / scale
    for name, path in (("", own), ("true_map_", truth)):
        known = np.isfinite(path).all(-1)
        away = driven.marks(scale * np.where(known[..., None], path, 0.0) + offset) - driven.marks(true[:, context:])
        pixels = np.stack(
            [_pixel_error(seen, dreamt, frames[context:]) for dreamt, frames in zip(path, film.frames, strict=True)]
        )
        error = np.where(known, np.abs(away).max(-1), np.inf)
        found[f"{name}steps_within_one_pixel"] = spread(valid_prediction_time(error, threshold=1.0))
        found[f"{name}vpt"] = spread(valid_prediction_time(pixels))
    return found


def dreamt(seen: PixelWorld, driven: Driven, film: Film) -> np.ndarray:
    """Positions ``(N, horizon + 1, n)`` that a world forecasts from the frames of the context, under the actions."""
    q = np.stack([seen.codec.encode(frames[: driven.context + 1]) for frames in film.frames])
    return _forecast(seen.world, driven, q, film.actions)


def floor(
    driven: Driven, film: Film, *, errors: tuple[float, ...] = (4e-3, 1e-3, 1e-4), draws: int = 4
) -> dict[str, float]:
    """Median steps within one pixel of the true map, if frames showed positions with errors of so many m and rad.

    The errors are normal, and those of every frame its own.
    """
    world, rng, found = true_world(driven.env_id), np.random.default_rng(0), {}
    true = _without_jumps(film.states[..., list(driven.positions)], np.array(world.coordinates.angles))
    for error in errors:
        away = []
        for _ in range(draws):
            path = _forecast(world, driven, true + error * rng.normal(size=true.shape), film.actions)
            gone = driven.marks(np.nan_to_num(path, nan=1e9)) - driven.marks(true[:, driven.context :])
            away.append(np.where(np.isfinite(path).all(-1), np.abs(gone).max(-1), np.inf))
        found[f"{error:g}"] = float(np.median(valid_prediction_time(np.concatenate(away), threshold=1.0)))
    return found


def spread(times: np.ndarray) -> dict[str, Any]:
    """The median, the worst and all of some times."""
    return {"median": float(np.median(times)), "worst": int(times.min()), "all": times.tolist()}


def _without_jumps(q: np.ndarray, angles: np.ndarray) -> np.ndarray:
    """Positions ``(N, T, n)`` whose angles do not jump by whole turns."""
    straight: np.ndarray = np.where(angles, np.unwrap(q, axis=1), q)
    return straight


def _forecast(world: WorldModel, driven: Driven, q: np.ndarray, actions: np.ndarray) -> np.ndarray:
    """Positions ``(N, horizon + 1, n)`` from the end of the context on, to whose positions the motion is fitted."""
    coordinates, context = world.coordinates, driven.context
    forces = np.asarray(coordinates.control_vector(actions), np.float64)
    windows = TrainingWindows.cut(
        [coordinates.observation(path, np.full(path.shape, np.nan)) for path in q[:, : context + 1]],
        list(forces[:, :context]),
        coordinates=coordinates,
        dt=world.dt,
        horizon=context,
    )
    # Their starts determine an unstable motion best in steps that grow with it: ten frames first, then all of them.
    short = replace(
        windows,
        observation=windows.observation[:, :11],
        states=windows.states[:, :11],
        action=windows.action[:, :10],
        steps=np.full(len(q), 10),
    )
    first = estimated_starts(world, short)
    windows = replace(windows, states=np.concatenate([first[:, None], windows.states[:, 1:]], axis=1))
    x = world.phase_point(*np.split(estimated_starts(world, windows), 2, axis=-1))
    with np.errstate(over="ignore", invalid="ignore"):
        path = world.state(world.rollout(x, np.moveaxis(forces, 1, 0)))[0]
    return np.moveaxis(path, 0, 1)[:, context:]


def _pixel_error(seen: PixelWorld, q: np.ndarray, frames: np.ndarray) -> np.ndarray:
    """Normalised errors of decoded frames, of the change that the parts make to the background."""
    finite = np.isfinite(q).all(-1) & (np.abs(np.nan_to_num(q, nan=1e9)) < 1e3).all(-1)
    background = seen.codec.background.astype(np.float32)
    decoded = seen.codec.decode(np.where(finite[:, None], q, 0.0)).astype(np.float32) - background
    error = normalised_pixel_error(decoded, frames.astype(np.float32) - background, pixel_axes=3)
    return np.where(finite, error, np.inf)
