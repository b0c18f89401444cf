"""The benchmarks run, and compute their ratios correctly."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import reversibility
from benchmarks.timing import Row, compared, rounds
from hnn_gym.envs.shipped import resolve_world

ROOT = Path(__file__).parents[1]


def test_a_ratio_is_the_median_of_the_rounds_own_ratios() -> None:
    # In the second round the machine was ten times as slow, for both alike.
    seconds = {"ours": [1.0, 10.0, 1.0], "theirs": [3.0, 30.0, 5.0]}
    row = compared("speed", seconds, "ours", "theirs", bar=3)
    assert row.ratio == 3
    assert row.met
    assert (row.ours, row.theirs) == (1.0, 1 / 5.0)


def test_bars_are_lower_or_upper_bounds() -> None:
    assert not Row("x", 1, 1, "1/s", ratio=0.9, bar=1.0).met
    assert Row("x", 1, 1, "1/s", ratio=0.9, bar=1.0, at_most=True).met
    assert Row("x", 1, 1, "1/s", ratio=0.9).met is None


def test_contestants_take_turns_and_the_first_round_is_thrown_away() -> None:
    calls: list[str] = []

    def contestant(name: str) -> float:
        calls.append(name)
        return float(len(calls))

    seconds = rounds({"a": lambda: contestant("a"), "b": lambda: contestant("b")}, 2)
    assert calls == ["a", "b"] * 3
    assert seconds == {"a": [3.0, 5.0], "b": [4.0, 6.0]}


@pytest.mark.parametrize("name", ["training", "own_tasks", "logs"])
def test_the_benchmark_runs(name: str) -> None:
    completed = subprocess.run(
        [sys.executable, "-m", f"benchmarks.{name}", "--quick"], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert completed.returncode == 0, completed.stderr
    assert "ratio" in completed.stdout or "seconds" in completed.stdout


def test_the_error_of_a_reversed_trajectory_is_reported_for_every_way_of_summation() -> None:
    world = resolve_world("HNNPendulum-v0")
    found = reversibility.measure(world, reversibility.starts_of(world, 3), dt=0.05, steps=300)
    assert found["compensated"]["bits_that_differ"] == found["lattice"]["bits_that_differ"] == 0
    assert 0 < found["plain"]["worst"] < 1e-10
    assert found["plain"]["within_the_bar"] == "3 of 3"
    assert found["plain"]["least_distance_at_the_turn"] > 0.01
