"""Records in many places at once: every worker writes shards of its own, and only their lengths come back.

An episode is a pure function of (seed, its number), and a shard holds consecutive episodes. So the rows of the dataset
are the same for the same seed, whatever the number of workers, and whichever of them died on the way.
"""

from __future__ import annotations

import math
import shutil
from collections import deque
from collections.abc import Callable, Generator
from concurrent.futures import BrokenExecutor, Executor, Future
from pathlib import Path

from hnn_gym.data.driver import check_range, drive_episode
from hnn_gym.data.episode import Episode
from hnn_gym.data.parallel import WORKER_DIED
from hnn_gym.data.policies import PolicyChoice
from hnn_gym.data.provenance import Provenance
from hnn_gym.data.record import RecordTransitions
from hnn_gym.data.shards import (
    Shard,
    ShardedSource,
    is_begun,
    is_sharded,
    landed,
    read_manifest,
    shard_name,
    write_manifest,
)
from hnn_gym.data.store_writer import StoreWriter, check_is_dataset
from hnn_gym.data.writer import Writer
from hnn_gym.errors import ExistingPathError, InputError, MissingPathError
from hnn_gym.files.path_lock import PathLock
from hnn_gym.files.storage import resolved_path, storage_errors
from hnn_gym.files.whole_folder import put_back, set_aside

MakeRecorder = Callable[[Writer], RecordTransitions]
"""Makes the environment and the recorder that writes its episodes; it has to be picklable."""

_SHARD_STEPS = 500_000
_SHARDS_A_WORKER = 4
_HELD_BYTES = 2**26
CHUNK_ROWS = 2**16
"""Rows of a chunk of a shard, which is written at once: large chunks are read fast."""


