"""Time and memory of converting a long log: ``python -m benchmarks.logs --out docs/results/log_conversion.json``.

A log of a two-joint arm, with stamps, positions, velocities, torques and a column of text, is written as CSV, and
``python -m hnn_gym.convert`` makes a dataset of it in a process of its own. Its whole CPU time
counts, imports too; the wall time is that of a machine with other work.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from rich.console import Console

from benchmarks.timing import machine
from hnn_gym.command import run

COMMAND = "python -m benchmarks.logs --out docs/results/log_conversion.json"
BARS = {"cpu_seconds": 20.0, "megabytes": 1000.0}


@dataclass(frozen=True)
class Settings:
    """Measure the conversion of a log."""

    out: Path | None = None
    """JSON file for the results; None only prints them."""
    rows: int = 1_000_000
    """Rows of the log."""
    quick: bool = False
    """Convert a thousand rows, to check that everything runs."""


def write_log(path: Path, rows: int) -> None:
    """Write a log with steps of unequal length."""
    rng = np.random.default_rng(0)
    t = np.cumsum(rng.uniform(0.0015, 0.0025, rows))
    columns = (t, np.sin(t), np.cos(2 * t), np.cos(t), -2 * np.sin(2 * t), *rng.normal(size=(2, rows)))
    with path.open("w") as file:
        file.write("time,q1,q2,v1,v2,tau1,tau2,mode\n")
        for row in zip(*columns, strict=True):
            file.write(",".join(f"{value:.9g}" for value in row) + ",running\n")


def measure(rows: int) -> dict[str, Any]:
    """Convert a log in a process of its own, and return its wall time, CPU time and largest memory."""
    with TemporaryDirectory() as folder:
        log = Path(folder) / "log.csv"
        write_log(log, rows)
        size = log.stat().st_size / 1e6
        before, began = getrusage(RUSAGE_CHILDREN), time.perf_counter()
        command = [sys.executable, "-m", "hnn_gym.convert", str(log), "--out", str(Path(folder) / "log.zarr")]
        subprocess.run(command, check=True, capture_output=True)
        seconds, after = time.perf_counter() - began, getrusage(RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    # The largest memory of all children so far, of which this is the only one; Linux counts it in KiB.
    found = {"seconds": seconds, "cpu_seconds": cpu, "megabytes": after.ru_maxrss * 1024 / 1e6}
    return {"rows": rows, "csv_megabytes": round(size, 1), **{name: round(value, 2) for name, value in found.items()}}


def _main(settings: Settings) -> None:
    found = measure(1_000 if settings.quick else settings.rows)
    met = {name: found[name] <= bar for name, bar in BARS.items()}
    results = {"command": COMMAND, "machine": machine(), **found, "bars": BARS, "met": met}
    Console().print(results)
    if settings.out is not None:
        settings.out.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    run(_main, Settings, prog="python -m benchmarks.logs")
