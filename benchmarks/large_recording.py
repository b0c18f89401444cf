"""Ten million transitions on one machine: ``python -m benchmarks.large_recording``.

Episodes of Pendulum-v1 under random torque, by the true map (which is Gymnasium's to the bit), written in shards as
``collect --executor`` writes them; opened; passed once in shuffled windows of 8; and learned from by ``train_world``.
Each stage runs in a process of its own, whose peak memory over that of its imports is reported. Beside it stands the
error of a world learned from 2,000 of the transitions, on the same fresh episodes.
"""

from __future__ import annotations

import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from benchmarks.timing import Row, report
from hnn_gym.command import run
from hnn_gym.data import Episode, Provenance, StoreWriter, TransitionDataset, WindowStream
from hnn_gym.data.sharded_recording import CHUNK_ROWS
from hnn_gym.data.shards import Shard, landed, write_manifest
from hnn_gym.systems import PendulumSwingUp, true_world

COMMAND = "python -m benchmarks.large_recording --out docs/results/large_recording.json"
_EPISODE, _SHARD_EPISODES, _WINDOW = 200, 2500, 8
_FRESH_SEED = 10_000


@dataclass(frozen=True)
class Settings:
    """Write, open, read and learn from many transitions."""

    out: Path | None = None
    """JSON file for the results; None only prints them."""
    steps: int = 10_000_000
    """Transitions, a multiple of 200."""
    folder: Path | None = None
    """Where to write them; None: a temporary folder. It is removed in the end."""
    stage: Literal["all", "write", "read", "train", "train-2000"] = "all"
    """Used by this command itself: what to do with the dataset in ``folder``."""


def episodes(count: int, *, seed: int) -> list[Episode]:
    """Episodes of Pendulum-v1 under random torque, from its own distribution of starts."""
    world, task, rng = true_world("Pendulum-v1"), PendulumSwingUp(), np.random.default_rng(seed)
    action = rng.uniform(-2, 2, (_EPISODE, count, 1)).astype(np.float32)
    q, v = rng.uniform(-np.pi, np.pi, (count, 1)), rng.uniform(-1, 1, (count, 1))
    x = world.rollout(world.phase_point(q, v), action.astype(np.float64))
    q, v = world.state(x)
    observation = np.asarray(world.decode(x), np.float32)
    reward = task.reward(q[:-1], v[:-1], action.astype(np.float64), q[1:], v[1:])
    ended, last = np.zeros(_EPISODE, bool), np.arange(_EPISODE) == _EPISODE - 1
    return [
        Episode(
            observation=observation[:, i],
            action=action[:, i],
            reward=np.asarray(reward[:, i], np.float64),
            terminated=ended,
            truncated=last,
        )
        for i in range(count)
    ]


def provenance() -> Provenance:
    """What the dataset says of itself."""
    task, world = PendulumSwingUp(), true_world("Pendulum-v1")
    spaces = task.observation_space, task.action_space
    return Provenance("Pendulum-v1", *spaces, dt=world.dt, seed=0, coordinates=world.coordinates.to_json())


