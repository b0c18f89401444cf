"""The experiment of the pixel pendulum runs from film to figures, and tells plain numbers."""

import json
from dataclasses import replace
from functools import partial

import numpy as np
from rich.console import Console

from hnn_gym.data import FrameRule
from hnn_gym.experiments.pixels import command, control
from hnn_gym.experiments.pixels.films import film_unforced, true_energy


def test_a_small_run_measures_everything_and_draws_all_figures(tmp_path, quick_learning, monkeypatch):
    models = {name: (kind, {"hidden": (8,)}, env_id) for name, (kind, _, env_id) in command.MODELS.items()}
    del models["first-order network"]
    monkeypatch.setattr(command, "MODELS", models)
    coarse = partial(control.planned, positions=24, velocities=25, actions=3)
    monkeypatch.setattr(control, "planned", coarse)
    settings = command.Settings(
        steps=800,
        size=24,
        motions=2,
        horizon=20,
        context=10,
        starts=2,
        pictures=tmp_path / "pictures",
        weights=tmp_path / "weights",
        learning=replace(quick_learning, horizons=(5,), steps=6),
    )
    results = command.experiment(settings, Console(quiet=True))
    json.dumps(results, allow_nan=False)
    assert set(results["forecasts"]) == {*models, "real"}
    assert len(results["control"]["HNN"]["real, from frames"]["all"]) == 2
    assert {path.name for path in (tmp_path / "pictures").iterdir()} == {
        "frames.png",
        "angles.png",
        "portrait.png",
        "bump.png",
        "bump.gif",
    }
    assert (tmp_path / "weights" / "HNNPixelPendulum-v0" / "frames" / "world.json").is_file()


def test_unforced_films_keep_away_from_rest_and_from_the_separatrix():
    film = film_unforced(FrameRule(16, "red-green"), episodes=3, steps=2, first_seed=0)
    energy = true_energy(film.states[:, 0])
    assert film.frames.shape == (3, 3, 16, 16, 1)
    assert ((energy >= -9) & (energy <= -1)).all()
    assert true_energy(np.zeros(2)) == 0
