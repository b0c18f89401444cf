"""The pictures of a film, one after the other, with the moment of each: folders, GIF files, and what FFmpeg reads.

A picture is read, made small and let go before the next one, so that a long film in high resolution fits into memory.
FFmpeg comes with PyAV (the extra ``films``), which is used directly because it says at what time each picture is shown.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from hnn_gym.errors import InputError, MissingPathError

Picture = tuple[np.ndarray, float | None]
"""A picture ``(H, W[, C])``, and the moment in s at which it is shown, None where that is unknown."""

_PICTURES = (".png", ".jpg", ".jpeg", ".bmp")


def pictures_of(path: Path) -> Iterator[Picture]:
    """Read the pictures of a film.

    Raises:
        MissingPathError: there is nothing at the path.
        InputError: it holds no pictures or cannot be read, or PyAV is not installed.
    """
    if not path.exists():
        raise MissingPathError(f"There is no film at {path}.")
    if path.is_dir():
        return _of_folder(path)
    return _of_gif(path) if path.suffix.lower() == ".gif" else _of_container(path)


def _of_folder(path: Path) -> Iterator[Picture]:
    import imageio.v3

    paths = sorted(file for file in path.iterdir() if file.suffix.lower() in _PICTURES)
    if not paths:
        raise InputError(f"{path} holds no pictures ({', '.join(_PICTURES)}).")
    for file in paths:
        try:
            picture = imageio.v3.imread(file, plugin="pillow")
        except (OSError, ValueError, SyntaxError) as error:
            raise InputError(f"{file} cannot be read as a picture: {error}.") from None
        yield picture, None


def _of_gif(path: Path) -> Iterator[Picture]:
    from PIL import Image, ImageSequence

    try:
        with Image.open(path) as file:
            moment: float | None = 0.0
            for picture in ImageSequence.Iterator(file):
                yield np.asarray(picture.convert("RGBA")), moment
                lasts = picture.info.get("duration", 0) / 1000
                moment = moment + lasts if moment is not None and lasts > 0 else None
    except (OSError, ValueError, SyntaxError, EOFError) as error:
        raise InputError(f"{path} cannot be read as a film: {error}.") from None


def _of_container(path: Path) -> Iterator[Picture]:
    try:
        import av
    except ImportError:
        raise InputError(
            f'Films such as {path.name} need PyAV: pip install "hnn-gym[films]", or give a GIF or a folder of PNG '
            "files."
        ) from None
    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise InputError(f"{path} cannot be read as a film: there are no pictures in it.")
            shown: Any
            for shown in container.decode(video=0):
                yield shown.to_ndarray(format="rgb24"), shown.time
    except av.error.FFmpegError as error:
        raise InputError(f"{path} cannot be read as a film: {error.strerror}.") from None
