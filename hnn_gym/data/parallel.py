"""Records episodes in several processes. The dataset is the one that a single process would record.

An episode is a pure function of (seed, its number), so it does not matter which process records it.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
from collections import deque
from collections.abc import Callable, Generator
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from threading import Thread

from hnn_gym.data.driver import check_range, drive_episode
from hnn_gym.data.episode import Episode
from hnn_gym.data.policies import PolicyChoice
from hnn_gym.data.provenance import Provenance
from hnn_gym.data.record import RecordTransitions
from hnn_gym.data.writer import Writer
from hnn_gym.errors import InputError, checked_arguments, whole_number
from hnn_gym.files.interrupts import blocked_for_children

MakeRecorder = Callable[[Writer], RecordTransitions]
"""Makes the environment and the recorder that writes its episodes; it has to be picklable."""

_AHEAD = 2
"""Episodes that each process is asked for in advance, so that it does not wait."""
WORKER_DIED = "A recording process was ended from outside: memory may be short, so record with fewer workers."


@checked_arguments
def episodes_in_processes(
    make: MakeRecorder, *, policy: PolicyChoice, steps: int, seed: int, first_episode: int = 0, workers: int
) -> Generator[Episode, None, None]:
    """Yield the episodes that :func:`~hnn_gym.data.driver.drive` would record, the last one cut to the number of steps.

    Args:
        make: called once in every process.
        policy: what chooses the actions.
        steps: number of steps in all, at least one.
        seed: seed of starts and actions, not negative.
        first_episode: number of the first episode, where earlier ones exist already.
        workers: number of processes, at least one.

    Raises:
        InputError: a number is out of range, a process died, as one does for which there is too little memory, or a
            process raised it, as it may raise any other error.
    """
    check_range(steps=steps, seed=seed)
    whole_number(first_episode, "first_episode", at_least=0)
    if workers < 1:
        raise InputError(f"Recording needs at least one process, and workers is {workers}.")
    return _episodes(make, policy, steps, seed, first_episode, workers)


def _episodes(
    make: MakeRecorder, policy: PolicyChoice, steps: int, seed: int, number: int, workers: int
) -> Generator[Episode, None, None]:
    context = multiprocessing.get_context("spawn")  # a fork would share the drawing code's state
    processes, pipes = [], []
    try:
        resource_tracker.ensure_running()  # its start would unblock the signals
        with blocked_for_children():  # an interrupt stops this process, which stops the others
            for _ in range(workers):
                ours, theirs = context.Pipe()
                process = context.Process(target=_work, args=(theirs, make, policy, seed), daemon=True)
                process.start()
                theirs.close()
                processes.append(process)
                pipes.append(ours)
        turns = deque(pipes * _AHEAD)
        for pipe in turns:
            _ask(pipe, number, steps)
            number += 1
        while steps:
            pipe = turns.popleft()
            episode = _received(pipe)
            yield episode.first(steps)
            steps -= min(steps, episode.num_steps)
            _ask(pipe, number, steps)
            turns.append(pipe)
            number += 1
    finally:
        for process in processes:
            process.kill()  # SDL, which many environments draw with, treats SIGTERM as a closed window
        for process, pipe in zip(processes, pipes, strict=True):
            process.join()
            pipe.close()


def _ask(pipe: Connection, number: int, steps: int) -> None:
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # the process sent its error before it ended
        pipe.send((number, steps))


def _received(pipe: Connection) -> Episode:
    try:
        result = pipe.recv()
    except (EOFError, ConnectionResetError):
        raise InputError(WORKER_DIED) from None
    if isinstance(result, BaseException):
        raise result
    assert isinstance(result, Episode)
    return result


class _Keeps:
    """A writer that holds the last episode in memory."""

    episode: Episode

    def begin(self, provenance: Provenance, fields: tuple[str, ...]) -> None:
        """Nothing is prepared."""

    def write(self, episode: Episode) -> None:
        """Keep it."""
        self.episode = episode

    def close(self) -> None:
        """Nothing is held open."""


def _work(pipe: Connection, make: MakeRecorder, policy: PolicyChoice, seed: int) -> None:
    """Record the requested episodes, each of at most so many steps, until the pipe is closed."""
    Thread(target=_end_with_parent, daemon=True).start()
    try:
        kept = _Keeps()
        recorder = make(kept)
        chosen = policy.policy(recorder.provenance.action_space)
        while True:
            episode, steps = pipe.recv()
            for _ in drive_episode(recorder, chosen, steps=steps, seed=seed, episode=episode):
                pass
            recorder.finish_episode()
            pipe.send(kept.episode)
    except (EOFError, BrokenPipeError, ConnectionResetError):
        pass  # the process that asked has ended
    except Exception as error:
        pipe.send(error)


def _end_with_parent() -> None:
    """End this process as soon as the one that started it has ended, even by a kill, and not after the episode."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
