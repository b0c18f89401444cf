"""Coordinates as a file that a person edits: the declaration as JSON, beside sentences that say what it means."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hnn_gym.coordinates.declaration import Coordinates
from hnn_gym.errors import InputError, MissingPathError, checked_arguments
from hnn_gym.files.reading import read_json
from hnn_gym.files.single_file import write_file
from hnn_gym.files.storage import checked_path

_MEANING = "meaning"


@checked_arguments
def write_coordinates(path: str | Path, coordinates: Coordinates, *, meaning: Sequence[str]) -> None:
    """Write a file that :func:`read_coordinates` reads; a file at ``path`` is replaced.

    Args:
        path: of the file.
        coordinates: the declaration.
        meaning: sentences for the reader, which are not read back.

    Raises:
        StorageError: the operating system refuses to write it.
    """
    text = _layout({_MEANING: list(meaning), **coordinates.to_json()})
    write_file(path, text.encode())


@checked_arguments
def read_coordinates(path: str | Path, *, observation_size: int | None = None) -> Coordinates:
    """Read a file that :func:`write_coordinates` wrote, possibly edited since.

    Args:
        path: of the file.
        observation_size: number of observation entries that it must declare; None: any.

    Raises:
        MissingPathError: there is no such file.
        InputError: the file is not JSON, not a declaration of coordinates, or declares another number of entries.
    """
    path = checked_path(path)
    try:
        data = read_json(path)
    except MissingPathError:
        raise MissingPathError(f"There is no coordinates file {path}: python -m hnn_gym.collect writes one.") from None
    except InputError as error:
        raise InputError(f"The coordinates of a file cannot be read: {error}") from None
    data.pop(_MEANING, None)
    try:
        coordinates = Coordinates.from_json(data)
    except InputError as error:
        raise InputError(f"The coordinates file {path} does not fit: {error}") from None
    if observation_size is not None and coordinates.observation_size != observation_size:
        raise InputError(
            f"The coordinates file {path} declares {coordinates.observation_size} observation entries, and there are "
            f"{observation_size}: every entry has to be in it once."
        )
    return coordinates


def _layout(data: Mapping[str, Any]) -> str:
    """JSON with every part of a list on a line of its own."""
    parts = []
    for key, value in data.items():
        if isinstance(value, list) and value:
            rows = ",\n    ".join(json.dumps(row) for row in value)
            parts.append(f"  {json.dumps(key)}: [\n    {rows}\n  ]")
        else:
            parts.append(f"  {json.dumps(key)}: {json.dumps(value)}")
    return "{\n" + ",\n".join(parts) + "\n}\n"