class ShardedRecording:
    """A dataset in shards that is being recorded; nobody else records it meanwhile.

    Args:
        path: folder of the dataset; all workers have to see it under the same name.
        append: add shards to a dataset in shards.
        overwrite: replace a dataset, once the new one has its first shard.

    Raises:
        MissingPathError: there is nothing to append to.
        ExistingPathError: the path exists, and neither ``append`` nor ``overwrite`` is set.
        InputError: both are set; another process records it; or the path holds something else.
    """

    def __init__(self, path: str | Path, *, append: bool = False, overwrite: bool = False) -> None:
        if append and overwrite:
            raise InputError(f"Append to {path}, or overwrite it: not both.")
        self.path = resolved_path(path)
        self._lock = PathLock(self.path)
        self._shards: list[Shard] = []
        with storage_errors(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._lock.acquire(wait=append)
            try:
                put_back(self.path, unfinished=is_begun)
                self.existing = self._opened() if append else None
                if not append and self.path.exists():
                    self._check_replaceable(overwrite)
            except BaseException:
                self._lock.release()
                raise

    def record(
        self,
        make: MakeRecorder,
        *,
        policy: PolicyChoice,
        steps: int,
        seed: int,
        executor: Executor,
        workers: int,
        episode_steps: int | None = None,
    ) -> Generator[int, None, None]:
        """Record exactly ``steps`` steps; yield the number of steps of every shard that lands.

        Args:
            make: called once for every shard.
            policy: what chooses the actions.
            steps: number of steps, at least one.
            seed: seed of starts and actions, not negative.
            executor: where shards are recorded.
            workers: how many are recorded at the same time.
            episode_steps: how long an episode is at the most; None: not known. It changes the lengths of shards alone.

        Raises:
            InputError: a number is out of range, a worker was ended from outside, or it raised the error, as it may
                raise any other.
        """
        check_range(steps=steps, seed=seed)
        number = sum(shard.episodes for shard in self._shards)
        length, in_flight = float(min(steps, episode_steps or steps)), deque[tuple[Future[list[int]], str, int]]()
        recorded = episodes_recorded = 0
        try:
            while recorded < steps:
                waiting = sum(episodes for _, _, episodes in in_flight)
                if len(in_flight) < 2 * workers and recorded + waiting * length < steps:
                    share = min(_SHARD_STEPS, steps / (_SHARDS_A_WORKER * workers))
                    left = math.ceil((steps - recorded - waiting * length) / length)
                    episodes = min(max(1, round(share / length)), left)
                    folder = shard_name(number)
                    work = executor.submit(_record, make, policy, seed, number, episodes, steps, self.path / folder)
                    in_flight.append((work, folder, episodes))
                    number += episodes
                    continue
                work, folder, _ = in_flight.popleft()
                shard = self._land(folder, *_counted(_result(work), at_most=steps - recorded))
                recorded, episodes_recorded = recorded + shard.steps, episodes_recorded + shard.episodes
                length = max(1.0, recorded / episodes_recorded)
                yield shard.steps
        finally:
            for work, _, _ in in_flight:
                work.cancel()

    def close(self) -> None:
        """Remove what did not land, put back what was to be replaced if nothing landed, and let others record."""
        if not self._lock.held:
            return
        listed = {shard.folder for shard in self._shards}
        if self._shards:
            for left in self.path.iterdir():
                if left.is_dir() and left.name not in listed:
                    shutil.rmtree(left, ignore_errors=True)
        else:
            shutil.rmtree(self.path, ignore_errors=True)
        put_back(self.path, unfinished=is_begun)
        self._lock.release()

    def _land(self, folder: str, episodes: int, steps: int) -> Shard:
        shard = landed(self.path, folder, episodes, steps)
        with storage_errors(self.path):
            write_manifest(self.path, [*self._shards, shard])
            put_back(self.path)  # which finds the old one replaced
        self._shards.append(shard)
        return shard

    def _opened(self) -> ShardedSource:
        if not self.path.exists():
            raise MissingPathError(f"There is no dataset at {self.path}: record one with hnn_gym.collect.")
        if not is_sharded(self.path):
            raise InputError(
                f"{self.path} is a dataset in one store, and shards cannot be appended to it: leave --executor out."
            )
        self._shards = read_manifest(self.path)
        return ShardedSource(self.path)

    def _check_replaceable(self, overwrite: bool) -> None:
        if not overwrite:
            raise ExistingPathError(f"{self.path} exists already: set append or overwrite, or give another path.")
        check_is_dataset(self.path)
        set_aside(self.path)


def _result(work: Future[list[int]]) -> list[int]:
    """What a worker returned, or the error that it raised."""
    try:
        return work.result()
    except BrokenExecutor:
        raise InputError(WORKER_DIED) from None


def _counted(lengths: list[int], *, at_most: int) -> tuple[int, int]:
    """How many of the episodes of these lengths, and of their steps, count."""
    steps = episodes = 0
    for length in lengths:
        if steps >= at_most:
            break
        steps, episodes = min(at_most, steps + length), episodes + 1
    return episodes, steps


class _ShardWriter:
    """Keeps episodes and writes many at once."""

    def __init__(self, folder: Path) -> None:
        self._store = StoreWriter(folder, overwrite=True, chunk_rows=CHUNK_ROWS)
        self._episodes: list[Episode] = []
        self._held = 0
        self.lengths: list[int] = []

    def begin(self, provenance: Provenance, fields: tuple[str, ...]) -> None:
        """See :class:`~hnn_gym.data.writer.Writer`."""
        self._store.begin(provenance, fields)

    def write(self, episode: Episode) -> None:
        """See :class:`~hnn_gym.data.writer.Writer`."""
        self._episodes.append(episode)
        self.lengths.append(episode.num_steps)
        self._held += sum(array.nbytes for array in episode.arrays().values())
        if self._held > _HELD_BYTES:
            self.flush()

    def flush(self) -> None:
        """Write what is held."""
        if self._episodes:
            self._store.write_all(self._episodes)
        self._episodes, self._held = [], 0

    def close(self) -> None:
        """See :class:`~hnn_gym.data.writer.Writer`."""
        self._store.close()


def _record(
    make: MakeRecorder, policy: PolicyChoice, seed: int, first: int, episodes: int, steps: int, folder: Path
) -> list[int]:
    """Record consecutive episodes of at most ``steps`` steps into a shard, and return their lengths."""
    writer = _ShardWriter(folder)
    recorder = make(writer)
    try:
        chosen = policy.policy(recorder.provenance.action_space)
        for number in range(first, first + episodes):
            for _ in drive_episode(recorder, chosen, steps=steps, seed=seed, episode=number):
                pass
            recorder.finish_episode()
        writer.flush()
    finally:
        recorder.close()
    return writer.lengths
