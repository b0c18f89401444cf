"""Several processes that append to one dataset at once: every episode of all of them is there, none mixed."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path
from typing import Any

_STEPS = 12


def _append(path: Path, writer: int, rounds: int) -> None:
    from hnn_gym.collect import CollectSettings, collect

    for turn in range(rounds):
        settings = CollectSettings(env="Pendulum-v1", out=path, steps=_STEPS, seed=1000 * writer + turn, append=True)
        collect(settings)


def appended_at_once(writers: int, rounds: int) -> dict[str, Any]:
    """Let processes append; a JSON-ready summary."""
    faults: list[str] = []
    with tempfile.TemporaryDirectory() as temporary:
        path = Path(temporary) / "data.zarr"
        children = []
        for writer in range(writers + 1):
            if writer == 0:  # the dataset that they append to
                child = _forked(lambda: _first(path))
                os.waitpid(child, 0)
                continue
            children.append(_forked(lambda writer=writer: _append(path, writer, rounds)))  # type: ignore[misc]
        began = time.monotonic()
        codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
        seconds = time.monotonic() - began
        faults += [f"a writer ended with {code}" for code in codes if code]
        report = Path(temporary) / "report"
        os.waitpid(_forked(lambda: report.write_text("\n".join(_checked(path, writers, rounds)))), 0)
        faults += [line for line in report.read_text().splitlines() if line]
    return {"writers": writers, "rounds": rounds, "seconds": seconds, "faults": faults}


def _first(path: Path) -> None:
    from hnn_gym.collect import CollectSettings, collect

    collect(CollectSettings(env="Pendulum-v1", out=path, steps=_STEPS, seed=0))


def _checked(path: Path, writers: int, rounds: int) -> list[str]:
    """What is wrong with the dataset, in words: an episode follows from its seed and its number."""
    import gymnasium
    import numpy as np

    from hnn_gym import TransitionDataset
    from hnn_gym.data import PolicyChoice, drive
    from hnn_gym.data.record import RecordTransitions
    from hnn_gym.data.writer import MemoryWriter

    data = TransitionDataset.open(path)
    faults = []
    expected = writers * rounds + 1
    if data.num_episodes != expected:
        faults.append(f"{data.num_episodes} episodes where {expected} were recorded")
    appended = {entry.first_episode: entry.seed for entry in data.provenance.appended}
    seeds: list[int | None] = []
    env = gymnasium.make("Pendulum-v1")
    for number, episode in enumerate(data):
        seeds.append(appended.get(number, seeds[-1] if seeds else data.provenance.seed))
        memory = MemoryWriter()
        recorder = RecordTransitions(env, memory)
        policy = PolicyChoice("random").policy(recorder.provenance.action_space)
        for _ in drive(recorder, policy, steps=_STEPS, seed=seeds[-1] or 0, first_episode=number):
            pass
        recorder.finish_episode()
        if not np.array_equal(memory.dataset().episode(0).observation, episode.observation):
            faults.append(f"episode {number} is not that of seed {seeds[-1]}")
    missing = {1000 * writer + turn for writer in range(1, writers + 1) for turn in range(rounds)} - set(seeds)
    if missing:
        faults.append(f"the recordings of the seeds {sorted(missing)[:8]} are missing")
    return faults


def _forked(work: Any) -> int:
    child = os.fork()
    if child == 0:
        code = 70
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    return child
