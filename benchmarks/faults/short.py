"""A short version of all parts in one process, as the tests run it: ``python -m benchmarks.faults.short``.

The faults that were found are printed as JSON, by part, with the number of kills.
"""

from __future__ import annotations

import json

from benchmarks.faults import calls, malformed, writers
from benchmarks.faults.cases import run
from benchmarks.faults.trainings import AGENTS, TRAININGS
from benchmarks.faults.written import CHECKPOINTS, DATASETS, RESULTS, preload

_KILLS = ((CHECKPOINTS, 6), (DATASETS, 120), (RESULTS, 5), (TRAININGS[:1], 30), (AGENTS[:1], 60))
"""Cases, and at every how many of their file operations a process is killed."""
_SEED = 1


def main() -> None:
    """Run the parts; wrong calls come last, because they start threads."""
    preload()
    killed = {name: row for cases, every in _KILLS for name, row in run(list(cases), every=every).items()}
    parts = {
        "files": malformed.read_damaged(20, seed=_SEED),
        "writers": writers.appended_at_once(4, 1),
        "calls": calls.wrong_calls(60, seed=_SEED),
    }
    found = {name: part["faults"] for name, part in (killed | parts).items()}
    print(json.dumps({"kills": {name: row["kills"] for name, row in killed.items()}, "faults": found}))


if __name__ == "__main__":
    main()
