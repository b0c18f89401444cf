"""The table of faults: how many were tried, and how many went wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from experiments.tables.sources import report, table


def faults() -> str:
    """Every part of the harness that has results."""
    return table(("what", "tried", "gone wrong"), list(_rows()), numbers=True)


def _rows() -> Iterator[tuple[str, str, str]]:
    found = report("faults")
    for name, case in found.get("kills", {}).items():
        which = "every file operation" if case["every"] == 1 else f"one in {case['every']} file operations"
        yield f"kills at {which}: `{name}`", f"{case['kills']:,}", str(len(case["faults"]))
    files = found.get("files")
    if files:
        yield "malformed files", f"{files['files']:,}", str(len(files["faults"]))
    calls = found.get("calls")
    if calls:
        yield "wrong calls and command lines", f"{calls['calls']:,}", str(len(calls["faults"]))
    writers = found.get("writers")
    if writers:
        tried = f"{writers['writers']} x {writers['rounds']}"
        yield "recordings of processes that append at once", tried, str(len(writers["faults"]))
    for name, what in (("signals", "Ctrl-C and SIGTERM"), ("disk-full", "a disk that becomes full")):
        if name in found:
            yield f"moments of {what}", f"{found[name]['moments']:,}", str(len(found[name]["faults"]))


TABLES: dict[str, Callable[[], str]] = {"faults": faults}