def write(folder: Path, steps: int) -> dict[str, Any]:
    """Write the transitions; the time of computing them is not counted."""
    folder.mkdir(parents=True)
    shards: list[Shard] = []
    seconds = 0.0
    fields = ("observation", "action", "reward", "terminated", "truncated")
    for first in range(0, steps // _EPISODE, _SHARD_EPISODES):
        made = episodes(min(_SHARD_EPISODES, steps // _EPISODE - first), seed=first)
        began = time.perf_counter()
        name = f"shard-{first:09d}"
        writer = StoreWriter(folder / name, chunk_rows=CHUNK_ROWS)
        writer.begin(provenance(), fields)
        writer.write_all(made)
        writer.close()
        shards.append(landed(folder, name, len(made), len(made) * _EPISODE))
        write_manifest(folder, shards)
        seconds += time.perf_counter() - began
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return {"seconds": seconds, "rows_per_second": steps / seconds, "bytes_a_row": size / steps}


def read(folder: Path) -> dict[str, Any]:
    """Open the dataset, and pass once over disjoint shuffled windows."""
    began = time.perf_counter()
    dataset = TransitionDataset.open(folder)
    opened = time.perf_counter() - began
    stream = WindowStream(dataset, _WINDOW, batch_size=4096, stride=_WINDOW)
    passes = []
    for number in range(2):  # the first one checks the hash of every episode
        began, cpu, rows = time.perf_counter(), time.process_time(), 0
        for batch in stream.batches(np.random.default_rng(number)):
            rows += len(batch) * _WINDOW
        passes.append((rows, time.perf_counter() - began, time.process_time() - cpu))
    assert all(rows == dataset.num_steps for rows, _, _ in passes)
    return {
        "open_seconds": opened,
        "rows_per_second": [rows / seconds for rows, seconds, _ in passes],
        "rows_per_cpu_second": [rows / seconds for rows, _, seconds in passes],
    }


def train(folder: Path, *, steps: int | None) -> dict[str, Any]:
    """Learn from all transitions, or from the first ``steps``."""
    import torch

    from hnn_gym.training import one_step_rms, train_world

    torch.set_num_threads(1)
    imported = _peak_bytes()
    dataset = TransitionDataset.open(folder)
    began, cpu = time.perf_counter(), time.process_time()
    world = train_world(dataset if steps is None else dataset.take_steps(steps), "mechanical")
    fresh = TransitionDataset.from_episodes(episodes(50, seed=_FRESH_SEED), provenance())
    return {
        "seconds": time.perf_counter() - began,
        "cpu_seconds": time.process_time() - cpu,
        "peak_bytes_over_import": _peak_bytes() - imported,
        "one_step_rms_on_fresh_episodes": one_step_rms(world, fresh),
        "minibatches": world.card["training"]["minibatches"],
    }


def _peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _stage(stage: str, folder: Path, steps: int) -> dict[str, Any]:
    """Run one stage in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.large_recording", "--stage", stage]
    command += ["--folder", str(folder), "--steps", str(steps)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout)
    print(stage, found, flush=True)
    return found


def main(settings: Settings) -> None:
    """Run the benchmark, or one stage of it."""
    if settings.stage != "all":
        assert settings.folder is not None
        stages = {
            "write": lambda folder: write(folder, settings.steps),
            "read": read,
            "train": lambda folder: train(folder, steps=None),
            "train-2000": lambda folder: train(folder, steps=2000),
        }
        print(json.dumps(stages[settings.stage](settings.folder)))
        return
    base = settings.folder or Path(tempfile.mkdtemp())
    try:
        found = {
            stage: _stage(stage, base / "pendulum", settings.steps)
            for stage in ("write", "read", "train-2000", "train")
        }
    finally:
        shutil.rmtree(base, ignore_errors=True)
    errors = [found[stage]["one_step_rms_on_fresh_episodes"] for stage in ("train", "train-2000")]
    opened, rate = found["read"]["open_seconds"], min(found["read"]["rows_per_second"])
    memory = found["train"]["peak_bytes_over_import"] / 1e9
    rows = [
        Row("open the dataset", opened, 1.0, "s", opened, bar=1.0, at_most=True),
        Row("pass in shuffled windows of 8", rate, 1e6, "rows/s", rate / 1e6, bar=1.0),
        Row("peak memory of training over import", memory, 1.0, "GB", memory, bar=1.0, at_most=True),
        Row("one-step RMS against 2,000 rows", *errors, "", errors[0] / errors[1], bar=1.0, at_most=True),
        Row("write", found["write"]["rows_per_second"], 0.0, "rows/s", found["write"]["rows_per_second"]),
    ]
    report(rows, command=COMMAND, out=settings.out, more={"steps": settings.steps, "stages": found})


if __name__ == "__main__":
    run(main, Settings, prog="python -m benchmarks.large_recording")
