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
from hnn_gym.files.reading import check_is_file, damage_of

Picture = tuple[np.ndarray, float | None]
"""A picture ``(H, W[, C])``, and the moment in s at which it is shown, None where that is unknown."""

_PICTURES = (".png", ".jpg", ".jpeg", ".bmp")
_MOST_PIXELS = 2**26
"""Of a picture; a damaged file can claim any number of them."""


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
    from PIL import Image

    paths = sorted(file for file in path.iterdir() if file.suffix.lower() in _PICTURES)
    if not paths:
        raise InputError(f"{path} holds no pictures ({', '.join(_PICTURES)}).")
    for file in paths:
        check_is_file(file)
        with damage_of(file):
            with Image.open(file) as opened:
                _check_size(file, *opened.size)
            picture = imageio.v3.imread(file, plugin="pillow")
        yield picture, None


def _of_gif(path: Path) -> Iterator[Picture]:
    from PIL import Image, ImageSequence

    check_is_file(path)
    with damage_of(path), Image.open(path) as file:
        _check_size(path, *file.size)
        moment: float | None = 0.0
        for picture in ImageSequence.Iterator(file):
            yield np.asarray(picture.convert("RGBA")), moment
            lasts = picture.info.get("duration", 0) / 1000
            moment = moment + lasts if moment is not None and lasts > 0 else None


def _of_container(path: Path) -> Iterator[Picture]:
    try:
        import av
    except ImportError:
        raise InputError(
            f'Films such as {path.name} need PyAV: pip install "hnn-gym[films]", or give a GIF or a folder of PNG '
            "files."
        ) from None
    check_is_file(path)
    with damage_of(path), av.open(str(path)) as container:
        if not container.streams.video:
            raise InputError(f"{path} cannot be read as a film: there are no pictures in it.")
        _check_size(path, container.streams.video[0].width, container.streams.video[0].height)
        shown: Any
        for shown in container.decode(video=0):
            _check_size(path, shown.width, shown.height)
            yield shown.to_ndarray(format="rgb24"), shown.time


def _check_size(path: Path, width: int, height: int) -> None:
    if width * height > _MOST_PIXELS:
        raise InputError(
            f"{path} has pictures of {width} x {height} pixels, and at most {_MOST_PIXELS:,} pixels are read: make "
            "them smaller."
        )
