"""What a cluster costs and survives: ``python -m benchmarks.studies --out docs/results/studies.json``.

Needs the extra ``ray``. On a Ray cluster of two nodes of one core each, both on this machine:

- 200 cells, the second node killed in the middle: which cells are there, whether they are those of a run in order to
  the bit, and how many had to be computed twice;
- the program that runs the study killed and started again: which landed cells were computed twice;
- cells of one second that sleep: the time beyond that of the sleep, on Ray and in processes, in turns;
- cells that do nothing: what a cell costs.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.timing import Row, report
from hnn_gym.command import run
from hnn_gym.errors import InputError
from hnn_gym.studies import Cell, Processes, RayExecutor, Results, run_cells

COMMAND = "python -m benchmarks.studies --out docs/results/studies.json"
_NODES = 2


@dataclass(frozen=True)
class Settings:
    """Measure what a Ray cluster costs and survives."""

    out: Path | None = None
    """JSON file for the results; None only prints them."""
    cells: int = 200
    """Cells of the study during which a node is killed."""
    seconds: float = 1.0
    """Length of a cell for the overhead."""
    sleeping: int = 20
    """Number of such cells."""
    rounds: int = 3
    """Rounds of the overhead, Ray and processes in turns."""
    driver: Path | None = None
    """Used by this command itself: the folder of the study whose program is killed."""
    address: str = ""
    """Used by this command itself: the cluster of that study."""


def number(seed: int, folder: Path, seconds: float) -> float:
    """A number whose last bits depend on the order of additions; a file for each time it is computed."""
    (folder / f"{seed}.{uuid.uuid4().hex}").touch()
    rng, end, total = np.random.default_rng(seed), time.monotonic() + seconds, 0.0
    for _ in range(20):
        total += float((rng.normal(size=(100, 100)) @ rng.normal(size=(100, 100))).sum())
    time.sleep(max(0.0, end - time.monotonic()))
    return total


def computed(folder: Path) -> Counter[str]:
    """How many times each cell was computed."""
    return Counter(path.name.split(".")[0] for path in folder.iterdir())


def study(folder: Path, count: int, seconds: float) -> dict[str, Cell]:
    """The cells of the study, which leave their marks in ``folder``."""
    folder.mkdir(exist_ok=True)
    return {str(seed): partial(number, seed, folder, seconds) for seed in range(count)}


def node_killed(cluster: Any, folder: Path, count: int) -> dict[str, Any]:
    """Kill the second node when half of the cells are there."""
    here, there = (Results(folder / f"{name}.json", command=COMMAND) for name in ("here", "there"))
    run_cells(here, study(folder / "here", count, 0.0))
    landed: list[str] = []

    def landing(name: str, _: Any) -> None:
        landed.append(name)
        if len(landed) == count // 2:
            cluster.remove_node(cluster.second, allow_graceful=False)

    with RayExecutor(cluster.address) as executor:
        run_cells(there, study(folder / "there", count, 0.1), executor=executor, report=landing)
    times = computed(folder / "there")
    return {
        "cells": count,
        "there": len(landed),
        "equal_to_the_bit": (folder / "here.json").read_bytes() == (folder / "there.json").read_bytes(),
        "computed_twice": sum(times.values()) - len(times),
        "cells_in_flight_on_the_node": 1,
    }


def driver_killed(cluster: Any, folder: Path, count: int = 40) -> dict[str, Any]:
    """Kill the program of a study with SIGKILL after a quarter of its cells, and start it again."""
    arguments = [sys.executable, "-m", "benchmarks.studies", "--driver", str(folder), "--cells", str(count)]
    arguments += ["--address", cluster.address]
    first = subprocess.Popen(arguments)
    while len(_landed(folder)) < count // 4:
        time.sleep(0.1)
        if first.poll() is not None:
            raise InputError("The program of the study ended by itself: see its message above.")
    first.kill()
    first.wait()
    landed = _landed(folder)
    subprocess.run(arguments, check=True)
    times = computed(folder / "marks")
    return {
        "cells": count,
        "landed_before": len(landed),
        "there": len(_landed(folder)),
        "landed_cells_computed_twice": sum(times[name] > 1 for name in landed),
        "others_computed_twice": sum(times[name] > 1 for name in times if name not in landed),
    }


def _landed(folder: Path) -> dict[str, Any]:
    path = folder / "driven.json"
    return Results(path, command=COMMAND).below("") if path.exists() else {}


def drive(settings: Settings) -> None:
    """The program that is killed."""
    assert settings.driver is not None
    results = Results(settings.driver / "driven.json", command=COMMAND)
    with RayExecutor(settings.address) as executor:
        run_cells(results, study(settings.driver / "marks", settings.cells, 0.3), executor=executor)


def overhead(executors: dict[str, Executor], settings: Settings) -> dict[str, list[float]]:
    """Wall time of sleeping cells over that of the sleep alone, less one, by executor and round."""
    alone = settings.sleeping / _NODES * settings.seconds
    found: dict[str, list[float]] = {name: [] for name in executors}
    for _ in range(settings.rounds):
        for name, executor in executors.items():
            found[name].append(_wall(partial(time.sleep, settings.seconds), settings.sleeping, executor) / alone - 1)
    return found


def landing(folder: Path, count: int) -> float:
    """Seconds until a result of 100 numbers has landed beside ``count`` others, which the file holds too."""
    results, value = Results(None, command=COMMAND), np.random.default_rng(0).normal(size=100).tolist()
    for index in range(count):
        results[str(index)] = value
    results.path = folder / "landing.json"
    began = time.perf_counter()
    for repeat in range(3):
        results[f"last/{repeat}"] = value
    return (time.perf_counter() - began) / 3


def _wall(function: Callable[[], Any], count: int, executor: Executor) -> float:
    began = time.perf_counter()
    run_cells(Results(None, command=COMMAND), {str(i): function for i in range(count)}, executor=executor)
    return time.perf_counter() - began


def main(settings: Settings) -> None:
    """Run the benchmark."""
    if settings.driver is not None:
        drive(settings)
        return
    try:
        import ray
        from ray.cluster_utils import Cluster
    except ModuleNotFoundError:
        raise InputError('Ray is not installed: pip install "hnn-gym[ray]".') from None
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    cluster.second = cluster.add_node(num_cpus=1)
    try:
        with tempfile.TemporaryDirectory() as folder:
            with RayExecutor(cluster.address) as on_ray, Processes(_NODES) as processes:
                executors: dict[str, Executor] = {"ray": on_ray, "processes": processes}
                for executor in executors.values():  # workers start, and import what they need
                    _wall(partial(time.sleep, 0.5), 2 * _NODES, executor)
                beyond = overhead(executors, settings)
                nothing = {name: _wall(os.getpid, 200, executor) / 200 for name, executor in executors.items()}
            lands = {str(count): landing(Path(folder), count) for count in (100, 1000, 10_000)}
            restarted = driver_killed(cluster, Path(folder))
            killed = node_killed(cluster, Path(folder), settings.cells)
    finally:
        ray.shutdown()
        cluster.shutdown()
    share = {name: statistics.median(values) for name, values in beyond.items()}
    rows = [
        Row(
            f"overhead of {name}, cells of {settings.seconds:g} s",
            share[name],
            0.0,
            "share",
            share[name],
            bar=0.05 if name == "ray" else None,
            at_most=True,
        )
        for name in beyond
    ]
    more = {
        "node_killed": killed,
        "program_killed": restarted,
        "overhead_by_round": beyond,
        "seconds_a_cell_that_does_nothing": nothing,
        "seconds_to_land_beside_others": lands,
    }
    print(more)
    report(rows, command=COMMAND, out=settings.out, more=more)


if __name__ == "__main__":
    run(main, Settings, prog="python -m benchmarks.studies")
