"""Kills of some cases in a process of its own, as the tests run them.

python -m benchmarks.faults.kills checkpoints 6 datasets 120 training 30: a kill at every so many file operations.
"""

from __future__ import annotations

import json
import sys

from benchmarks.faults.cases import run
from benchmarks.faults.trainings import AGENTS, TRAININGS
from benchmarks.faults.written import CHECKPOINTS, DATASETS, RESULTS, SHARDS, preload

if __name__ == "__main__":
    preload()
    pairs = zip(sys.argv[1::2], sys.argv[2::2], strict=True)
    suites = {
        "checkpoints": CHECKPOINTS,
        "datasets": DATASETS,
        "shards": SHARDS,
        "results": RESULTS,
        "training": TRAININGS[:1],
        "agents": AGENTS[:1],
    }
    print(json.dumps({name: run(suites[name], every=int(every)) for name, every in pairs}))
