"""Ratios on a busy machine: contestants take turns, and each round gives one ratio.

A figure is the median over the rounds, so that what disturbs a round disturbs all its contestants alike.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class Row:
    """One comparison.

    Attributes:
        what: what is compared.
        ours: our speed or time, in ``unit``.
        theirs: what it is compared with, in ``unit``.
        unit: of the two.
        ratio: how many times as fast, or the share of the roofline, in the terms of the bar.
        bar: smallest accepted ratio (largest if ``at_most``); None for a row without a bar.
        at_most: the bar is an upper one.
    """

    what: str
    ours: float
    theirs: float
    unit: str
    ratio: float
    bar: float | None = None
    at_most: bool = False

    @property
    def met(self) -> bool | None:
        """Whether the bar is reached; None without a bar."""
        if self.bar is None:
            return None
        return self.ratio <= self.bar if self.at_most else self.ratio >= self.bar


def rounds(contestants: Mapping[str, Callable[[], float]], count: int) -> dict[str, list[float]]:
    """Seconds per unit of work, by contestant and round.

    Args:
        contestants: do some work, and return the seconds per unit of it.
        count: number of rounds; one more comes first and is thrown away.
    """
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    for k in range(count + 1):
        for name, run in contestants.items():
            taken = run()
            if k:
                seconds[name].append(taken)
    return seconds


def timed(
    function: Callable[[], Any], *, repeat: int, units: int = 1, clock: Callable[[], float] = time.perf_counter
) -> Callable[[], float]:
    """A contestant that calls ``function`` ``repeat`` times; each call does ``units`` units of work.

    With ``time.process_time`` for the clock, what other programs take of a busy machine does not count.
    """

    def run() -> float:
        began = clock()
        for _ in range(repeat):
            function()
        return (clock() - began) / (repeat * units)

    return run


def compared(what: str, seconds: Mapping[str, list[float]], ours: str, theirs: str, *, bar: float | None = None) -> Row:
    """Our speed against theirs, in units of work per second."""
    ratio = statistics.median(b / a for a, b in zip(seconds[ours], seconds[theirs], strict=True))
    our_speed, their_speed = (1 / statistics.median(seconds[name]) for name in (ours, theirs))
    return Row(what, our_speed, their_speed, "1/s", ratio, bar=bar)


def machine() -> dict[str, Any]:
    """Describe the machine on which the figures were measured."""
    model = next((line.split(":")[1].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")), "")
    return {
        "cpu": model or platform.processor(),
        "cores": os.cpu_count(),
        "load": os.getloadavg()[0],
        "python": platform.python_version(),
        "numpy": np.__version__,
        "torch": torch.__version__,
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
    }


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text().splitlines()
    except OSError:
        return []


def report(rows: list[Row], *, command: str, out: Path | None, more: Mapping[str, Any] | None = None) -> None:
    """Print the rows as a table, and write them with the machine's description as JSON."""
    table = Table(title=command)
    for name in ("what", "ours", "theirs", "unit", "ratio", "bar", "met"):
        table.add_column(name, justify="left" if name == "what" else "right")
    for row in rows:
        bar = "" if row.bar is None else f"{'<=' if row.at_most else '>='} {row.bar:g}"
        met = {None: "", True: "yes", False: "no"}[row.met]
        table.add_row(row.what, f"{row.ours:,.4g}", f"{row.theirs:,.4g}", row.unit, f"{row.ratio:.3g}", bar, met)
    Console(width=150).print(table)
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        content = {"command": command, "machine": machine(), "rows": [asdict(r) | {"met": r.met} for r in rows]}
        out.write_text(json.dumps(content | dict(more or {}), indent=1) + "\n")
