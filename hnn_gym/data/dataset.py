"""Recorded transitions by episode, in memory or on disk, and the views that training needs.

A dataset is a list of episodes, each with the number of steps that belong to it, over a source of rows. Every
selection is another such list: an array is read only when a method returns it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hnn_gym.data.batches import Transitions, Windows
from hnn_gym.data.episode import FIELDS, Episode
from hnn_gym.data.films import FilmSource, episodes_of_films
from hnn_gym.data.frames import FrameRule
from hnn_gym.data.logs.convert import episodes_of_tables, tables_of_arrays
from hnn_gym.data.logs.roles import guess_roles
from hnn_gym.data.logs.settings import LogSettings
from hnn_gym.data.logs.table import table_of_frame
from hnn_gym.data.provenance import Provenance
from hnn_gym.data.shards import ShardedSource, is_sharded
from hnn_gym.data.simulator import SECOND
from hnn_gym.data.source import MemorySource, RowSource
from hnn_gym.data.store import StoreSource
from hnn_gym.errors import InputError, checked_arguments, whole_number
from hnn_gym.files.storage import checked_path, storage_errors

_HASH_BLOCK_BYTES, _HASH_BLOCK_ROWS = 2**26, 2**18
_EVEN = 1e-6
"""Steps that differ by this share count as equal: the rounding of printed stamps."""


class TransitionDataset:
    """Episodes of recorded transitions.

    Example:
        >>> dataset = TransitionDataset.open("data/pendulum.zarr")  # doctest: +SKIP
        >>> train, test = dataset.split(test=0.2, rng=np.random.default_rng(0))  # doctest: +SKIP
        >>> for batch in train.windows(4).batches(256, rng):  # doctest: +SKIP
        ...     batch.observation, batch.action

    Args:
        source: holds the rows.
        provenance: where the data come from.
        episodes: numbers of the source's episodes, int64 ``(num_episodes,)``.
        steps: number of leading steps of each that belong to the dataset, int64 ``(num_episodes,)``.
    """

    @checked_arguments
    def __init__(self, source: RowSource, provenance: Provenance, *, episodes: np.ndarray, steps: np.ndarray) -> None:
        self.provenance = provenance
        self._source = source
        self._episodes = episodes
        self._steps = steps

    @classmethod
    def open(cls, path: str | Path) -> TransitionDataset:
        """Open a dataset on disk, one store or a folder of shards; its arrays are read when a method returns them.

        Raises:
            MissingPathError: there is nothing at ``path``.
            InputError: it is not a dataset of this package, has another version, or is damaged.
        """
        folder = checked_path(path)
        with storage_errors(folder, doing="read"):
            source = ShardedSource(folder) if is_sharded(folder) else StoreSource(folder)
        return cls._whole(source, source.provenance)

    @classmethod
    def from_episodes(cls, episodes: Sequence[Episode], provenance: Provenance) -> TransitionDataset:
        """Make a dataset of episodes in memory.

        Raises:
            InputError: there is no episode, or two differ in arrays, dtypes or row shapes.
        """
        return cls._whole(MemorySource(episodes), provenance)

    @classmethod
    def from_arrays(
        cls,
        time: Any,
        position: Any,
        *,
        velocity: Any = None,
        action: Any = None,
        names: Mapping[str, Sequence[str]] | None = None,
        settings: LogSettings | None = None,
    ) -> TransitionDataset:
        """Make a dataset of the log of a machine.

        Example:
            >>> t = np.arange(0, 10, 0.01)
            >>> TransitionDataset.from_arrays(t, np.sin(t), action=0 * t).num_steps
            999

        Args:
            time: stamps in s ``(T + 1,)``, in steps of any lengths, or a list of such arrays, one for each episode;
                None where there are none, and ``settings.dt`` is given.
            position: positions ``(T + 1, n)``, or a list of arrays, as for all that follow.
            velocity: velocities ``(T + 1, n)``, or None: they were not measured.
            action: actions ``(T + 1, m)``, each from its stamp on, or None: nothing acts.
            names: names of the columns by "position", "velocity" and "action".
            settings: how the numbers are read; None: ``LogSettings()``.

        Raises:
            InputError: the arrays do not fit together, or cannot be what they are said to be.
        """
        tables, roles = tables_of_arrays(time, position, velocity, action, names=names or {})
        return cls.from_episodes(*episodes_of_tables(tables, roles, settings or LogSettings())[:2])

    @classmethod
    def from_films(
        cls, films: Sequence[FilmSource], *, dt: float | None = None, rule: FrameRule | None = None
    ) -> TransitionDataset:
        """Make a dataset of films, each an episode without actions, to learn from with ``scene=Bodies(...)``.

        Example:
            >>> film = np.random.default_rng(0).integers(0, 255, (5, 8, 8, 3), dtype=np.uint8)
            >>> TransitionDataset.from_films([film], dt=0.04).num_steps
            4

        Args:
            films: each a folder of PNG files in the order of their names, a GIF, an MP4 or another film that FFmpeg
                reads (``pip install "hnn-gym[films]"``), or frames uint8 ``(T + 1, H, W[, C])``.
            dt: time between two frames in s; None: what the first film says.
            rule: makes smaller frames of these pictures; None keeps them as they are.

        Raises:
            MissingPathError: there is no film at a path.
            InputError: a film cannot be read, has fewer than two frames, or frames of mixed sizes or durations; films
                differ in size or rate; no dt is known; or PyAV is needed and not installed.
        """
        return cls.from_episodes(*episodes_of_films(films, dt=dt, rule=rule))

    @classmethod
    def from_dataframe(
        cls,
        frame: Any,
        *,
        time: str | None = None,
        position: str | Sequence[str] | None = None,
        velocity: str | Sequence[str] | None = None,
        action: str | Sequence[str] | None = None,
        episode: str | None = None,
        settings: LogSettings | None = None,
    ) -> TransitionDataset:
        """Make a dataset of a table of pandas or polars that holds the log of a machine.

        What is not named is guessed from the names of the columns, except ``episode``.

        Args:
            frame: with one column for each measured quantity.
            time: column of the stamps.
            position: columns of the positions.
            velocity: columns of the velocities; empty: they were not measured.
            action: columns of the actions; empty: nothing acts.
            episode: column whose value changes where another episode begins.
            settings: how the numbers are read; None: ``LogSettings()``.

        Raises:
            InputError: the roles cannot be guessed, a column is missing or holds text, or the numbers cannot be what
                they are said to be.
        """
        settings = settings or LogSettings()
        roles, _ = guess_roles(
            [str(name) for name in frame.columns],
            time=time,
            position=position,
            velocity=velocity,
            action=action,
            episode=episode,
            has_time=settings.dt is None,
        )
        return cls.from_episodes(*episodes_of_tables([table_of_frame(frame, roles.names)], roles, settings)[:2])

    @classmethod
    def _whole(cls, source: RowSource, provenance: Provenance) -> TransitionDataset:
        steps = np.diff(source.ends, prepend=0)
        return cls(source, provenance, episodes=np.arange(len(steps)), steps=steps)

    @property
    def fields(self) -> tuple[str, ...]:
        """Names of the recorded arrays."""
        return tuple(self._source.columns)

    @property
    def num_episodes(self) -> int:
        """The number of episodes."""
        return len(self._episodes)

    @property
    def num_steps(self) -> int:
        """The number of transitions in all episodes."""
        return int(self._steps.sum())

    @property
    def lengths(self) -> np.ndarray:
        """The number of transitions in each episode, int64 ``(num_episodes,)``."""
        return self._steps.copy()

    def __len__(self) -> int:
        """Return the number of episodes."""
        return self.num_episodes

    def __iter__(self) -> Iterator[Episode]:
        """Iterate over the episodes; each is read when the iteration reaches it."""
        return (self.episode(index) for index in range(len(self)))

    def episode(self, index: int) -> Episode:
        """Read episode number ``index``, counted from 0.

        Raises:
            InputError: there is no such episode; or a reward or a time in it is not finite.
        """
        only = self.select([index])
        finite = ("reward", "time")
        return Episode(**{name: (only._read_finite if name in finite else only._read)(name) for name in self.fields})

    def select(self, indices: Sequence[int] | np.ndarray) -> TransitionDataset:
        """Return a view of the episodes with the given numbers, counted from 0, in that order.

        Raises:
            InputError: there is no such episode.
        """
        try:
            given = np.asarray(indices)
            chosen = given.astype(np.int64)
            whole = given.ndim == 1 and (not given.size or given.dtype.kind in "iu")
        except (TypeError, ValueError, OverflowError):
            whole = False
        if not whole:
            raise InputError(f"Episodes are selected by a list of their numbers, such as [0, 2], not by {indices!r}.")
        outside = chosen[(chosen < 0) | (chosen >= len(self))]
        if len(outside):
            raise InputError(f"There is no episode {outside[0]}: the dataset holds 0 to {len(self) - 1}.")
        return self._view(self._episodes[chosen], self._steps[chosen])

    def split(self, *, test: float = 0.2, rng: np.random.Generator) -> tuple[TransitionDataset, TransitionDataset]:
        """Return two views, to train and to test, by whole episodes drawn with ``rng``.

        Args:
            test: share of the episodes to test on, between 0 and 1; each side gets at least one episode.
            rng: draws the episodes.

        Raises:
            InputError: ``test`` is out of range, or there are fewer than two episodes.
        """
        if not 0 < test < 1:
            raise InputError(f"The share of test episodes has to lie between 0 and 1, and it is {test}.")
        if len(self) < 2:
            raise InputError(f"A split by episode needs at least two, and the dataset holds {len(self)}: record more.")
        order = rng.permutation(len(self))
        size = min(max(1, round(test * len(self))), len(self) - 1)
        return self.select(np.sort(order[size:])), self.select(np.sort(order[:size]))

    def take_steps(self, steps: int) -> TransitionDataset:
        """Return a view of the first ``steps`` transitions; the last episode of it may be cut.

        Raises:
            InputError: there are fewer transitions, or ``steps`` is below one.
        """
        steps = whole_number(steps, "steps", at_least=1)
        if steps > self.num_steps:
            raise InputError(
                f"The first {steps} transitions of {self.num_steps} do not exist: choose from 1 to {self.num_steps}."
            )
        before = np.cumsum(self._steps) - self._steps
        kept = before < steps
        return self._view(self._episodes[kept], np.minimum(self._steps, steps - before)[kept])

    def transitions(self) -> Transitions:
        """Read all transitions.

        Raises:
            InputError: an observation, an action or a reward is not finite; the message names episode and row.
        """
        observation = self._read_finite("observation")
        first = _ranges(self._starts("observation"), self._steps)
        return Transitions(
            observation=observation[first],
            action=self._action_entries(),
            next_observation=observation[first + 1],
            reward=self._read_finite("reward"),
            terminated=self._read("terminated"),
            truncated=self._read("truncated"),
        )

    def windows(self, k: int, *, stride: int = 1) -> Windows:
        """Read all windows of ``k`` consecutive steps within one episode.

        Args:
            k: steps in a window.
            stride: steps from the start of a window to the start of the next one of the episode.

        Raises:
            InputError: ``k`` or ``stride`` is below one; no episode has k steps; or an observation or an
                action is not finite.
        """
        k, stride = whole_number(k, "k", at_least=1), whole_number(stride, "stride", at_least=1)
        counts = np.maximum(0, (self._steps - k) // stride + 1)
        if not counts.any():
            raise InputError(
                f"No episode has the {k} steps of a window (the longest has {self._steps.max(initial=0)}): "
                "choose a smaller k, or record longer episodes."
            )
        moments, steps = (_ranges(self._starts(name), counts, stride)[:, None] for name in ("observation", "action"))
        durations = self.durations()
        return Windows(
            observation=self._read_finite("observation")[moments + np.arange(k + 1)],
            action=self._action_entries()[steps + np.arange(k)],
            duration=None if durations is None else durations[steps + np.arange(k)],
        )

    def durations(self) -> np.ndarray | None:
        """Return the time that every step takes in s ``(num_steps,)``, or None: all take ``provenance.dt``.

        Raises:
            InputError: recorded stamps are not finite or do not increase; the message names episode and row.
        """
        if "time" not in self.fields:
            return None
        time, first = self._read_finite("time"), _ranges(self._starts("time"), self._steps)
        if self.provenance.dt is None or self.provenance.time_unit != SECOND:
            return None
        durations = time[first + 1] - time[first]
        if (durations <= 0).any():
            step = int(np.argmax(durations <= 0))
            index = int(np.searchsorted(np.cumsum(self._steps), step, side="right"))
            row = step - int(self._steps[:index].sum())
            raise InputError(
                f"In episode {self._episodes[index]} the stamp of row {row + 1} is not later than that of row {row}: "
                "leave the episode out with select(), or record it again."
            )
        dt = self.provenance.dt
        return None if np.allclose(durations, dt, rtol=_EVEN, atol=0) else durations

    def frames(self) -> list[np.ndarray]:
        """Read the frames of every episode: uint8 ``(T + 1, H, W, C)`` each, made under ``provenance.frame_rule``.

        Raises:
            InputError: no frames were recorded.
        """
        if "frame" not in self.fields:
            raise InputError(
                f"This dataset of {self.provenance.env_id} holds {', '.join(self.fields)}, and no frames: "
                "record frames too, with python -m hnn_gym.collect --pixels 64."
            )
        return np.split(self._read("frame"), self._starts("frame")[1:])

    def content_hash(self) -> str:
        """Return the SHA-256 of the recorded numbers, in hexadecimal digits.

        It depends on the arrays, their names, dtypes and shapes, and on the lengths of the episodes; not on
        the provenance, nor on whether they lie in memory or on disk.
        """
        digest = hashlib.sha256(np.ascontiguousarray(self._steps, "<i8").tobytes())
        for name, column in self._source.columns.items():
            dtype = column.dtype.newbyteorder("<")
            digest.update(f"{name} {dtype.str} {column.shape}".encode())
            block = max(1, min(_HASH_BLOCK_ROWS, _HASH_BLOCK_BYTES // max(1, column.row_bytes)))
            group = np.cumsum(self._steps) // block  # of consecutive episodes
            for number in np.unique(group):
                rows = self.select(np.flatnonzero(group == number))._source_rows(name)
                for start in range(0, len(rows), block):
                    part = self._source.read(name, rows[start : start + block])
                    digest.update(np.ascontiguousarray(part, dtype).tobytes())
        return digest.hexdigest()

    def _view(self, episodes: np.ndarray, steps: np.ndarray) -> TransitionDataset:
        return TransitionDataset(self._source, self.provenance, episodes=episodes, steps=steps)

    def _starts(self, name: str) -> np.ndarray:
        """Return the row at which each episode of this view begins in the array that ``_read`` returns."""
        lengths = self._steps + FIELDS[name].extra
        return np.cumsum(lengths) - lengths

    def _source_rows(self, name: str) -> np.ndarray:
        """Return the rows of the source that belong to this view."""
        extra = FIELDS[name].extra
        ends = self._source.ends[self._episodes]
        whole = np.diff(self._source.ends, prepend=0)[self._episodes]
        return _ranges(ends - whole + extra * self._episodes, self._steps + extra)

    def _read(self, name: str) -> np.ndarray:
        return self._source.read(name, self._source_rows(name))

    def _action_entries(self) -> np.ndarray:
        """Return all actions with an axis of entries ``(rows, ..., m)``: a Discrete action is one entry."""
        action = self._read_finite("action")
        return action if action.ndim > 1 else action[:, None]

    def _read_finite(self, name: str) -> np.ndarray:
        array = self._read(name)
        finite = np.isfinite(array.reshape(len(array), -1)).all(axis=1) if array.size else np.array([True])
        if not finite.all():
            row = int(np.argmin(finite))
            starts = self._starts(name)
            index = int(np.searchsorted(starts, row, side="right")) - 1
            raise InputError(
                f"The {name} in row {row - starts[index]} of episode {self._episodes[index]} is not finite: "
                f"{array[row]}. Leave the episode out with select(), or record it again."
            )
        return array


def _ranges(starts: np.ndarray, lengths: np.ndarray, stride: int = 1) -> np.ndarray:
    """Return start, start + stride, ... (``length`` numbers) for every start, one after another."""
    offsets = np.cumsum(lengths) - lengths
    within = np.arange(lengths.sum()) - np.repeat(offsets, lengths)
    return np.repeat(starts, lengths) + stride * within
