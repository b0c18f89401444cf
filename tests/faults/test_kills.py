"""A process that is killed at any file operation loses nothing, mixes nothing, and leaves a way on."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_a_kill_at_some_of_the_file_operations_loses_and_mixes_nothing() -> None:
    every = {"checkpoints": 6, "datasets": 120, "results": 5, "training": 30, "agents": 40}
    pairs = [str(word) for pair in every.items() for word in pair]
    command = [sys.executable, "-m", "benchmarks.faults.kills", *pairs]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    rows = [row for suite in json.loads(done.stdout).values() for row in suite.values()]
    assert len(rows) == 10
    assert all(row["kills"] for row in rows)
    assert [fault for row in rows for fault in row["faults"]] == []
