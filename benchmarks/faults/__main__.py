"""Everything of this package, as a JSON file: ``python -m benchmarks.faults`` (one to two hours of one core).

The table of docs/robustness.md is made from it by ``python -m experiments.tables``.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.faults import calls, kills, malformed, moments, trainings, writers
from hnn_gym.command import run

CASES = (*kills.CHECKPOINTS, *kills.DATASETS, *trainings.TRAININGS, *trainings.AGENTS)


@dataclass(frozen=True)
class Settings:
    """How much of each."""

    out: Path = Path("docs/results/faults.json")
    """The results; parts that are not run keep those that are there."""
    parts: tuple[str, ...] = ("kills", "files", "calls", "writers", "signals", "disk-full")
    """Which parts to run."""
    every: int = 1
    """Kill at every so many file operations."""
    cases: str = ""
    """Kill only in cases whose names contain this."""
    files: int = 3000
    """Malformed files."""
    calls: int = 1000
    """Wrong calls and command lines."""
    rounds: int = 20
    """Rounds of four processes that append to one dataset."""
    moments: int = 50
    """Moments of signals, and of a full disk."""
    seed: int = 7
    """Of files and calls; the tests use others."""


def main(settings: Settings) -> None:
    """Run the parts, and write the results after each."""
    kills.preload()
    parts: dict[str, Callable[[], Any]] = {
        "kills": lambda: kills.run([case for case in CASES if settings.cases in case.name], every=settings.every),
        "files": lambda: malformed.read_damaged(settings.files, seed=settings.seed),
        "calls": lambda: calls.wrong_calls(settings.calls, seed=settings.seed),
        "writers": lambda: writers.appended_at_once(4, settings.rounds),
        "signals": lambda: moments.at_moments("signal", settings.moments),
        "disk-full": lambda: moments.at_moments("disk full", settings.moments),
    }
    for name in sorted(settings.parts, key=lambda name: name == "calls"):  # calls start threads, so they come last
        began = time.process_time()
        found = parts[name]()
        results = json.loads(settings.out.read_text()) if settings.out.exists() else {}
        if name == "kills":
            earlier = results.get(name, {}).get("cases", {}) if settings.cases else {}
            results[name] = {"every": settings.every, "cases": {**earlier, **found}}
        else:
            results[name] = found
        settings.out.parent.mkdir(parents=True, exist_ok=True)
        settings.out.write_text(json.dumps(dict(sorted(results.items())), indent=1) + "\n")
        faults = [fault for part in (found.values() if name == "kills" else [found]) for fault in part["faults"]]
        print(f"{name}: {len(faults)} faults, {time.process_time() - began:.0f} s of this process")
        for fault in faults[:20]:
            print(f"  {fault}")


if __name__ == "__main__":
    run(main, Settings, prog="python -m benchmarks.faults")
