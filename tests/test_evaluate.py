"""The evaluation of a world: its figures on worlds of known quality, and what it says of them."""

from __future__ import annotations

import json
import runpy
import sys
from dataclasses import replace
from pathlib import Path

import gymnasium
import numpy as np
import pytest

import hnn_gym
from hnn_gym.data import FrameRule, TransitionDataset
from hnn_gym.envs.shipped import resolve_pixel_world, resolve_world
from hnn_gym.errors import InputError
from hnn_gym.evaluate import evaluate
from hnn_gym.evaluation.forecasts import Forecasts, forecasts_of
from hnn_gym.evaluation.judging import EnergyCheck, sensitivity, verdict
from hnn_gym.physics.hamiltonians import Pendulum
from hnn_gym.systems import true_world


@pytest.fixture(scope="module")
def fresh() -> TransitionDataset:
    return hnn_gym.record_steps(gymnasium.make("Pendulum-v1"), steps=400, seed=7)


def test_the_true_world_is_good_and_its_energy_is_that_of_reality(fresh: TransitionDataset) -> None:
    found = evaluate(true_world("Pendulum-v1"), fresh, energy_steps=200)
    assert found.forecasts.error.shape[1] == 200
    assert found.forecasts.error.max() < 1e-3  # the observations are float32, and the motion is sensitive
    assert found.sentences[0].startswith("Good: the median error stays within 0.1 standard deviations over all 200")
    assert found.energy is not None
    assert found.energy.true_band == pytest.approx(1.0)


def test_a_world_with_a_tenth_too_much_gravity_is_trusted_for_fewer_steps(fresh: TransitionDataset) -> None:
    truth = true_world("Pendulum-v1")
    wrong = replace(truth, dynamics=replace(truth.dynamics, hamiltonian=Pendulum.of_gymnasium(g=11.0)))  # type: ignore[type-var]
    found = evaluate(wrong, fresh, energy_steps=200)
    trusted = found.forecasts.steps_within(0.1)
    assert 3 < trusted < 100
    assert str(trusted) in found.sentences[0]
    assert any("What helps" in sentence for sentence in found.sentences)


def test_a_network_without_physics_is_said_to_have_no_energy(fresh: TransitionDataset) -> None:
    found = evaluate(resolve_world("BaselinePendulum-v0"), fresh)
    assert found.energy is None
    assert any("It has no energy" in sentence for sentence in found.sentences)


def test_a_recording_of_another_environment_is_refused(fresh: TransitionDataset) -> None:
    with pytest.raises(InputError, match="This world has 2 observation entries, and the recording has 3"):
        forecasts_of(resolve_world("HNNSpring-v0"), fresh)


def test_a_world_learned_from_frames_is_compared_with_frames() -> None:
    seen = resolve_pixel_world("HNNPixelPendulum-v0")
    assert seen is not None
    rule = FrameRule.from_json(seen.about["provenance"]["frame_rule"])  # type: ignore[index]
    env = gymnasium.make("Pendulum-v1", render_mode="rgb_array", max_episode_steps=60)
    found = evaluate(seen, hnn_gym.record_steps(env, steps=120, seed=7, record_frames=rule), energy_steps=20)
    assert found.forecasts.error.shape[1] == 59
    assert found.forecasts.median[0] < 0.2 < 0.5 < np.median(found.forecasts.still[:, 20])
    assert "of how much frames differ" in found.sentences[0]


def forecasts(*, slope: float, steps: int = 200, one_step: float = 0.001) -> Forecasts:
    error = slope * np.arange(1.0, steps + 1)[None] * np.ones((3, 1))
    return Forecasts(one_step, error, np.full_like(error, 1.0))


@pytest.mark.parametrize(
    ("slope", "begins"),
    [(1e-4, "Good: "), (1e-3, "Good for 100 steps"), (5e-3, "Usable for 20 steps"), (0.05, "Not good enough")],
)
def test_the_verdict_grows_worse_with_the_error(slope: float, begins: str) -> None:
    assert verdict(forecasts(slope=slope), None, growth=1.0)[0].startswith(begins)


def test_the_verdict_names_noise_friction_and_sensitive_motions() -> None:
    energy = EnergyCheck(1000, 0.5, 0.5, None)
    said = " ".join(verdict(forecasts(slope=0.05, one_step=0.3), energy, growth=1e6))
    for words in ("--loss shooting", "Friction and a residual force", "The motion is sensitive", "no better than"):
        assert words in said
    short = verdict(forecasts(slope=1e-4, steps=18), None, growth=1.0)[0]
    assert short.startswith("Good, as far as the recording shows")
    judged = verdict(forecasts(slope=1e-4), EnergyCheck(1000, 0.001, 0.1, 3.0), growth=1.0)
    assert "moves 3.00 times as much as in reality, which is too much" in judged[-1]
    better = verdict(forecasts(slope=1e-4), EnergyCheck(1000, 0.001, 0.1, 0.1), growth=1.0)
    assert "keeps the energy better than the real environment" in better[-1]


def test_a_free_motion_near_the_top_is_sensitive_and_one_at_the_bottom_is_not() -> None:
    world = true_world("Pendulum-v1")
    top, bottom = ([[np.cos(q), np.sin(q), 0.0]] for q in (1e-4, np.pi - 0.1))
    # At the top a deviation grows by exp(t sqrt(15)), 2,300 times in 2 s.
    assert sensitivity(world, world.encode(np.array(top)), steps=40) > 100 * sensitivity(
        world, world.encode(np.array(bottom)), steps=40
    )


@pytest.mark.filterwarnings("ignore:.*found in sys.modules")
def test_the_command_writes_a_report_with_its_figures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    options = "--on Pendulum-v1 --steps 250 --seed 3 --policy zero --energy-steps 50 --out report --overwrite"
    monkeypatch.setattr(sys, "argv", ["hnn_gym.evaluate", "HNNPendulum-v0", *options.split()])
    runpy.run_module("hnn_gym.evaluate", run_name="__main__", alter_sys=True)
    assert {path.name for path in Path("report").iterdir()} == {"report.md", "errors.png", "world.html", "results.json"}
    results = json.loads(Path("report/results.json").read_text())
    assert results["verdict"][0].startswith("Good")
    assert results["verdict"][0][:40] in " ".join(Path("report/report.md").read_text().split())
