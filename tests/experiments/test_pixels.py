"""The experiment of the pixel pendulum runs from film to figures, resumes, and reports plain numbers."""

import json
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console

from experiments.pixels import bumps, canonical, command, control, worlds
from experiments.pixels.films import Film, film_unforced, true_energy
from experiments.pixels.forecasts import Forecast, energies_by_angle
from experiments.pixels.summary import table
from hnn_gym.agents import sb3
from hnn_gym.agents.dynamic_programming import Grid
from hnn_gym.data import FrameRule
from hnn_gym.errors import InputError
from hnn_gym.systems import Twin

QUIET = Console(quiet=True)


@pytest.fixture
def quick(tmp_path, quick_learning, monkeypatch):
    """Settings of a run of seconds."""
    models = {name: (Twin(twin.model, {"hidden": (8,)}), env_id) for name, (twin, env_id) in worlds.MODELS.items()}
    monkeypatch.setattr(worlds, "MODELS", models)
    monkeypatch.setattr(control, "GRID", Grid(positions=24, velocities=25, actions=3, velocity_range=(-8.0, 8.0)))
    short = replace(sb3.RECIPES["sac"], num_envs=4, steps=1_700, arguments={"learning_starts": 1_600})
    monkeypatch.setitem(sb3.RECIPES, "sac", short)
    return command.Settings(
        out=tmp_path / "pixels.json",
        runs=tmp_path / "runs",
        pictures=tmp_path / "pictures",
        weights=tmp_path / "weights",
        seeds=(0,),
        models=("HNN", "second-order network"),
        acting=("HNN",),
        steps=800,
        size=24,
        motions=2,
        horizon=70,
        context=10,
        starts=2,
        learning=replace(quick_learning, horizons=(5,), steps=6),
    )


@pytest.mark.filterwarnings("ignore:Predicted positions are wrong:UserWarning")  # so few steps of training
def test_a_small_run_measures_everything_draws_all_figures_and_is_not_repeated(quick, tmp_path, monkeypatch):
    results = command.study(quick, QUIET)
    measured = json.loads(quick.out.read_text())["measurements"]
    groups = {key.split("/")[0] for key in measured}
    assert groups == {
        "settings", "learning", "forecasts", "encoding", "symetric", "bump", "plan", "sac", "stepping"
    }  # fmt: skip
    assert len(measured["sac/0/HNN"]["real_from_frames"]["all"]) == 2
    assert "sac/0/second-order network" not in measured
    assert measured["bump/0/HNN"]["+1 J"]["learned_H"]["largest_error_J"] < 1e-9
    assert "real return from frames, sac" in table(results)
    assert {path.name for path in quick.pictures.iterdir()} == {
        "frames.png",
        "angles.png",
        "portrait.png",
        "bump.png",
        "bump.gif",
    }
    assert (quick.weights / "HNNPixelPendulum-v0" / "frames" / "world.json").is_file()

    def again(*_, **__):
        raise AssertionError("learned or measured a second time")

    monkeypatch.setattr(worlds, "learn", again)
    monkeypatch.setattr(control, "act", again)
    resumed = command.study(replace(quick, pictures=None, weights=None), QUIET)
    assert resumed.below("") == results.below("")
    with pytest.raises(InputError, match="was measured with"):
        command.study(replace(quick, motions=3), QUIET)


def test_unforced_films_keep_away_from_rest_and_from_the_separatrix():
    film = film_unforced(FrameRule(16, "red-green"), episodes=3, steps=2, first_seed=0)
    energy = true_energy(film.states[:, 0])
    assert film.frames.shape == (3, 3, 16, 16, 1)
    assert ((energy >= -9) & (energy <= -1)).all()
    assert true_energy(np.zeros(2)) == 0


def test_the_energy_of_angles_is_that_of_the_motion():
    t = np.arange(200) * 0.01
    angle = np.pi + 0.1 * np.cos(np.sqrt(15.0) * t)  # small swings, E = -10 + 5 * 0.1^2 / 2
    energy = energies_by_angle(angle[None] - 2 * np.pi * (t > 1), dt=0.01)  # a turn more or less shows in no frame
    # The pendulum is harmonic up to angle^4 / 24, and centred differences err by dt^2 / 6 of the third derivative.
    np.testing.assert_allclose(energy, -10 + 5 * 0.1**2 / 2, atol=5e-5)


def test_a_dream_that_is_the_truth_is_canonical_wherever_its_circle_is_cut(seen):
    t = np.arange(61) * 0.05
    height = np.linspace(0.3, 1.2, 5)[:, None]
    angle, speed = height * np.cos(3.9 * t), -3.9 * height * np.sin(3.9 * t)
    film = Film(np.empty(0), np.stack([angle + np.pi, speed], axis=-1))
    dreamt = Forecast(angle - 2.0 + 2 * np.pi * np.arange(5)[:, None], speed)  # whole turns, from another origin
    measured = canonical.measure(seen, dreamt, film, context=0, offset=2.0 + np.pi)
    assert measured["60 steps"]["faithful"] == measured["60 steps"]["groups"] == 1
    assert measured["60 steps"]["rsq"]["worst"] > 0.999
    lagging = Forecast(np.roll(dreamt.q, 12, axis=1), np.roll(speed, 12, axis=1))
    late = canonical.measure(seen, lagging, film, context=0, offset=2.0 + np.pi)
    assert late["60 steps"]["sym"]["worst"] < 0.05  # a harmonic motion that lags is a rotation of itself


def test_a_bump_of_a_learned_world_is_measured_in_learned_and_in_true_joules(seen, monkeypatch):
    monkeypatch.setattr(bumps, "_MOMENTS", (0, 5))
    q = np.linspace(-1.0, 1.0, 11)[None] * np.array([[0.5], [0.8]])
    film = Film(seen.codec.decode((q + seen.starts[0][0])[..., None]), np.empty(0))
    measured = bumps.measure(seen, film, context=10, offset=0.0)
    assert measured["+1 J"]["states"] == 4
    assert measured["+1 J"]["clipped"] == 0
    assert measured["+1 J"]["learned_H"]["largest_error_J"] < 1e-9
    # The inertia of this small film is right to some percent, and so then are its joules.
    assert measured["+1 J"]["true_energy_of_the_state"]["largest_error_J"] < 0.1
