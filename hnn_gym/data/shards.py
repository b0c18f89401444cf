"""A dataset as a folder of shards: each is a dataset of its own, and together they are one.

The file ``shards.json`` lists them in order, with the steps and episodes of each that count. It is replaced as a whole
whenever a shard lands, and thereby commits it: a folder that it does not list was never recorded. It holds a hash of
the content of each shard, so that two folders that have exchanged their names are noticed when the dataset is opened.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from hnn_gym.data.episode import FIELDS
from hnn_gym.data.provenance import Provenance
from hnn_gym.data.source import Column
from hnn_gym.data.store import StoreSource
from hnn_gym.errors import InputError, MissingPathError
from hnn_gym.files.committed import replace_file
from hnn_gym.files.reading import read_json
from hnn_gym.files.seal import check_seal, sealed

MANIFEST = "shards.json"
FORMAT, VERSION = "hnn_gym.shards", 2
_NAME = "shard-"


@dataclass(frozen=True)
class Shard:
    """One line of the list.

    Attributes:
        folder: name of its folder, beside the list.
        episodes: number of its leading episodes that count.
        steps: number of their steps; the last episode may be cut.
        check: hash of the content of these episodes.
    """

    folder: str
    episodes: int
    steps: int
    check: int


def is_sharded(path: Path) -> bool:
    """Whether ``path`` is a folder of shards."""
    return (path / MANIFEST).is_file()


def is_begun(path: Path) -> bool:
    """Whether a folder holds nothing, or shards of a recording that was killed before it could list one."""
    if not path.is_dir():
        return False
    if not all(entry.name.lstrip(".").startswith((_NAME, MANIFEST)) for entry in path.iterdir()):
        return False
    try:
        return not (is_sharded(path) and read_manifest(path))
    except InputError:  # a damaged list is for a person to judge
        return False


def shard_name(number: int) -> str:
    """The name of the folder of the shard whose first episode has this number."""
    return f"{_NAME}{number:09d}"


def read_manifest(path: Path) -> list[Shard]:
    """Return the shards of the dataset in the folder ``path``, in order.

    Raises:
        InputError: the list is damaged, or of another version.
    """
    content = read_json(path / MANIFEST)
    check_seal(content, path / MANIFEST)
    if content.get("format") != FORMAT or content.get("version") != VERSION:
        raise InputError(
            f"{path / MANIFEST} is not a list of shards of version {VERSION}: restore it, or install the hnn_gym that "
            "wrote it."
        )
    try:
        shards = [Shard(**entry) for entry in content["shards"]]
        sound = all(Path(s.folder).name == s.folder and 0 < s.episodes <= s.steps for s in shards)
    except (KeyError, TypeError):
        sound = False
    if not sound:
        raise InputError(f"{path / MANIFEST} is a damaged list of shards: restore it, or record the data again.")
    return shards


def landed(path: Path, folder: str, episodes: int, steps: int) -> Shard:
    """Return the line of a shard that was written to the folder ``folder`` of the dataset ``path``."""
    return Shard(folder, episodes, steps, check=StoreSource(path / folder).content_check(episodes))


def write_manifest(path: Path, shards: Sequence[Shard]) -> None:
    """Replace the list of the shards in the folder ``path`` as a whole."""
    content = sealed({"format": FORMAT, "version": VERSION, "shards": [asdict(shard) for shard in shards]})
    replace_file(path / MANIFEST, (json.dumps(content, indent=1) + "\n").encode())


class ShardedSource:
    """The rows of all shards, one after another.

    Args:
        path: folder of the shards.

    Raises:
        MissingPathError: a listed shard is missing.
        InputError: the list or a shard is damaged; or a shard is of another environment or holds other arrays.
    """

    def __init__(self, path: Path) -> None:
        listed = read_manifest(path)
        if not listed:
            raise InputError(
                f"{path} holds no finished shard: its recording was interrupted. Record it again with --overwrite."
            )
        self._shards: list[StoreSource] = []
        ends: list[np.ndarray] = []
        self.provenance: Provenance
        for number, shard in enumerate(listed):
            source = _opened(path, shard)
            first_episode = sum(entry.episodes for entry in listed[:number])
            if number == 0:
                self.provenance, self.columns = source.provenance, source.columns
            else:
                self.provenance = self._continued(path / shard.folder, source, first_episode)
            own = source.ends[: shard.episodes].copy()
            if len(own) < shard.episodes or own[-1] < shard.steps or (len(own) > 1 and own[-2] >= shard.steps):
                raise InputError(
                    f"{path / shard.folder} holds {len(source.ends)} episodes and {source.ends[-1]} steps, where "
                    f"{MANIFEST} lists {shard.episodes} and {shard.steps}: restore the shard, or record the data again."
                )
            if source.content_check(shard.episodes) != shard.check:
                raise InputError(
                    f"{path / shard.folder} is not the shard that {MANIFEST} lists under this name: give the shards "
                    "the names that they had, or record the data again."
                )
            own[-1] = shard.steps
            ends.append(own + sum(entry.steps for entry in listed[:number]))
            self._shards.append(source)
        self.ends = np.concatenate(ends)
        self._first_steps = np.cumsum([0, *(shard.steps for shard in listed)])
        self._first_episodes = np.cumsum([0, *(shard.episodes for shard in listed)])

    def read(self, name: str, rows: np.ndarray) -> np.ndarray:
        """See :class:`~hnn_gym.data.source.RowSource`.

        Raises:
            InputError: a chunk is damaged.
        """
        begins = self._first_steps + FIELDS[name].extra * self._first_episodes
        if len(rows) == 0:
            return self._shards[0].read(name, rows)
        first, last = (int(np.searchsorted(begins, row, side="right")) - 1 for row in (rows.min(), rows.max()))
        if first == last:
            return self._shards[first].read(name, rows - begins[first])
        column = self.columns[name]
        found = np.empty((len(rows), *column.shape), column.dtype)
        for number in range(first, last + 1):
            within = (rows >= begins[number]) & (rows < begins[number + 1])
            found[within] = self._shards[number].read(name, rows[within] - begins[number])
        return found

    def _continued(self, path: Path, source: StoreSource, first_episode: int) -> Provenance:
        try:
            provenance = self.provenance.continued_by(source.provenance, first_episode=first_episode)
        except InputError as error:
            raise InputError(f"The shard {path} is of another environment or recording: {error}") from None
        if dict(source.columns) != dict(self.columns):
            raise InputError(
                f"The shard {path} holds {_words(source.columns)}, and the shards before it {_words(self.columns)}: "
                f"remove it from {MANIFEST}, or record the data again."
            )
        return provenance


def _words(columns: Mapping[str, Column]) -> str:
    return ", ".join(f"{name} ({column.dtype}, {list(column.shape)})" for name, column in columns.items())


def _opened(path: Path, shard: Shard) -> StoreSource:
    try:
        return StoreSource(path / shard.folder)
    except MissingPathError:
        raise MissingPathError(
            f"The shard {shard.folder} of the dataset {path} is missing: restore it, or remove it from {MANIFEST}."
        ) from None
