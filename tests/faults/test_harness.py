"""The harness of ``python -m benchmarks.faults``, in short: kills, damaged files, several writers, wrong calls."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.faults.right_calls import of_environment

ROOT = Path(__file__).parents[2]


def test_a_short_run_of_the_harness_finds_no_fault() -> None:
    command = [sys.executable, "-m", "benchmarks.faults.short"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert len(found["kills"]) == 10
    assert all(found["kills"].values())
    assert {"files", "writers", "calls"} < found["faults"].keys()
    assert [fault for faults in found["faults"].values() for fault in faults] == []


@pytest.mark.parametrize("env_id", ["HNNReacher-v0", "HNNAcrobot-v0", "BaselineTwoBody-v0"])
def test_the_calls_from_which_wrong_ones_are_made_are_right_for_every_kind_of_environment(env_id: str) -> None:
    for call in of_environment(env_id).values():
        call.function(**call.arguments)
