"""Writes a dataset into its store by whole episodes, so that a killed run loses only its unfinished episode.

A new store is built beside its path and takes its place when it has its first episode. So there is never an empty
dataset, and an overwritten one stays until the new one has an episode (:mod:`hnn_gym.files.whole_folder`).

A writer holds a lock on the path until it is closed, so that two processes never write one dataset at once.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import zarr
from zarr.codecs import ZstdCodec

from hnn_gym.data.episode import FIELDS, Episode
from hnn_gym.data.provenance import Provenance
from hnn_gym.data.shards import is_begun, is_sharded
from hnn_gym.data.simulator import SECOND
from hnn_gym.data.source import Column, check_columns, columns_of
from hnn_gym.data.store import CHECKS, ENDS, FORMAT, UNCOMMITTED, VERSION, StoreSource, read_attributes, row_check
from hnn_gym.errors import ExistingPathError, InputError, checked_arguments
from hnn_gym.files.interrupts import deferred_interrupts
from hnn_gym.files.path_lock import PathLock
from hnn_gym.files.seal import sealed
from hnn_gym.files.storage import resolved_path, storage_errors
from hnn_gym.files.whole_folder import put_back, put_in_place, remove, staged

_CHUNK_BYTES = 2**22
_CHUNK_ROWS = 4096


class StoreWriter:
    """Writes whole episodes into a store.

    Args:
        path: folder of the store.
        append: add episodes to an existing dataset.
        overwrite: replace an existing dataset, once the new one has its first episode.
        as_a_whole: let nothing take the place of what is there before :meth:`publish`, so that the episodes may come
            from the dataset that they replace. Otherwise every episode counts once it is written.
        chunk_rows: rows of a chunk at the most. The last chunk is rewritten with every episode, so that small ones are
            appended fast, and large ones, for many episodes at once, are read fast.

    Raises:
        InputError: both ``append`` and ``overwrite``.
    """

    @checked_arguments
    def __init__(
        self,
        path: str | Path,
        *,
        append: bool = False,
        overwrite: bool = False,
        as_a_whole: bool = False,
        chunk_rows: int = _CHUNK_ROWS,
    ) -> None:
        if append and overwrite:
            raise InputError(f"Append to {path}, or overwrite it: not both.")
        if append and as_a_whole:
            raise InputError(f"What is appended to {path} counts episode by episode: leave out as_a_whole.")
        self.path = resolved_path(path)
        self._append, self._overwrite, self._as_a_whole, self._chunk_rows = append, overwrite, as_a_whole, chunk_rows
        self._staged = staged(self.path)
        self._lock = PathLock(self.path)
        self._existing: StoreSource | None = None
        self._provenance: Provenance | None = None  # not yet in the attributes
        self._time_unit = SECOND
        self._columns: dict[str, Column] = {}
        self._published = False
        self._checked = True
        self._steps = self._episodes = 0

    def begin(self, provenance: Provenance, fields: tuple[str, ...]) -> None:
        """Check that episodes with the arrays ``fields`` can be written.

        Raises:
            MissingPathError: there is nothing to append to.
            ExistingPathError: the path exists, and neither ``append`` nor ``overwrite`` is set.
            StorageError: the operating system refuses to write there.
            InputError: the existing path is not a dataset, or one of another environment or other arrays.
        """
        self._time_unit = provenance.time_unit
        try:
            with storage_errors(self.path):
                if self._append:
                    self._continue(self._existing or self.lock_existing(), provenance, fields)
                    return
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self._lock.acquire(wait=False)
                put_back(self.path, unfinished=is_begun)
                if self.path.exists():
                    self._check_replaceable()
                _create_group(self._staged, fields, provenance)
        except BaseException:
            self.close()
            raise

    def lock_existing(self, report: Callable[[str], None] | None = None) -> StoreSource:
        """Open the dataset to append to, once no other process writes it; none can until this writer is closed.

        Args:
            report: called with a sentence that names the process that is waited for, if there is one.

        Raises:
            MissingPathError: there is nothing to append to.
            InputError: the existing path is not a dataset.
        """
        try:
            with storage_errors(self.path):
                if self.path.parent.is_dir():
                    self._lock.acquire(wait=True, report=report)
                    put_back(self.path, unfinished=is_begun)
            if is_sharded(self.path):
                raise InputError(
                    f"{self.path} is a dataset in shards: append to it with --executor processes or --executor ray."
                )
            self._existing = StoreSource(self.path)
        except BaseException:
            self._lock.release()
            raise
        return self._existing

    def write(self, episode: Episode) -> None:
        """Write and commit one episode; see :meth:`write_all`."""
        self.write_all([episode])

    def write_all(self, episodes: Sequence[Episode]) -> None:
        """Write and commit episodes, all of them or none; many at once cost little more than one.

        Raises:
            StorageError: the operating system refuses to write; the episodes before are kept.
            InputError: their arrays differ in dtype or shape from those of the episodes before.
        """
        with storage_errors(self.path):
            if not self._columns:
                self._columns = columns_of(episodes[0])
                _create_arrays(self._staged, self._columns, time_unit=self._time_unit, most_rows=self._chunk_rows)
            for number, episode in enumerate(episodes, self._episodes):
                check_columns(episode, self._columns, number)
            with deferred_interrupts():
                self._commit(episodes)

    def publish(self) -> None:
        """Let the episodes that were written take the place of what is there, if they have not; see ``as_a_whole``.

        Raises:
            StorageError: the operating system refuses to.
        """
        with storage_errors(self.path), deferred_interrupts():
            if self._episodes and not self._published:
                put_in_place(self.path)
                self._published = True

    def close(self) -> None:
        """Remove the prepared store, if no episode was written, and release the lock."""
        if self._lock.held:
            if not self._published:
                remove(self._staged)
            self._lock.release()

    def _commit(self, episodes: Sequence[Episode]) -> None:
        group = self.path if self._published else self._staged
        if self._provenance is not None:
            stored = zarr.open_group(group, mode="r+")
            changed = {**stored.attrs, "version": VERSION, "provenance": self._provenance.to_json()}
            stored.update_attributes(sealed(json.loads(json.dumps(changed))))
            self._provenance = None
        checks = []
        for name in episodes[0].arrays():
            parts = [episode.arrays()[name] for episode in episodes]
            rows = parts[0] if len(parts) == 1 else np.concatenate(parts)
            _write_rows(group / name, FIELDS[name].rows(self._steps, self._episodes), rows)
            checks.append([row_check(part) for part in parts])
        if self._checked:
            _write_rows(group / CHECKS, self._episodes, np.array(checks).T)
        ends = self._steps + np.cumsum([episode.num_steps for episode in episodes])
        _write_rows(group / ENDS, self._episodes, ends)
        self._steps, self._episodes = int(ends[-1]), self._episodes + len(episodes)
        if not self._as_a_whole:
            self.publish()

    def _continue(self, existing: StoreSource, provenance: Provenance, fields: tuple[str, ...]) -> None:
        if set(existing.columns) != set(fields):
            raise InputError(
                f"{self.path} holds {', '.join(existing.columns)}, and a recording of {', '.join(fields)} "
                "cannot be appended to it: record the same arrays, or into a new dataset."
            )
        self._published = True
        self._checked = existing.has_checks
        self._columns = dict(existing.columns)
        self._steps, self._episodes = int(existing.ends[-1]), len(existing.ends)
        continued = existing.provenance.continued_by(provenance, first_episode=self._episodes)
        if continued != existing.provenance:
            self._provenance = continued

    def _check_replaceable(self) -> None:
        if not self._overwrite:
            raise ExistingPathError(f"{self.path} exists already: set append or overwrite, or give another path.")
        check_is_dataset(self.path)


def _create_group(path: Path, fields: tuple[str, ...], provenance: Provenance) -> None:
    attributes = {
        "format": FORMAT,
        "version": VERSION,
        "fields": list(fields),
        "checks": [name for name in FIELDS if name in fields],
        "provenance": provenance.to_json(),
    }
    zarr.create_group(path, zarr_format=3, attributes=sealed(json.loads(json.dumps(attributes))))


def check_is_dataset(path: Path) -> None:
    """Refuse to overwrite what is not a dataset.

    Raises:
        InputError: there is something else at ``path``.
    """
    try:
        ours = is_sharded(path) or read_attributes(path).get("format") == FORMAT
    except InputError:
        ours = False
    if not ours:
        raise InputError(f"{path} is not a dataset of hnn_gym and will not be overwritten: give another path.")


def _create_arrays(path: Path, columns: dict[str, Column], *, time_unit: str, most_rows: int) -> None:
    """Make ``columns``, ``episode_checks`` and ``episode_ends``, each of no rows, in the group at ``path``."""
    group = zarr.open_group(path, mode="r+", zarr_format=3)
    whole = np.dtype(np.int64)
    for name, column in {**columns, CHECKS: Column(whole, (len(columns),)), ENDS: Column(whole, ())}.items():
        unit = time_unit if name == "time" else FIELDS[name].unit if name in FIELDS else None
        group.create_array(
            name,
            shape=(0, *column.shape),
            chunks=(_chunk_rows(column, most_rows), *(max(1, size) for size in column.shape)),
            dtype=column.dtype,
            fill_value=UNCOMMITTED,
            overwrite=True,  # left by a first episode that could not be written
            compressors=ZstdCodec(level=0, checksum=True),
            attributes={} if unit is None else {"unit": unit},
        )


def _chunk_rows(column: Column, most_rows: int) -> int:
    """Return the number of rows in a chunk: enough for few files, few enough for cheap appending."""
    return int(np.clip(_CHUNK_BYTES // max(1, column.row_bytes), 1, most_rows))


def _write_rows(path: Path, start: int, rows: np.ndarray) -> None:
    """Write ``rows`` from row ``start`` on, and end the array after them."""
    # Chunks of fill values are written too, so that a reader can detect a missing file.
    array = zarr.open_array(path, mode="r+", zarr_format=3).with_config({"write_empty_chunks": True})
    array.resize((start + len(rows), *array.shape[1:]))
    array[start:] = rows
