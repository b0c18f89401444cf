"""Kills at every file operation of something that writes, and a check of what each leaves.

For every kind of writing there is a folder that is prepared once, the work, and a check of what a kill may leave. A
check returns what stands on the disk, in words; it raises AssertionError where something was lost or mixed, or where
the same command does not succeed afterwards.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.faults.operations import KILLED, in_child


@dataclass(frozen=True)
class Case:
    """A kind of writing.

    Attributes:
        name: in the table.
        prepare: makes what is there before, in an empty folder.
        work: the writing.
        check: looks at the folder after a kill or after the work, and goes on as a user would.
    """

    name: str
    prepare: Callable[[Path], Any]
    work: Callable[[Path], Any]
    check: Callable[[Path], Any]


@dataclass
class Outcome:
    """What happened in one case: kills, and the faults that were found, in words."""

    kills: int = 0
    faults: list[str] = field(default_factory=list)


def killed_everywhere(case: Case, *, every: int = 1) -> Outcome:
    """Kill the work at every file operation, or at every so many, and check what is left each time."""
    outcome = Outcome()
    with tempfile.TemporaryDirectory() as temporary:
        before, now = Path(temporary) / "before", Path(temporary) / "now"
        before.mkdir()
        made = in_child(lambda: case.prepare(before), before)
        assert made.code == 0, f"{case.name} cannot be prepared: {made.output}"
        at = 1
        while True:
            shutil.rmtree(now, ignore_errors=True)
            shutil.copytree(before, now)
            killed = in_child(lambda: case.work(now), now, at=at)
            if killed.code not in (KILLED, 0):
                outcome.faults.append(f"{case.name}, operation {at}: exit code {killed.code}: {killed.output[-300:]}")
            checked = in_child(lambda: case.check(now), now)
            if checked.code != 0:
                outcome.faults.append(
                    f"{case.name}, killed at operation {at}, then {checked.code}: {checked.output[-600:]}"
                )
            if killed.code != KILLED and killed.operations < at:  # threads may write their numbers out of order
                return outcome
            outcome.kills += 1
            at += every


def run(cases: Sequence[Case], *, every: int = 1) -> dict[str, Any]:
    """Run the cases; a JSON-ready summary."""
    rows = {}
    for case in cases:
        outcome = killed_everywhere(case, every=every)
        rows[case.name] = {"every": every, "kills": outcome.kills, "faults": outcome.faults}
    return rows
