"""What a second core gains: ``python -m benchmarks.two_cores --out docs/results/two_cores.json``.

The same work by one process and by two, or by one thread and by two, in turns: frames recorded, worlds and ensembles
learned, a learned world stepped, and plans made in it. On a busy machine two processes get a larger share of it than
one, which flatters the ratio of times; so the CPU seconds are reported too: twice the CPU seconds of one process over
those of two is the gain on two cores that nobody else uses. Threads of one process wait for each other without using
the CPU, so that only the clock tells what they gain. Beside that stand the CPU seconds of one transition recorded,
through Gymnasium, into one store and into shards.
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

import gymnasium
import numpy as np
import torch

from benchmarks.timing import Row, report
from hnn_gym.agents.evaluate import play_episodes
from hnn_gym.agents.sampling import SamplingPlanner
from hnn_gym.collect import CollectSettings, collect
from hnn_gym.command import run
from hnn_gym.data import record_steps
from hnn_gym.envs import build_simulator
from hnn_gym.studies import Cell, Processes, Results, run_cells
from hnn_gym.training import FitSettings, train_ensemble, train_world
from hnn_gym.training.preparation import Preparation

COMMAND = "python -m benchmarks.two_cores --out docs/results/two_cores.json"
_FIT = FitSettings(adam_steps=100, lbfgs_steps=500)


@dataclass(frozen=True)
class Settings:
    """Measure what a second core gains."""

    out: Path | None = None
    """JSON file for the results; None only prints them."""
    what: tuple[str, ...] = (
        "frames",
        "worlds",
        "ensemble",
        "environments",
        "plans",
        "environments in threads",
        "many environments in threads",
        "plans in threads",
        "torch",
    )
    """What is measured."""
    frames: int = 12_000
    """Frames to record."""
    worlds: int = 6
    """Worlds to learn."""
    steps: int = 60_000
    """Steps of each of the two blocks of environments."""
    planned: int = 120
    """Steps for which both blocks of starts are planned."""
    recorded: int = 3_000
    """Steps of the shorter recording whose time is measured."""
    rounds: int = 1
    """Rounds, with one process and with two in turns."""


@dataclass(frozen=True)
class Work:
    """The same work by one or two.

    Attributes:
        title: what is done.
        by: what there are one or two of.
        do: does it with so many.
        bar: smallest accepted gain.
    """

    title: str
    by: Literal["processes", "threads"]
    do: Callable[[int], object]
    bar: float | None = None


def record_frames(workers: int, *, steps: int) -> None:
    """Record frames of Pendulum-v1 in shards, as a user does."""
    with tempfile.TemporaryDirectory() as folder:
        command = f"--env Pendulum-v1 --pixels 64 --steps {steps} --executor processes --workers {workers} --out"
        arguments = [sys.executable, "-m", "hnn_gym.collect", *command.split(), str(Path(folder) / "frames")]
        subprocess.run(arguments, check=True, capture_output=True)


def learn(seed: int) -> float:
    """Learn a world from 200 transitions; returns its error."""
    dataset = record_steps(gymnasium.make("Pendulum-v1"), steps=200, seed=seed)
    world = train_world(dataset, settings=replace(_FIT, seed=seed))
    return float(world.card["figures"]["one_step_rms_on_training_data"])


def learn_ensemble(workers: int, *, members: int) -> None:
    """Learn an ensemble: as one batch by one process, each member by itself by two."""
    dataset = record_steps(gymnasium.make("Pendulum-v1"), steps=200, seed=0)
    if workers == 1:
        train_ensemble(dataset, members=members, settings=_FIT)
        return
    with Processes(workers) as processes:
        train_ensemble(dataset, members=members, settings=_FIT, executor=processes)


def plan(starts: range, steps: int) -> float:
    """Plan by sampling in a learned environment; returns the sum of the returns."""
    planner = SamplingPlanner(build_simulator("HNNPendulum-v0"))
    returns = play_episodes(planner, "HNNPendulum-v0", seeds=starts, max_steps=steps).returns
    return float(returns.sum())


def evaluate(threads: int, *, size: int, times: int) -> None:
    """Evaluate the objective of a fit and its gradient, with so many threads of torch."""
    dataset = record_steps(gymnasium.make("Pendulum-v1"), steps=size, seed=0)
    objective = Preparation.of(dataset, "mechanical").objective(FitSettings())
    parameters = {k: torch.tensor(v, requires_grad=True) for k, v in objective.initial_parameters().items()}
    torch.set_num_threads(threads)
    try:
        for _ in range(times):
            objective(parameters)[0].backward()
    finally:
        torch.set_num_threads(1)


def step(num_envs: int, steps: int) -> float:
    """Step a vector of learned environments; returns the sum of the rewards."""
    envs = gymnasium.make_vec("hnn_gym:HNNPendulum-v0", num_envs=num_envs)
    envs.reset(seed=0)
    actions = np.random.default_rng(0).uniform(-2, 2, (num_envs, 1)).astype(np.float32)
    total = 0.0
    for _ in range(steps):
        total += float(envs.step(actions)[1].sum())
    return total


def by_processes(cells: Mapping[str, Cell]) -> Callable[[int], None]:
    """Work that computes cells in so many processes, their start included."""

    def work(workers: int) -> None:
        with Processes(workers) as processes:
            run_cells(Results(None, command=COMMAND), cells, executor=processes)

    return work


def by_threads(cells: Mapping[str, Cell]) -> Callable[[int], None]:
    """Work that computes cells in so many threads of this process."""

    def work(workers: int) -> None:
        with ThreadPoolExecutor(workers) as threads:
            run_cells(Results(None, command=COMMAND), cells, executor=threads)

    return work


def measure(work: Work, rounds: int) -> dict[str, Any]:
    """Wall and CPU seconds with one process and with two, in turns."""
    wall: dict[int, list[float]] = {1: [], 2: []}
    cpu: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(rounds):
        for workers in (1, 2):
            began, before = time.perf_counter(), _cpu_seconds()
            work.do(workers)
            wall[workers].append(time.perf_counter() - began)
            cpu[workers].append(_cpu_seconds() - before)
    return {
        "by": work.by,
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


def works_of(settings: Settings) -> dict[str, Work]:
    """All that may be measured."""
    blocks = {str(half): partial(step, 128, settings.steps) for half in range(2)}
    wide = {str(half): partial(step, 8192, max(1, settings.steps // 200)) for half in range(2)}
    plans = {str(half): partial(plan, range(25 * half, 25 * half + 25), settings.planned) for half in range(2)}
    return {
        "frames": Work(
            f"{settings.frames:,} frames recorded", "processes", partial(record_frames, steps=settings.frames), 1.7
        ),
        "worlds": Work(
            f"{settings.worlds} worlds learned",
            "processes",
            by_processes({str(seed): partial(learn, seed) for seed in range(settings.worlds)}),
        ),
        "ensemble": Work(
            "an ensemble of 4 learned, as one batch and in two processes",
            "processes",
            partial(learn_ensemble, members=4),
        ),
        "environments": Work("2 x 128 learned environments stepped", "processes", by_processes(blocks)),
        "plans": Work("50 starts planned by sampling", "processes", by_processes(plans)),
        "environments in threads": Work(
            "2 x 128 learned environments stepped, in threads", "threads", by_threads(blocks)
        ),
        "many environments in threads": Work(
            "2 x 8,192 learned environments stepped, in threads", "threads", by_threads(wide)
        ),
        "plans in threads": Work("50 starts planned by sampling, in threads", "threads", by_threads(plans)),
        "torch": Work(
            "gradients of a fit to 20,000 transitions, threads of torch",
            "threads",
            partial(evaluate, size=20_000, times=100),
        ),
    }


def main(settings: Settings) -> None:
    """Run the benchmark."""
    torch.set_num_threads(1)
    works = works_of(settings)
    found = {}
    for name in settings.what:
        found[works[name].title] = measure(works[name], settings.rounds)
        print(works[name].title, found[works[name].title], flush=True)
    rows = [
        Row(
            f"{works[name].title}, 2 {works[name].by} against 1",
            found[works[name].title]["gain_by_wall"],
            found[works[name].title]["gain_by_cpu"],
            "x wall, x CPU",
            found[works[name].title]["gain_by_wall"],
            bar=works[name].bar,
        )
        for name in settings.what
    ]
    one = {name: transition(name, steps=settings.recorded) for name in ("none", "processes")}
    sizes = {name: getattr(settings, name) for name in ("steps", "planned", "recorded", "rounds")}
    more = {"sizes": sizes, "measured": found, "cpu_seconds_a_transition": one}
    report(rows, command=COMMAND, out=settings.out, more=more)


if __name__ == "__main__":
    run(main, Settings, prog="python -m benchmarks.two_cores")
