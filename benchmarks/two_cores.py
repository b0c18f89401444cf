"""What a second core gains: ``python -m benchmarks.two_cores --out docs/results/two_cores.json``.

Frames recorded, worlds learned and a learned world stepped with one process and with two, in turns. On a busy machine
two processes get a larger share of it than one, which flatters the ratio of times; so the CPU seconds are reported too:
twice the CPU seconds of one process over those of two is the gain on two cores that nobody else uses. Beside that stand
the CPU seconds of one transition recorded, through Gymnasium, into one store and into shards.
"""

from __future__ import annotations

import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import gymnasium
import numpy as np

from benchmarks.timing import Row, report
from hnn_gym.collect import CollectSettings, collect
from hnn_gym.command import run
from hnn_gym.data import record_steps
from hnn_gym.studies import Processes, Results, run_cells
from hnn_gym.training import FitSettings, train_world

COMMAND = "python -m benchmarks.two_cores --out docs/results/two_cores.json"


@dataclass(frozen=True)
class Settings:
    """Measure what a second core gains."""

    out: Path | None = None
    """JSON file for the results; None only prints them."""
    what: tuple[str, ...] = ("frames", "worlds", "environments")
    """What is measured."""
    frames: int = 20_000
    """Frames to record."""
    worlds: int = 6
    """Worlds to learn."""
    steps: int = 40_000
    """Steps of each of the blocks of environments."""
    rounds: int = 3
    """Rounds, with one process and with two in turns."""


def record_frames(workers: int, *, steps: int) -> None:
    """Record frames of Pendulum-v1 in shards."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "frames"
        collect(
            CollectSettings(env="Pendulum-v1", out=out, steps=steps, pixels=64, workers=workers, executor="processes")
        )


def learn(seed: int) -> float:
    """Learn a world from 200 transitions; returns its error."""
    dataset = record_steps(gymnasium.make("Pendulum-v1"), steps=200, seed=seed)
    world = train_world(dataset, settings=FitSettings(seed=seed))
    return float(world.card["figures"]["one_step_rms_on_training_data"])


def step(num_envs: int, steps: int) -> float:
    """Step a vector of learned environments; returns the sum of the rewards."""
    envs = gymnasium.make_vec("hnn_gym:HNNPendulum-v0", num_envs=num_envs)
    envs.reset(seed=0)
    actions = np.random.default_rng(0).uniform(-2, 2, (num_envs, 1)).astype(np.float32)
    total = 0.0
    for _ in range(steps):
        total += float(envs.step(actions)[1].sum())
    return total


def in_processes(cells: Callable[[], dict[str, Any]], workers: int) -> None:
    """Compute cells in so many processes, their start included."""
    with Processes(workers) as processes:
        run_cells(Results(None, command=COMMAND), cells(), executor=processes)


def measure(work: Callable[[int], None], rounds: int) -> dict[str, Any]:
    """Wall and CPU seconds with one process and with two, in turns."""
    wall: dict[int, list[float]] = {1: [], 2: []}
    cpu: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(rounds):
        for workers in (1, 2):
            began, before = time.perf_counter(), _cpu_seconds()
            work(workers)
            wall[workers].append(time.perf_counter() - began)
            cpu[workers].append(_cpu_seconds() - before)
    return {
        "wall_seconds": wall,
        "cpu_seconds": cpu,
        "gain_by_wall": statistics.median(a / b for a, b in zip(wall[1], wall[2], strict=True)),
        "gain_by_cpu": statistics.median(2 * a / b for a, b in zip(cpu[1], cpu[2], strict=True)),
    }


def transition(executor: Literal["none", "processes"], *, steps: int) -> float:
    """CPU seconds of recording one transition of Pendulum-v1: the difference of a long recording and a short one."""
    seconds = []
    for count in (steps, 10 * steps):
        before = _cpu_seconds()
        with tempfile.TemporaryDirectory() as folder:
            collect(CollectSettings(env="Pendulum-v1", out=Path(folder) / "data", steps=count, executor=executor))
        seconds.append(_cpu_seconds() - before)
    return (seconds[1] - seconds[0]) / (9 * steps)


def _cpu_seconds() -> float:
    """Of this process and of those that it started and that have ended."""
    usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in usage)


def main(settings: Settings) -> None:
    """Run the benchmark."""
    works: dict[str, Callable[[int], None]] = {
        "frames": lambda workers: record_frames(workers, steps=settings.frames),
        "worlds": partial(in_processes, lambda: {str(seed): partial(learn, seed) for seed in range(settings.worlds)}),
        "environments": partial(
            in_processes, lambda: {str(half): partial(step, 128, settings.steps // 2) for half in range(2)}
        ),
    }
    titles = {
        "frames": f"{settings.frames:,} frames recorded",
        "worlds": f"{settings.worlds} worlds learned",
        "environments": "256 learned environments stepped",
    }
    found = {}
    for name in settings.what:
        found[titles[name]] = measure(works[name], settings.rounds)
        print(titles[name], found[titles[name]], flush=True)
    rows = [
        Row(
            f"{name}, 2 processes against 1",
            gain,
            one["gain_by_cpu"],
            "x wall, x CPU",
            gain,
            bar=1.7 if "frames" in name else None,
        )
        for name, one in found.items()
        for gain in [one["gain_by_wall"]]
    ]
    one = {name: transition(name, steps=settings.frames) for name in ("none", "processes")}
    what = f"--what {' '.join(settings.what)} --frames {settings.frames} --rounds {settings.rounds}"
    report(
        rows, command=f"{COMMAND} {what}", out=settings.out, more={"measured": found, "cpu_seconds_a_transition": one}
    )


if __name__ == "__main__":
    run(main, Settings, prog="python -m benchmarks.two_cores")
