"""The Zarr v3 store of a dataset, and how it is read.

One group: its attributes name the format, its version, the recorded arrays and the provenance; every array
holds the rows of all episodes one after another. ``episode_ends`` holds the number of steps up to the end of
each episode and is written last, and thereby commits an episode: rows beyond it are ignored.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import zarr

from hnn_gym.data.episode import FIELDS, REQUIRED
from hnn_gym.data.provenance import Provenance
from hnn_gym.data.source import Column
from hnn_gym.errors import InputError, MissingPathError
from hnn_gym.files import release_0_1

FORMAT = "hnn_gym.transitions"
VERSION = 2
ENDS = "episode_ends"
UNCOMMITTED = 0
"""Fill value of ``episode_ends``: the value of a row that was allocated and never written."""


class StoreSource:
    """The arrays of a store; a row is read when it is requested.

    Args:
        path: folder of the store.

    Raises:
        MissingPathError: there is nothing at ``path``.
        InputError: it is not a Zarr group or not a dataset of this package, has another version, or is damaged.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        if not self.path.exists():
            aside = self.path.with_name(f".{self.path.name}.old")
            remedy = (
                f"an interrupted --overwrite left it at {aside}, where the next recording restores it"
                if aside.exists()
                else "record one with hnn_gym.collect"
            )
            raise MissingPathError(f"There is no dataset at {self.path}: {remedy}.")
        attributes = read_attributes(self.path)
        if attributes.get("format") != FORMAT:
            raise InputError(
                f"{self.path} is a Zarr group, but not a dataset of hnn_gym (its format is "
                f"{attributes.get('format')!r}, not {FORMAT!r}): give the path of a recorded dataset."
            )
        if attributes.get("version") == 1:
            attributes = release_0_1.dataset_attributes(attributes)
        elif attributes.get("version") != VERSION:
            raise InputError(
                f"{self.path} is a dataset of version {attributes.get('version')!r}, and this hnn_gym reads "
                f"versions 1 and {VERSION}: install the hnn_gym that wrote it, or record it again."
            )
        names = attributes.get("fields")
        if not isinstance(names, list) or not set(REQUIRED) <= set(names) <= set(FIELDS):
            raise self._damaged(f"its attributes name the arrays {names}")
        try:
            self.provenance = Provenance.from_json(attributes["provenance"])
        except (KeyError, InputError) as error:
            raise self._damaged("its provenance cannot be read") from error
        self._arrays = {name: self._open_array(name) for name in FIELDS if name in names}
        self.ends = self._read_ends()
        self.columns = {name: Column(np.dtype(array.dtype), array.shape[1:]) for name, array in self._arrays.items()}
        for name, array in self._arrays.items():
            self._check_rows(name, array)

    def read(self, name: str, rows: np.ndarray) -> np.ndarray:
        """See :class:`~hnn_gym.data.source.RowSource`.

        Raises:
            InputError: a chunk is damaged.
        """
        array = self._arrays[name]
        if len(rows) == 0:
            return np.empty((0, *array.shape[1:]), array.dtype)
        consecutive = bool(np.all(np.diff(rows) == 1))
        try:
            found = array[rows[0] : rows[-1] + 1] if consecutive else array.oindex[rows]
        except Exception as error:  # zarr and its codecs report damage by many types
            raise self._damaged(f"its array {name!r} cannot be decoded") from error
        return np.asarray(found)

    def _open_array(self, name: str) -> zarr.Array:
        try:
            return zarr.open_array(self.path / name, mode="r", zarr_format=3)
        except Exception as error:  # zarr reports damage by many types
            raise self._damaged(f"its array {name!r} is missing or cannot be read") from error

    def _read_ends(self) -> np.ndarray:
        array = self._open_array(ENDS)
        try:
            ends = np.asarray(array[:], np.int64)
        except Exception as error:  # zarr reports damage by many types
            raise self._damaged(f"its array {ENDS!r} cannot be decoded") from error
        # A run killed between allocating an end and writing it leaves UNCOMMITTED in the last row.
        committed = np.flatnonzero(ends != UNCOMMITTED)
        ends = ends[: committed[-1] + 1] if len(committed) else ends[:0]
        if len(ends) == 0 or np.any(np.diff(ends, prepend=0) <= 0):
            raise self._damaged("it holds no finished episode, or its episodes are out of order")
        return ends

    def _check_rows(self, name: str, array: zarr.Array) -> None:
        rows = FIELDS[name].rows(int(self.ends[-1]), len(self.ends))
        if array.shape[0] < rows:
            raise self._damaged(
                f"its array {name!r} has {array.shape[0]} rows where {len(self.ends)} episodes need {rows}"
            )
        # Zarr reads a missing chunk as fill values, without an error. The writer writes every chunk.
        blocks = [math.ceil(size / chunk) for size, chunk in zip(array.shape, array.chunks, strict=True)]
        blocks[0] = math.ceil(rows / array.chunks[0])
        for block in np.ndindex(*blocks):
            key = array.metadata.encode_chunk_key(block)
            if not (self.path / name / key).exists():
                raise self._damaged(f"chunk {key} of its array {name!r} is missing")

    def _damaged(self, what: str) -> InputError:
        return InputError(f"{self.path} is a damaged dataset: {what}. Restore it, or record it again.")


def read_attributes(path: Path) -> dict[str, Any]:
    """Return the attributes of the Zarr group at ``path``.

    Raises:
        InputError: there is no readable Zarr v3 group.
    """
    try:
        return dict(zarr.open_group(path, mode="r", zarr_format=3).attrs)
    except Exception as error:  # zarr reports damage by many types
        raise InputError(
            f"{path} is not a Zarr v3 group ({type(error).__name__}): give the path of a recorded dataset."
        ) from error
