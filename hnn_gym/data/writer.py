"""The destinations of finished episodes: a store on disk (``store_writer``), or memory."""

from __future__ import annotations

from typing import Protocol

from hnn_gym.data.dataset import TransitionDataset
from hnn_gym.data.episode import Episode
from hnn_gym.data.provenance import Provenance


class Writer(Protocol):
    """Takes whole episodes, one at a time."""

    def begin(self, provenance: Provenance, fields: tuple[str, ...]) -> None:
        """Prepare for episodes that hold the arrays ``fields``, or raise before anything is recorded."""

    def write(self, episode: Episode) -> None:
        """Keep a finished episode."""

    def close(self) -> None:
        """Release all resources; no episode follows. May be called twice."""


class MemoryWriter:
    """Keeps episodes in memory; :meth:`dataset` returns them."""

    def __init__(self) -> None:
        self._provenance: Provenance | None = None
        self._episodes: list[Episode] = []

    def begin(self, provenance: Provenance, fields: tuple[str, ...]) -> None:
        """See :class:`Writer`."""
        self._provenance = provenance

    def write(self, episode: Episode) -> None:
        """See :class:`Writer`."""
        self._episodes.append(episode)

    def close(self) -> None:
        """See :class:`Writer`."""

    def dataset(self) -> TransitionDataset:
        """Return the episodes written so far.

        Raises:
            InputError: no episode was written.
        """
        assert self._provenance is not None, "begin() comes first"
        return TransitionDataset.from_episodes(self._episodes, self._provenance)
