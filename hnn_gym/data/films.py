"""Films from elsewhere as datasets: folders of PNG files, GIF, MP4, or arrays.

Every film is an episode without actions. imageio reads the films, and MP4 and the like need one of its plugins
(``pip install "imageio[pyav]"``).
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from gymnasium.spaces import Box

from hnn_gym.data.episode import Episode
from hnn_gym.data.frames import FrameRule
from hnn_gym.data.provenance import Provenance
from hnn_gym.errors import InputError, MissingPathError, finite_number

FilmSource = str | os.PathLike[str] | np.ndarray
"""A folder of pictures, the file of a film, or frames ``(T + 1, H, W[, C])``."""

_PICTURES = (".png", ".jpg", ".jpeg", ".bmp")
_SAME = 0.02
"""Largest difference between the durations of frames, as a share, that counts as one rate."""


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
    episodes, first = [], None
    for number, film in enumerate(films):
        name = f"film {number}" if isinstance(film, np.ndarray) else str(film)
        frames, rate = _read(film, name)
        if rule is not None:
            frames = np.stack([rule(np.repeat(f, 3, axis=2) if f.shape[2] == 1 else f) for f in frames])
        if dt is None:
            dt = rate
        if dt is None:
            raise InputError(f"{name} does not say how long a frame lasts: give dt, the time between two frames in s.")
        if rate is not None and abs(rate - dt) > _SAME * dt and first is not None:
            raise InputError(
                f"{name} has {1 / rate:g} frames a second, and the films before {1 / dt:g}: give one rate."
            )
        if first is not None and frames.shape[1:] != first:
            raise InputError(f"{name} has frames of shape {frames.shape[1:]}, and the films before {first}.")
        first = frames.shape[1:]
        steps = len(frames) - 1
        if steps < 1:
            raise InputError(f"{name} has {len(frames)} frame, and motion needs at least two.")
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


def _read(film: FilmSource, name: str) -> tuple[np.ndarray, float | None]:
    """Frames, uint8 ``(T + 1, H, W, C)``, and the time between them in s, None where it is not said."""
    if isinstance(film, np.ndarray):
        pictures, rate = list(film), None
    elif not Path(film).exists():
        raise MissingPathError(f"There is no film at {film}.")
    elif Path(film).is_dir():
        paths = sorted(path for path in Path(film).iterdir() if path.suffix.lower() in _PICTURES)
        if not paths:
            raise InputError(f"{film} holds no pictures ({', '.join(_PICTURES)}).")
        pictures, rate = [_decoded(path) for path in paths], None
    else:
        pictures, rate = list(_decoded(Path(film), whole=True)), _rate(Path(film))
    for number, picture in enumerate(pictures):
        if picture.shape != pictures[0].shape:
            raise InputError(
                f"Frame {number} of {name} has the shape {picture.shape}, and those before {pictures[0].shape}: a film "
                "has frames of one size."
            )
    frames = np.stack(pictures) if pictures else np.zeros((0, 1, 1, 1), np.uint8)
    frames = frames[..., None] if frames.ndim == 3 else frames
    if frames.dtype != np.uint8 or frames.ndim != 4 or frames.shape[-1] not in (1, 3, 4):
        raise InputError(
            f"{name} has frames of {frames.dtype} and shape {frames.shape[1:]}: give uint8 (H, W), (H, W, 3) or "
            "(H, W, 4)."
        )
    if frames.shape[-1] == 4:  # on white
        opaque = frames[..., 3:] / 255.0
        frames = np.rint(frames[..., :3] * opaque + 255 * (1 - opaque)).astype(np.uint8)
    return frames, rate


def _decoded(path: Path, *, whole: bool = False) -> Any:
    import imageio.v3

    try:
        own: Any = {"plugin": "pillow"} if path.suffix.lower() in (*_PICTURES, ".gif") else {}
        read = imageio.v3.imread(path, **own)
        return read if not whole or read.ndim == 4 else read[None]
    except (OSError, ValueError, RuntimeError, ImportError) as error:
        raise InputError(
            f"{path} cannot be read as a film ({error}). MP4 and the like need a plugin: pip install 'imageio[pyav]'."
        ) from None


def _rate(path: Path) -> float | None:
    """The time between two frames in s, where the file says it; GIF files say how long every frame lasts.

    Raises:
        InputError: frames last differently.
    """
    if path.suffix.lower() == ".gif":
        from PIL import Image

        with Image.open(path) as picture:
            lasts = []
            for number in range(getattr(picture, "n_frames", 1)):
                picture.seek(number)
                lasts.append(float(picture.info.get("duration", 0)) / 1000)
        for number, seconds in enumerate(lasts[:-1]):
            if abs(seconds - lasts[0]) > _SAME * max(lasts[0], 1e-3):
                raise InputError(
                    f"Frame {number} of {path} lasts {seconds:g} s, and those before {lasts[0]:g} s: a film has frames "
                    "at one rate. Give the frames as a folder of PNG files, and dt."
                )
        return lasts[0] or None
    import imageio.v3

    fps = imageio.v3.immeta(path, exclude_applied=False).get("fps")
    return None if not fps else 1 / float(fps)
