"""A process that is killed at any file operation loses nothing, mixes nothing, and leaves a way on."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(("suite", "every"), [("CHECKPOINTS", 6), ("DATASETS", 120)])
def test_a_kill_at_any_file_operation_loses_and_mixes_nothing(suite: str, every: int) -> None:
    command = [sys.executable, "-m", "benchmarks.faults.kills", suite, str(every)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    rows = json.loads(done.stdout)
    assert all(row["kills"] for row in rows.values())
    assert [fault for row in rows.values() for fault in row["faults"]] == []
