"""The Zarr v3 store of a dataset, and how it is read.

One group: its attributes name the format, its version, the recorded arrays and the provenance; every array
holds the rows of all episodes one after another. ``episode_ends`` holds the number of steps up to the end of
each episode and is written last, and thereby commits an episode: rows beyond it are ignored. ``episode_checks`` holds
a hash of the rows of every episode in every array, so that a chunk that was swapped or replaced is noticed when its
rows are read.
"""

from __future__ import annotations

import hashlib
import math
import os
from pathlib import Path
from typing import Any

import numpy as np
import zarr

from hnn_gym.data.episode import FIELDS, REQUIRED
from hnn_gym.data.provenance import Provenance
from hnn_gym.data.source import Column
from hnn_gym.errors import InputError, MissingPathError
from hnn_gym.files import release_0_1
from hnn_gym.files.reading import read_json
from hnn_gym.files.seal import check_seal
from hnn_gym.files.storage import checked_path, storage_errors

FORMAT = "hnn_gym.transitions"
VERSION = 2
ENDS = "episode_ends"
CHECKS = "episode_checks"
_METADATA = "zarr.json"
UNCOMMITTED = 0
"""Fill value of ``episode_ends``: the value of a row that was allocated and never written."""


_MOST_ROW_BYTES = 2**28
_MOST_CHUNK_BYTES = 2**24


def row_check(rows: np.ndarray) -> int:
    """A hash of 63 bits of the rows of an episode in one array, their dtype and shape included."""
    array = np.ascontiguousarray(rows, rows.dtype.newbyteorder("<"))
    digest = hashlib.blake2b(f"{array.dtype.str} {array.shape}".encode(), digest_size=8)
    digest.update(array.data if array.size else b"")
    return int.from_bytes(digest.digest(), "little") >> 1


