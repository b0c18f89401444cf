"""Ctrl-C, SIGTERM and a full disk at many moments of the command lines that write.

A signal: the process ends within 5 s with 130 or 143 and one line that says how to go on. A full disk: it ends within
5 s with 2 and one line. Either way the folder holds what a kill may leave (:mod:`benchmarks.faults.cases`).
"""

from __future__ import annotations

import shutil
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.faults import trainings, written
from benchmarks.faults.cases import Case
from benchmarks.faults.operations import disk_full, in_child, interrupt

_SECONDS = 5.0


def _collect(path: Path, *options: str) -> None:
    from hnn_gym import command
    from hnn_gym.collect import CollectSettings, main

    out = ("--out", str(path / "data.zarr"), "--steps", "250", "--seed", str(written.NEW))
    sys.argv = ["collect", "--env", written.ENV, *out, *options]
    command.run(main, CollectSettings, prog="collect")


def _train(path: Path) -> None:
    from hnn_gym import train

    train._SAVE_EVERY_S = -1.0  # type: ignore[attr-defined]
    data, out = str(path / "data.zarr"), str(path / "world")
    fit = ("--adam-steps", "2", "--lbfgs-steps", "2", "--least-squares-steps", "2", "--seed", "0")
    sys.argv = ["train", data, "--out", out, "--model", "mechanical", "--hidden", "4", *fit]
    train.main()  # type: ignore[attr-defined]


def _ours(case: Case, work: Callable[[Path], Any]) -> Case:
    return Case(case.name, case.prepare, work, case.check)


CASES = (
    _ours(written.DATASETS[0], _collect),
    _ours(written.DATASETS[1], lambda path: _collect(path, "--append")),
    _ours(written.DATASETS[2], lambda path: _collect(path, "--overwrite")),
    _ours(trainings.TRAININGS[0], _train),
)


def at_moments(fault: str, moments: int) -> dict[str, Any]:
    """Let a fault happen at many moments, spread over the cases; a JSON-ready summary.

    Args:
        fault: "signal" (SIGINT and SIGTERM in turn) or "disk full".
        moments: how many.
    """
    faults: list[str] = []
    slowest, done = 0.0, 0
    with tempfile.TemporaryDirectory() as temporary:
        before, now = Path(temporary) / "before", Path(temporary) / "now"
        for number, case in enumerate(CASES):
            shutil.rmtree(before, ignore_errors=True)
            before.mkdir()
            in_child(lambda case=case: case.prepare(before), before)  # type: ignore[misc]
            shutil.rmtree(now, ignore_errors=True)
            shutil.copytree(before, now)
            whole = in_child(lambda case=case: case.work(now), now).operations  # type: ignore[misc]
            share = moments // len(CASES) + (number < moments % len(CASES))
            for moment in range(share):
                at = 1 + moment * whole // share
                shutil.rmtree(now, ignore_errors=True)
                shutil.copytree(before, now)
                which = (signal.SIGINT, signal.SIGTERM)[moment % 2]
                action = disk_full if fault == "disk full" else interrupt(which)
                ended = in_child(
                    lambda case=case: case.work(now),  # type: ignore[misc]
                    now,
                    at=at,
                    fault=action,
                    once=fault != "disk full",
                )
                done, slowest = done + 1, max(slowest, ended.seconds)
                name = f"{case.name}, {fault} at operation {at} of {whole}"
                expected = (2, 0) if fault == "disk full" else (128 + which, 0)
                if ended.code not in expected:
                    faults.append(f"{name}: exit code {ended.code}: {ended.output[-300:]}")
                elif "Traceback" in ended.output:
                    faults.append(f"{name}: a traceback: {ended.output[-300:]}")
                if ended.seconds > _SECONDS:
                    faults.append(f"{name}: it ended after {ended.seconds:.1f} s")
                checked = in_child(lambda case=case: case.check(now), now)  # type: ignore[misc]
                if checked.code != 0:
                    faults.append(f"{name}, afterwards: {checked.output[-500:]}")
    return {"moments": done, "slowest_s": slowest, "faults": faults}
