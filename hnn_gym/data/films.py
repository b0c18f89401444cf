"""Films from elsewhere as datasets: folders of PNG files, GIF, MP4 and the like, or arrays.

Every film is an episode without actions. How its pictures are read is in :mod:`.pictures_of_films`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from gymnasium.spaces import Box

from hnn_gym.data.episode import Episode
from hnn_gym.data.frames import FrameRule
from hnn_gym.data.pictures_of_films import Picture, pictures_of
from hnn_gym.data.provenance import Provenance
from hnn_gym.errors import InputError, finite_number

FilmSource = str | os.PathLike[str] | np.ndarray
"""A folder of pictures, the file of a film, or frames ``(T + 1, H, W[, C])``."""

_SAME = 0.02
"""Largest difference between the rates of films, as a share, that counts as one rate."""
_OFF_BEAT, _ROUNDED = 0.1, 0.0101
"""A frame may be shown so much earlier or later than at an even rate: as a share of a step, or in s, because GIF files
round to 0.01 s."""


def episodes_of_films(
    films: Sequence[FilmSource], *, dt: float | None, rule: FrameRule | None
) -> tuple[list[Episode], Provenance]:
    """Read films; see :meth:`hnn_gym.TransitionDataset.from_films`.

    Raises:
        MissingPathError: there is no film at a path.
        InputError: a film cannot be read, has fewer than two frames, or frames of mixed sizes or durations; or no dt is
            known.
    """
    if not films:
        raise InputError("There are no films: give at least one path, or one array of frames.")
    dt = None if dt is None else finite_number(dt, "dt", above=0.0)
    episodes, first, first_rate = [], None, None
    for number, film in enumerate(films):
        name = f"film {number}" if isinstance(film, np.ndarray) else str(film)
        frames, rate = _frames(_pictures(film), name, rule)
        dt = rate if dt is None else dt
        if dt is None:
            raise InputError(f"{name} does not say how long a frame lasts: give dt, the time between two frames in s.")
        first_rate = rate if first_rate is None else first_rate
        if rate is not None and first_rate is not None and abs(rate - first_rate) > _SAME * first_rate:
            raise InputError(
                f"{name} has {1 / rate:.4g} frames a second, and the films before {1 / first_rate:.4g}: give films of "
                "one rate."
            )
        if first is not None and frames.shape[1:] != first:
            raise InputError(f"{name} has frames of shape {frames.shape[1:]}, and the films before {first}.")
        first = frames.shape[1:]
        steps = len(frames) - 1
        episodes.append(
            Episode(
                observation=np.zeros((steps + 1, 0), np.float32),
                action=np.zeros((steps, 0), np.float32),
                reward=np.zeros(steps),
                terminated=np.zeros(steps, bool),
                truncated=np.arange(steps) == steps - 1,
                time=np.arange(steps + 1) * dt,
                frame=frames,
            )
        )
    nothing = Box(-np.inf, np.inf, (0,), np.float32)
    return episodes, Provenance("film", nothing, nothing, dt=dt, frame_rule=rule)


def _pictures(film: FilmSource) -> Iterable[Picture]:
    return ((picture, None) for picture in film) if isinstance(film, np.ndarray) else pictures_of(Path(film))


def _frames(pictures: Iterable[Picture], name: str, rule: FrameRule | None) -> tuple[np.ndarray, float | None]:
    """Frames, uint8 ``(T + 1, H, W, C)``, and the time between them in s, None where the film does not say it."""
    frames: list[np.ndarray] = []
    moments: list[float | None] = []
    shape: tuple[int, ...] | None = None
    for number, (picture, moment) in enumerate(pictures):
        if shape is not None and picture.shape != shape:
            raise InputError(
                f"Frame {number} of {name} has the shape {picture.shape}, and those before {shape}: a film has frames "
                "of one size."
            )
        shape = picture.shape
        frames.append(_frame(picture, name, rule))
        moments.append(moment)
    if len(frames) < 2:
        raise InputError(f"{name} has {len(frames)} frame{'s' * (not frames)}, and motion needs at least two.")
    return np.stack(frames), _time_between(moments, name)


def _frame(picture: np.ndarray, name: str, rule: FrameRule | None) -> np.ndarray:
    """A picture of a film as a frame ``(H, W, C)``: on white where it is transparent, and by the rule."""
    picture = picture[..., None] if picture.ndim == 2 else picture
    if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[-1] not in (1, 3, 4):
        raise InputError(
            f"{name} has frames of {picture.dtype} and shape {picture.shape}: give uint8 (H, W), (H, W, 3) or "
            "(H, W, 4)."
        )
    if picture.shape[-1] == 4:
        opaque = picture[..., 3:] / 255.0
        picture = np.rint(picture[..., :3] * opaque + 255 * (1 - opaque)).astype(np.uint8)
    if rule is None:
        return picture
    return rule(np.repeat(picture, 3, axis=2) if picture.shape[2] == 1 else picture)


def _time_between(moments: Sequence[float | None], name: str) -> float | None:
    """The time between two frames in s; None where a film does not say it.

    Raises:
        InputError: the rate changes.
    """
    known = np.array([moment for moment in moments if moment is not None])
    if len(known) < len(moments):
        return None
    lasts = np.diff(known)
    usual = float(lasts.mean())
    late = np.abs(known - known[0] - usual * np.arange(len(known)))
    if not usual > 0 or late.max() > max(_ROUNDED, _OFF_BEAT * usual):
        jumps = np.abs(np.diff(lasts, prepend=lasts[0]))
        change = int((jumps >= jumps.max() / 2).argmax())
        raise InputError(
            f"Frame {change} of {name} lasts {lasts[change]:.4g} s, and that before it {lasts[change - 1]:.4g} s: a "
            "film has frames at one rate. Give the frames as a folder of PNG files, and dt."
        )
    return usual
