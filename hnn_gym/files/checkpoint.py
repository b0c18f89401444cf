"""A checkpoint is a folder: ``world.json``, the card, and ``world.safetensors``, the arrays.

Both are plain data: reading them executes nothing. The card is written last and holds the SHA-256 of the
arrays, so that a half-written or mixed-up checkpoint is noticed.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load as load_arrays
from safetensors.numpy import save as save_arrays

from hnn_gym.errors import ExistingPathError, InputError, MissingPathError
from hnn_gym.files import release_0_1

FORMAT = "hnn_gym.world"
VERSION = 2
_CARD, _ARRAYS = "world.json", "world.safetensors"
_PICKLE_SUFFIXES = {".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".tar", ".zip"}


def write_checkpoint(
    path: str | os.PathLike[str],
    card: Mapping[str, Any],
    arrays: Mapping[str, np.ndarray],
    *,
    overwrite: bool = False,
) -> None:
    """Write a card and its arrays into the folder ``path``, which may exist if it holds no checkpoint.

    Raises:
        ExistingPathError: the folder holds a checkpoint and ``overwrite`` is False.
        InputError: the card holds what JSON cannot.
    """
    folder = Path(path)
    if folder.is_file():
        raise ExistingPathError(f"{folder} is a file: a checkpoint is a folder, give another path.")
    if (folder / _CARD).exists() and not overwrite:
        raise ExistingPathError(f"{folder} holds a checkpoint already: give another path, or overwrite=True.")
    data = save_arrays({name: np.ascontiguousarray(value) for name, value in arrays.items()})
    header = {"format": FORMAT, "version": VERSION, "sha256": hashlib.sha256(data).hexdigest()}
    try:
        text = json.dumps(header | dict(card), indent=1, allow_nan=False) + "\n"
    except (TypeError, ValueError) as error:
        raise InputError(f"The card cannot be written as JSON ({error}): give it plain, finite values.") from None
    folder.mkdir(parents=True, exist_ok=True)
    _replace(folder / _ARRAYS, data)
    _replace(folder / _CARD, text.encode())


def read_checkpoint(path: str | os.PathLike[str]) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Read the card and the arrays of the checkpoint folder ``path``.

    Raises:
        MissingPathError: there is nothing at ``path``.
        InputError: it is a pickle, truncated, of another version, or not ours.
    """
    folder = Path(path)
    if not folder.exists():
        raise MissingPathError(f"No checkpoint at {folder}: `python -m hnn_gym.train` makes one.")
    if folder.is_file():
        if folder.name in (_CARD, _ARRAYS):
            raise InputError(f"{folder} is part of a checkpoint: give its folder, {folder.parent}.")
        if folder.suffix in _PICKLE_SUFFIXES or _looks_like_pickle(folder):
            raise InputError(
                f"{folder} is a pickle, which can execute code when loaded, and is refused: give a folder written by "
                "WorldModel.save."
            )
        raise InputError(f"{folder} is a file, not a checkpoint folder with {_CARD} and {_ARRAYS}.")
    for name in (_CARD, _ARRAYS):
        if not (folder / name).is_file():
            raise InputError(f"{folder} has no {name}: it is not a checkpoint of ours, or a half-written one.")
    try:
        card = json.loads((folder / _CARD).read_text())
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{folder / _CARD} is not JSON ({error}): the checkpoint is damaged.") from None
    if not isinstance(card, dict) or card.get("format") != FORMAT:
        raise InputError(f"{folder / _CARD} is not the card of a world model.")
    if card.get("version") == 1:
        card = release_0_1.world_card(card)
    elif card.get("version") != VERSION:
        raise InputError(
            f"{folder} is a checkpoint of version {card.get('version')}, and this release reads versions 1 and "
            f"{VERSION}: train the world again, or install the release that wrote it."
        )
    data = (folder / _ARRAYS).read_bytes()
    if hashlib.sha256(data).hexdigest() != card.get("sha256"):
        raise InputError(f"{folder / _ARRAYS} is not what its card describes: truncated, or from another checkpoint.")
    try:
        return card, load_arrays(data)
    except SafetensorError as error:
        raise InputError(f"{folder / _ARRAYS} cannot be read ({error}).") from None


def _replace(path: Path, data: bytes) -> None:
    partial = path.with_name(path.name + ".partial")
    partial.write_bytes(data)
    partial.replace(path)


def _looks_like_pickle(file: Path) -> bool:
    """Whether a file starts as pickles of protocol 2 and later do, or as the zip archives of torch.save."""
    with file.open("rb") as content:
        start = content.read(2)
    return start == b"PK" or (start[:1] == b"\x80" and start[1:] in (b"\x02", b"\x03", b"\x04", b"\x05"))
