"""The pendulum and bump measurements, on tiny settings: the code path, not the figures."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from experiments import bumps, pendulum
from hnn_gym.envs.shipped import resolve_world
from hnn_gym.studies import Results, run_cells
from hnn_gym.training import FitSettings

FEW = FitSettings(adam_steps=20, lbfgs_steps=20)


def test_every_model_is_measured_on_every_recording() -> None:
    cells = pendulum.cells_of(pendulum.Settings(seeds=(0, 1), transitions=40, fit=FEW))
    results = Results(None, command=pendulum.COMMAND)
    run_cells(results, {name: cell for name, cell in cells.items() if name.startswith("one-step/")})
    for model in ("mechanical", "second-order", "baseline"):
        assert list(pendulum.errors(results, model)) == [0, 1]
        assert min(pendulum.errors(results, model).values()) > 0
    assert 0.1 < results["one-step/mechanical/1"]["inertia"] < 1


def test_the_energy_bands_are_measured_from_two_kinds_of_starts_against_the_real_map() -> None:
    results = Results(None, command=pendulum.COMMAND)
    cells = pendulum.cells_of(pendulum.Settings(drift_steps=50))
    run_cells(results, {name: cell for name, cell in cells.items() if name.startswith("drift/")})
    for starts in pendulum.STARTS:
        assert pendulum.worst_ratios(results, starts)[pendulum.REAL_MAP] == 1.0
        assert all(len(band) == 20 for band in results.below(f"drift/{starts}/").values())
    small, large = results[f"drift/swings from rest/{pendulum.REAL_MAP}"][::19]
    assert 0 < small < 1e-3 * large  # the ripple grows with the square of the swing


def test_the_shell_is_exact_per_unit_of_inertia() -> None:
    assert pendulum.measure_shell("per_unit_inertia", 0) == {"trajectory": 0.0, "one_step": 0.0}
    assert 0 < pendulum.measure_shell("in_joules", 0)["one_step"] < 1e-13


def test_the_bumps_command_measures_what_is_missing(tmp_path: Path) -> None:
    out = tmp_path / "bumps.json"
    Results(out, command=bumps.COMMAND)["swing-up/0"] = {"upright": 7}
    arguments = ["--out", str(out), "--requests", "20", "--swing-seeds", "0", "--starts", "2"]
    subprocess.run([sys.executable, "-m", "experiments.bumps", *arguments], check=True, capture_output=True)
    results = Results(out, command=bumps.COMMAND)
    assert all(row["largest_error_J"] < 1e-5 for row in results.below("exactness/").values())
    assert results["tasks/SpringBump-v0"]["of"] == 2
    assert results["swing-up/0"] == {"upright": 7}  # as it was


def test_the_shipped_pendulum_tells_how_to_swing_up_the_real_one() -> None:
    steps = bumps.steps_to_upright(resolve_world("HNNPendulum-v0"), 0)
    assert steps is not None
    assert 20 < steps < 200


def test_random_points_are_states_of_the_task_at_various_speeds() -> None:
    x = bumps.random_points(resolve_world("HNNPendulum-v0"), 500)
    assert x.shape == (500, 2)
    assert np.abs(x[:, 0]).max() == pytest.approx(np.pi, abs=0.05)
