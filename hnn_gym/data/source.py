"""The sources of a dataset's arrays: the rows of all episodes one after another, on disk or in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from hnn_gym.data.episode import Episode
from hnn_gym.errors import InputError


@dataclass(frozen=True)
class Column:
    """The dtype of an array, and the shape of one row of it."""

    dtype: np.dtype
    shape: tuple[int, ...]

    @classmethod
    def of(cls, array: np.ndarray) -> Column:
        """Return the column that the rows of ``array`` belong to."""
        return cls(array.dtype, array.shape[1:])

    @property
    def row_bytes(self) -> int:
        """Size of one row in bytes."""
        return self.dtype.itemsize * int(np.prod(self.shape))


class RowSource(Protocol):
    """Rows that a :class:`~hnn_gym.data.dataset.TransitionDataset` is a view of."""

    @property
    def ends(self) -> np.ndarray:
        """Number of steps up to the end of each episode, int64 ``(num_episodes,)``."""

    @property
    def columns(self) -> Mapping[str, Column]:
        """The arrays that the source holds, in the order of ``FIELDS``."""

    def read(self, name: str, rows: np.ndarray) -> np.ndarray:
        """Return the given rows (int64 ``(N,)``) of an array, ``(N, ...)``, as a copy."""


class MemorySource:
    """Episodes held in memory.

    Args:
        episodes: at least one; all with the same arrays, dtypes and shapes of a row.

    Raises:
        InputError: there is no episode, or two differ in arrays, dtypes or row shapes.
    """

    def __init__(self, episodes: Sequence[Episode]) -> None:
        if not episodes:
            raise InputError("A dataset needs at least one episode, and got none.")
        self.columns = columns_of(episodes[0])
        for number, episode in enumerate(episodes):
            check_columns(episode, self.columns, number)
        self.ends = np.cumsum([episode.num_steps for episode in episodes], dtype=np.int64)
        self._arrays = {name: np.concatenate([episode.arrays()[name] for episode in episodes]) for name in self.columns}

    def read(self, name: str, rows: np.ndarray) -> np.ndarray:
        """See :class:`RowSource`."""
        return self._arrays[name][rows]


def columns_of(episode: Episode) -> dict[str, Column]:
    """Return the arrays that ``episode`` holds, in the order of ``FIELDS``."""
    return {name: Column.of(array) for name, array in episode.arrays().items()}


def check_columns(episode: Episode, columns: Mapping[str, Column], number: int) -> None:
    """Refuse an episode that does not go into the arrays ``columns``.

    Raises:
        InputError: an array is missing, superfluous, or of another dtype or shape.
    """
    found = columns_of(episode)
    for name in {**columns, **found}:
        if found.get(name) != columns.get(name):
            raise InputError(
                f"Episode {number} has {_described(found.get(name))} of {name!r}, where the episodes before "
                f"it have {_described(columns.get(name))}: put them into another dataset."
            )


def _described(column: Column | None) -> str:
    return "no rows" if column is None else f"{column.dtype} rows of shape {column.shape}"