class StoreSource:
    """The arrays of a store; a row is read when it is requested.

    Args:
        path: folder of the store.

    Raises:
        MissingPathError: there is nothing at ``path``.
        InputError: it is not a Zarr group or not a dataset of this package, has another version, or is damaged.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = checked_path(path)
        with storage_errors(self.path, doing="read"):
            exists = self.path.exists()
        if not exists:
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
        if attributes.get("version") not in (1, VERSION):
            raise InputError(
                f"{self.path} is a dataset of version {attributes.get('version')!r}, and this hnn_gym reads "
                f"versions 1 and {VERSION}: install the hnn_gym that wrote it, or record it again."
            )
        check_seal(attributes, self.path / _METADATA)
        if attributes["version"] == 1:
            attributes = release_0_1.dataset_attributes(attributes)
        names = attributes.get("fields")
        if not isinstance(names, list) or not set(REQUIRED) <= {str(name) for name in names} <= set(FIELDS):
            raise self._damaged(f"its attributes name the arrays {names}")
        try:
            self.provenance = Provenance.from_json(attributes["provenance"])
        except Exception as error:  # whatever damaged attributes make the classes do
            raise self._damaged("its provenance cannot be read") from error
        self.ends = self._read_ends()
        self._arrays = {name: self._open_array(name) for name in FIELDS if name in names}
        self.columns = {name: Column(np.dtype(array.dtype), array.shape[1:]) for name, array in self._arrays.items()}
        for name, array in self._arrays.items():
            self._check_kind(name, self.columns[name])
            self._check_rows(name, array)
        self._checks = self._read_checks(attributes.get("checks"))
        self._checked = {name: np.zeros(len(self.ends), bool) for name in self._arrays}

    @property
    def has_checks(self) -> bool:
        """Whether the dataset holds hashes of its rows; those of release 0.2 and earlier ones have none."""
        return self._checks is not None

    def content_check(self, episodes: int) -> int:
        """A hash of the lengths of the first ``episodes`` episodes, and of the hashes of their rows."""
        known = [self.ends, *(self._checks or {}).values()]
        return row_check(np.stack([each[:episodes] for each in known]))

    def read(self, name: str, rows: np.ndarray) -> np.ndarray:
        """See :class:`~hnn_gym.data.source.RowSource`.

        Raises:
            InputError: a chunk is damaged, or not the one that was written.
        """
        array = self._arrays[name]
        if len(rows) == 0:
            return np.empty((0, *array.shape[1:]), array.dtype)
        low, high = int(rows.min()), int(rows.max()) + 1
        if len(rows) == high - low and bool(np.all(np.diff(rows) == 1)):
            return self._read_consecutive(name, low, high)
        for episode in np.unique(self._episode_of(name, rows)):
            if self._checks is not None and not self._checked[name][episode]:
                self._read_consecutive(name, *self._rows_of(name, episode))
        return self._decoded(name, rows)

    def _read_consecutive(self, name: str, low: int, high: int) -> np.ndarray:
        """Rows ``low`` to ``high``; those of episodes that were not checked before are checked."""
        if self._checks is None:
            return self._decoded(name, slice(low, high))
        first, last = (int(episode) for episode in self._episode_of(name, np.array([low, high - 1])))
        if self._checked[name][first : last + 1].all():
            return self._decoded(name, slice(low, high))
        begin, end = self._rows_of(name, first)[0], self._rows_of(name, last)[1]
        found = self._decoded(name, slice(begin, end))
        for episode in range(first, last + 1):
            start, stop = self._rows_of(name, episode)
            if row_check(found[start - begin : stop - begin]) != self._checks[name][episode]:
                raise self._damaged(f"episode {episode} of its array {name!r} is not what was recorded")
        self._checked[name][first : last + 1] = True
        return found if (begin, end) == (low, high) else found[low - begin : high - begin].copy()

    def _decoded(self, name: str, rows: slice | np.ndarray) -> np.ndarray:
        array = self._arrays[name]
        try:
            return np.asarray(array[rows] if isinstance(rows, slice) else array.oindex[rows])
        except Exception as error:  # zarr and its codecs report damage by many types
            raise self._damaged(f"its array {name!r} cannot be decoded") from error

    def _rows_of(self, name: str, episode: int) -> tuple[int, int]:
        """The first row of an episode in an array, and the first row after it."""
        extra, begin = FIELDS[name].extra, int(self.ends[episode - 1]) if episode else 0
        return begin + extra * int(episode), int(self.ends[episode]) + extra * (int(episode) + 1)

    def _episode_of(self, name: str, rows: np.ndarray) -> np.ndarray:
        """The episodes that rows of an array belong to."""
        extra = FIELDS[name].extra
        found: np.ndarray = np.searchsorted(self.ends + extra * np.arange(1, len(self.ends) + 1), rows, side="right")
        return found

    def _open_array(self, name: str) -> zarr.Array:
        try:
            read_json(self.path / name / _METADATA)
            return zarr.open_array(self.path / name, mode="r", zarr_format=3)
        except Exception as error:  # zarr reports damage by many types
            raise self._damaged(f"its array {name!r} is missing or cannot be read") from error

    def _read_ends(self) -> np.ndarray:
        array = self._open_array(ENDS)
        if len(array.shape) != 1 or array.dtype != np.int64:
            raise self._damaged(f"its array {ENDS!r} is {array.dtype} of shape {array.shape}")
        self._check_chunks(ENDS, array, array.shape[0] - 1)  # a killed run may have allocated the last row alone
        if not all(chunk.is_file() for chunk in (self.path / ENDS).glob("c/*")):
            raise self._damaged(f"a chunk of its array {ENDS!r} is no file")
        try:
            ends = np.asarray(array[:], np.int64)
        except Exception as error:  # zarr reports damage by many types
            raise self._damaged(f"its array {ENDS!r} cannot be decoded") from error
        # A run killed between allocating an end and writing it leaves UNCOMMITTED in the last row.
        committed = np.flatnonzero(ends != UNCOMMITTED)
        ends = ends[: committed[-1] + 1] if len(committed) else ends[:0]
        if len(ends) == 0 or ends[0] <= 0 or np.any(ends[1:] <= ends[:-1]):
            raise self._damaged("it holds no finished episode, or its episodes are out of order")
        return ends

    def _read_checks(self, names: Any) -> dict[str, np.ndarray] | None:
        if names is None:  # a dataset of release 0.2 or an earlier one
            return None
        if names != list(self._arrays):
            raise self._damaged(f"its attributes name the checked arrays {names}")
        array = self._open_array(CHECKS)
        if array.dtype != np.int64 or array.shape[1:] != (len(names),) or array.shape[0] < len(self.ends):
            raise self._damaged(f"its array {CHECKS!r} is {array.dtype} of shape {array.shape}")
        self._check_chunks(CHECKS, array, len(self.ends))
        try:
            checks = np.asarray(array[: len(self.ends)])
        except Exception as error:  # zarr reports damage by many types
            raise self._damaged(f"its array {CHECKS!r} cannot be decoded") from error
        return {name: checks[:, column] for column, name in enumerate(names)}

    def _check_kind(self, name: str, column: Column) -> None:
        """Refuse an array whose dtype or shape is not that of the provenance."""
        spaces = {"observation": self.provenance.observation_space, "action": self.provenance.action_space}
        if name in spaces:
            space = spaces[name]
            fits = column.shape == (space.shape or ()) and column.dtype == space.dtype
        elif name in ("state", "frame"):
            fits = column.dtype == (np.float64 if name == "state" else np.uint8)
        else:
            fits = column.shape == () and column.dtype == (bool if name in ("terminated", "truncated") else np.float64)
        if not fits or column.row_bytes > _MOST_ROW_BYTES:
            raise self._damaged(f"its array {name!r} has {column.dtype} rows of shape {column.shape}")

    def _check_rows(self, name: str, array: zarr.Array) -> None:
        rows = FIELDS[name].rows(int(self.ends[-1]), len(self.ends))
        if array.shape[0] < rows:
            raise self._damaged(
                f"its array {name!r} has {array.shape[0]} rows where {len(self.ends)} episodes need {rows}"
            )
        self._check_chunks(name, array, rows)

    def _check_chunks(self, name: str, array: zarr.Array, rows: int) -> None:
        """Refuse an array without the chunks of its first rows, or whose chunks are not files.

        Zarr reads a missing chunk as fill values, without an error. The writer writes every chunk.
        """
        chunks = array.chunks
        row_bytes = math.prod(array.shape[1:]) * array.dtype.itemsize
        whole_rows = all(chunk >= size for chunk, size in zip(chunks[1:], array.shape[1:], strict=True))
        if not all(chunks) or not whole_rows or chunks[0] * row_bytes > max(_MOST_CHUNK_BYTES, row_bytes):
            raise self._damaged(f"its array {name!r} has chunks of the shape {chunks}")
        try:
            present = len(os.listdir(self.path / name / "c"))
        except OSError:
            present = 0
        needed = -(-rows // chunks[0]) if row_bytes else 0
        for block in range(min(needed, present + 1)):
            key = array.metadata.encode_chunk_key((block, *(0 for _ in chunks[1:])))
            if not (self.path / name / key).is_file():
                raise self._damaged(f"chunk {key} of its array {name!r} is missing")

    def _damaged(self, what: str) -> InputError:
        return InputError(f"{self.path} is a damaged dataset: {what}. Restore it, or record it again.")


def read_attributes(path: Path) -> dict[str, Any]:
    """Return the attributes of the Zarr group at ``path``.

    Raises:
        InputError: there is no readable Zarr v3 group.
    """
    try:
        group = read_json(path / _METADATA)
    except InputError as error:
        raise InputError(f"{path} is not a Zarr v3 group ({error}): give the path of a recorded dataset.") from error
    attributes = group.get("attributes")
    if group.get("zarr_format") != 3 or group.get("node_type") != "group" or not isinstance(attributes, dict):
        raise InputError(f"{path} is not a Zarr v3 group: give the path of a recorded dataset.")
    return attributes
