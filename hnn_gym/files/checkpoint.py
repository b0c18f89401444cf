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
from safetensors.numpy import save as save_arrays

from hnn_gym.errors import ExistingPathError, InputError, MissingPathError
from hnn_gym.files import release_0_1
from hnn_gym.files.committed import read_committed, write_committed
from hnn_gym.files.reading import MOST_JSON_BYTES, parse_arrays, parse_json, read_bytes, read_json
from hnn_gym.files.seal import check_seal, sealed
from hnn_gym.files.storage import checked_path, storage_errors

FORMAT = "hnn_gym.world"
VERSION = 2
CARD, _ARRAYS = "world.json", "world.safetensors"
_PICKLE_SUFFIXES = {".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".tar", ".zip"}
Content = tuple[Mapping[str, Any], Mapping[str, np.ndarray]]
"""A card and its arrays."""


def write_checkpoint(
    path: str | os.PathLike[str],
    card: Mapping[str, Any],
    arrays: Mapping[str, np.ndarray],
    *,
    parts: Mapping[str, Content] | None = None,
    overwrite: bool = False,
) -> None:
    """Write a card and its arrays into the folder ``path``, which may exist if it holds no checkpoint.

    All of it becomes valid at once: a process that is killed leaves the old checkpoint or the new one.

    Args:
        path: the folder.
        card: JSON-ready values.
        arrays: by name.
        parts: further cards and arrays by name, each in a folder of that name inside, see :func:`read_part`.
        overwrite: replace a checkpoint.

    Raises:
        ExistingPathError: the folder holds a checkpoint and ``overwrite`` is False.
        StorageError: the operating system refuses to write; what was there before is still there.
        InputError: the card holds what JSON cannot.
    """
    folder = checked_path(path)
    with storage_errors(folder):
        if folder.is_file():
            raise ExistingPathError(f"{folder} is a file: a checkpoint is a folder, give another path.")
        if (folder / CARD).exists() and not overwrite:
            raise ExistingPathError(f"{folder} holds a checkpoint already: give another path, or overwrite=True.")
    files: dict[str, bytes] = {}
    hashes: dict[str, dict[str, str]] = {}
    for part, (part_card, part_arrays) in (parts or {}).items():
        text, data = _encoded(part_card, part_arrays, {})
        files |= {f"{part}/{CARD}": text, f"{part}/{_ARRAYS}": data}
        hashes[part] = {CARD: _sha256(text), _ARRAYS: _sha256(data)}
    text, data = _encoded(card, arrays, {"parts": hashes})
    with storage_errors(folder):
        write_committed(folder, CARD, text, files | {_ARRAYS: data})


def read_checkpoint(path: str | os.PathLike[str]) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Read the card and the arrays of the checkpoint folder ``path``.

    Raises:
        MissingPathError: there is nothing at ``path``.
        StorageError: the operating system refuses to read it.
        InputError: it is a pickle, truncated, of another version, or not ours.
    """
    folder = checked_path(path)
    with storage_errors(folder, doing="read"):
        _check_place(folder)
    card = _checked(read_json(folder / CARD), folder)
    return card, parse_arrays(read_committed(folder, _ARRAYS, card.get("sha256")), folder / _ARRAYS)


def has_part(path: str | os.PathLike[str], part: str) -> bool:
    """Whether the checkpoint folder ``path`` has a part of this name.

    Raises:
        InputError: its card is damaged.
    """
    folder = checked_path(path)
    if not (folder / part).is_dir() or not (folder / CARD).is_file():
        return False
    parts = read_json(folder / CARD).get("parts", {part: None})  # older cards do not name their parts
    if not isinstance(parts, dict):
        raise InputError(f"The parts of {folder / CARD} are {parts!r}: it is damaged, or not one of ours.")
    return part in parts


def read_part(path: str | os.PathLike[str], part: str) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Read the card and the arrays of a part of the checkpoint folder ``path``.

    Raises:
        InputError: there is no such part; or it is damaged, or belongs to another checkpoint.
    """
    folder = checked_path(path) / part
    hashes = read_json(folder.parent / CARD).get("parts")
    if hashes is None:  # a card that release 0.2 or an earlier one wrote
        return read_checkpoint(folder)
    try:
        card_hash, arrays_hash = hashes[part][CARD], hashes[part][_ARRAYS]
    except (LookupError, TypeError):
        raise InputError(f"{path} has no part {part!r}: it is another kind of checkpoint.") from None
    text = read_committed(folder, CARD, card_hash, at_most=MOST_JSON_BYTES)
    card = _checked(parse_json(text, folder / CARD), folder)
    return card, parse_arrays(read_committed(folder, _ARRAYS, arrays_hash), folder / _ARRAYS)


def _check_place(folder: Path) -> None:
    """Refuse what is not a folder with a card."""
    if not folder.exists():
        raise MissingPathError(f"No checkpoint at {folder}: `python -m hnn_gym.train` makes one.")
    if folder.is_file():
        if folder.name in (CARD, _ARRAYS):
            raise InputError(f"{folder} is part of a checkpoint: give its folder, {folder.parent}.")
        if folder.suffix in _PICKLE_SUFFIXES or _looks_like_pickle(folder):
            raise InputError(
                f"{folder} is a pickle, which can execute code when loaded, and is refused: give a folder written by "
                "WorldModel.save."
            )
        raise InputError(f"{folder} is a file, not a checkpoint folder with {CARD} and {_ARRAYS}.")
    if not (folder / CARD).exists():
        raise InputError(f"{folder} has no {CARD}: it is not a checkpoint of hnn_gym, or a half-written one.")


def _encoded(
    card: Mapping[str, Any], arrays: Mapping[str, np.ndarray], extra: Mapping[str, Any]
) -> tuple[bytes, bytes]:
    """The bytes of a card and of its arrays."""
    data = save_arrays({name: np.ascontiguousarray(value) for name, value in arrays.items()})
    header = {"format": FORMAT, "version": VERSION, "sha256": _sha256(data), **extra}
    try:
        plain = json.loads(json.dumps(header | dict(card), allow_nan=False))
        return (json.dumps(sealed(plain), indent=1) + "\n").encode(), data
    except (TypeError, ValueError) as error:
        raise InputError(f"The card cannot be written as JSON ({error}): give it plain, finite values.") from None


def _checked(card: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The card in the words of this version."""
    if card.get("format") != FORMAT:
        raise InputError(f"{folder / CARD} is not the card of a world model.")
    if card.get("version") not in (1, VERSION):
        raise InputError(
            f"{folder} is a checkpoint of version {card.get('version')}, and this release reads versions 1 and "
            f"{VERSION}: train the world again, or install the release that wrote it."
        )
    check_seal(card, folder / CARD)
    return release_0_1.world_card(card) if card["version"] == 1 else card


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _looks_like_pickle(file: Path) -> bool:
    """Whether a file starts as pickles of protocol 2 and later do, or as the zip archives of torch.save."""
    start = read_bytes(file)[:2]
    return start == b"PK" or (start[:1] == b"\x80" and start[1:] in (b"\x02", b"\x03", b"\x04", b"\x05"))
