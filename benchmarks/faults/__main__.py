"""Everything of this package, as a JSON file: ``python -m benchmarks.faults`` (one to two hours of one core).

The table of docs/robustness.md is made from it by ``python -m experiments.tables``.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.faults import calls, cases, malformed, moments, trainings, writers, written
from hnn_gym.command import run

CASES = (
    *written.CHECKPOINTS,
    *written.DATASETS,
    *written.SHARDS,
    *written.RESULTS,
    *trainings.TRAININGS,
    *trainings.AGENTS,
)


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
    """Kill only in cases whose names contain this; a case is stored as soon as it has been run."""
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
    written.preload()
    parts: dict[str, Callable[[], Any]] = {
        **{f"kills/{case.name}": partial(cases.run, [case], every=settings.every) for case in CASES},
        "files": lambda: malformed.read_damaged(settings.files, seed=settings.seed),
        "calls": lambda: calls.wrong_calls(settings.calls, seed=settings.seed),
        "writers": lambda: writers.appended_at_once(4, settings.rounds),
        "signals": lambda: moments.at_moments("signal", settings.moments),
        "disk-full": lambda: moments.at_moments("disk full", settings.moments),
    }
    for name in _in_order(settings, tuple(parts)):
        began = time.process_time()
        found = parts[name]()
        results = json.loads(settings.out.read_text()) if settings.out.exists() else {}
        if name.startswith("kills/"):
            results["kills"] = {**results.get("kills", {}), **found}
        else:
            results[name] = found
        settings.out.parent.mkdir(parents=True, exist_ok=True)
        settings.out.write_text(json.dumps(dict(sorted(results.items())), indent=1) + "\n")
        faults = [fault for part in (found.values() if "/" in name else [found]) for fault in part["faults"]]
        print(f"{name}: {len(faults)} faults, {time.process_time() - began:.0f} s of this process")
        for fault in faults[:20]:
            print(f"  {fault}")


def _in_order(settings: Settings, names: tuple[str, ...]) -> list[str]:
    """The parts that are to be run, a case of kills after the other; calls start threads, so they come last."""
    parts = ((name, *name.partition("/")[::2]) for name in names)
    chosen = [name for name, part, case in parts if part in settings.parts and (not case or settings.cases in case)]
    return sorted(chosen, key=lambda name: name == "calls")


if __name__ == "__main__":
    run(main, Settings, prog="python -m benchmarks.faults")
