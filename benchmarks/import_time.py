"""What importing the package costs: ``python -m benchmarks.import_time --out docs/results/import_time.json``.

CPU seconds that a fresh interpreter spends on one statement, without its own start, where all modules are compiled
already, as those of an installed package are. The statements take turns, and of each the median counts.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from rich.console import Console

from benchmarks.timing import machine, rounds
from hnn_gym.command import run

COMMAND = "python -m benchmarks.import_time --out docs/results/import_time.json"
STATEMENTS = {
    "gymnasium": "import gymnasium",
    "hnn_gym": "import gymnasium, hnn_gym",
    "make": "import gymnasium, hnn_gym; gymnasium.make('HNNPendulum-v0')",
    "train_world": "import gymnasium; from hnn_gym import train_world",
}
"""What is imported, by a name for the table."""


@dataclass(frozen=True)
class Settings:
    """Measure the CPU time of import statements."""

    out: Path | None = None
    """JSON file for the results; None only prints them."""
    repeats: int = 15
    """Interpreters started for each statement."""


def cpu_seconds(statement: str, bytecode: str) -> float:
    """CPU seconds that a fresh interpreter spends on a statement, with compiled modules in the folder ``bytecode``."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPYCACHEPREFIX"] = bytecode
    program = f"import time; began = time.process_time(); {statement}; print(time.process_time() - began)"
    command = [sys.executable, "-c", program]
    return float(subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout)


def measure(repeats: int, names: Iterable[str] = STATEMENTS) -> dict[str, float]:
    """Median CPU seconds by the names of statements, and those of ``hnn_gym`` over ``gymnasium``."""
    with TemporaryDirectory() as bytecode:
        found = rounds({name: partial(cpu_seconds, STATEMENTS[name], bytecode) for name in names}, repeats)
    seconds = {name: round(median(values), 3) for name, values in found.items()}
    over = [ours - theirs for ours, theirs in zip(found["hnn_gym"], found["gymnasium"], strict=True)]
    return seconds | {"hnn_gym over gymnasium": round(median(over), 3)}


def _main(settings: Settings) -> None:
    results = {"command": COMMAND, "cpu_seconds": measure(settings.repeats), "machine": machine()}
    Console().print(results)
    if settings.out is not None:
        settings.out.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    run(_main, Settings, prog="python -m benchmarks.import_time")
