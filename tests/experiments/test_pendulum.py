"""The pendulum and bump measurements, on tiny settings: the code path, not the figures."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from experiments import bumps, pendulum
from hnn_gym.envs.shipped import resolve_world
from hnn_gym.training import FitSettings

TINY = pendulum.Settings(seeds=(0,), drift_steps=50, shell_seeds=1, fit=FitSettings(adam_steps=20, lbfgs_steps=20))


def test_every_model_is_measured_on_every_recording() -> None:
    found = pendulum.measure_one_step(replace(TINY, seeds=(0, 1), transitions=40))
    assert set(found["rms"]) == {"mechanical", "second-order", "baseline"}
    for model, values in found["rms"].items():
        assert len(values) == 2
        assert found["worst"][model] == max(values) > 0
    assert len(found["inertia"]) == 2


def test_the_energy_bands_are_measured_from_two_kinds_of_starts_against_the_real_map() -> None:
    found = pendulum.measure_drift(TINY)
    for starts in ("reset(seed=0..19)", "swings from rest"):
        assert found[starts]["worst_ratio_to_real_map"]["real map"] == 1.0
        assert all(len(band) == 20 for band in found[starts]["band_J"].values())
    small, large = found["swings from rest"]["band_J"]["real map"][::19]
    assert 0 < small < 1e-3 * large  # the ripple grows with the square of the swing


def test_the_shell_is_exact_per_unit_of_inertia() -> None:
    worst = pendulum.measure_shell(TINY)["worst"]
    assert worst["per_unit_inertia"] == {"trajectory": 0.0, "one_step": 0.0}
    assert 0 < worst["in_joules"]["one_step"] < 1e-13


def test_the_bumps_command_writes_what_it_prints(tmp_path: Path) -> None:
    out = tmp_path / "bumps.json"
    arguments = ["--out", str(out), "--requests", "20", "--swing-seeds", "0", "--starts", "2"]
    subprocess.run([sys.executable, "-m", "experiments.bumps", *arguments], check=True, capture_output=True)
    results = json.loads(out.read_text())
    assert all(row["largest_error_J"] < 1e-5 for row in results["exactness"].values())
    assert results["swing_up"][0]["of"] == 2


def test_random_points_are_states_of_the_task_at_various_speeds() -> None:
    x = bumps.random_points(resolve_world("HNNPendulum-v0"), 500)
    assert x.shape == (500, 2)
    assert np.abs(x[:, 0]).max() == pytest.approx(np.pi, abs=0.05)
