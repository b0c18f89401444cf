"""How the worlds that ship are made, and what their cards say."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from experiments import shipped, shipped_decay
from experiments.real_pendulum_data import real_pendulum_transitions
from experiments.shipped import RECIPES
from hnn_gym.envs.shipped import WEIGHTS, resolve_world
from hnn_gym.errors import InputError, MissingPathError
from hnn_gym.studies import Results
from hnn_gym.systems import SYSTEMS
from hnn_gym.training import selection
from hnn_gym.training.one_step import OneStepSettings

RESULTS = Path(__file__).parents[2] / "docs" / "results"
FILM = Path(__file__).parents[2].parent / "shared" / "data" / "invar_datasets.zip"


def test_an_unknown_shipped_world_is_refused_before_any_is_trained():
    with pytest.raises(InputError, match="no shipped world 'HNNSprings-v0'"):
        shipped._main(shipped.Settings(ids=("HNNSpring-v0", "HNNSprings-v0")))


def test_existing_worlds_are_not_trained_again(capsys):
    path = shipped.WEIGHTS / "HNNSpring-v0" / "world.json"
    before = path.stat().st_mtime_ns
    shipped._main(shipped.Settings(ids=("HNNSpring-v0", "BaselineSpring-v0", "HNNRealPendulum-v0")))
    printed = capsys.readouterr().out
    assert "HNNSpring-v0: made already" in printed
    assert "HNNRealPendulum-v0: not trained, because it needs --data" in printed
    assert path.stat().st_mtime_ns == before


def test_the_real_pendulum_without_its_data_says_where_they_come_from(tmp_path):
    with pytest.raises(InputError, match="--data"):
        shipped.train("HNNRealPendulum-v0")
    with pytest.raises(MissingPathError, match="Schmidt and Lipson"):
        shipped.train("HNNRealPendulum-v0", data=tmp_path / "none.zip")


@pytest.mark.skipif(not FILM.is_file(), reason=f"the film of the real pendulum is not at {FILM}")
def test_the_film_becomes_episodes_without_gaps_that_agree_with_the_card():
    train, test = real_pendulum_transitions(FILM)
    assert train.num_steps + test.num_steps == 556 - 1 - 10 - 1  # rows - 1, dropped frames, the cut
    for episode in train:
        angle = np.unwrap(np.arctan2(episode.observation[:, 1], episode.observation[:, 0]))
        mean_speed = (episode.observation[1:, 2] + episode.observation[:-1, 2]) / 2
        assert np.abs(np.diff(angle) * 6 - mean_speed).max() < 0.3  # noise; over a gap, off by the speed
    card = resolve_world("HNNRealPendulum-v0").card
    assert card["data"]["sha256"] == train.content_hash()
    assert not episode.action.any()


def test_stops_that_joints_meet_lose_their_weight_in_a_twin_that_is_fitted_by_steps(monkeypatch):
    pytest.importorskip("mujoco", reason="the arm is one of MuJoCo's environments")
    system = SYSTEMS["Reacher-v5"]
    dataset = shipped.recorded(system.id, replace(system.recording, steps=300), 3)
    elbow = np.arctan2(dataset.transitions().observation[:, 3], dataset.transitions().observation[:, 1])
    assert (np.abs(elbow) > 3.0).any()
    quick = OneStepSettings(steps=4, rows=150, most_rows=150)  # it begins near its end
    monkeypatch.setattr(selection, "POLYNOMIAL", quick)
    monkeypatch.setattr(shipped, "symplectic_scheme", lambda world, *_, **__: world.integrator)
    world = shipped.learned(system.twins["HNN"], dataset)
    damping = np.exp(world.parameters["damping.log"][:2])
    np.testing.assert_allclose(damping, 1.0, rtol=1e-6)  # MuJoCo's own; exact data determine it to rounding
    assert world.card["training"]["settings"]["seed"] == 0


@pytest.mark.parametrize("env_id", shipped_decay.CHOSEN)
def test_the_decay_of_a_baseline_predicts_other_episodes_better_than_its_neighbours(env_id):
    stored = Results(RESULTS / "shipped_decay.json", command=shipped_decay.COMMAND)
    errors = shipped_decay.tried(stored, env_id)
    assert shipped_decay.to_try(env_id, errors) == []
    assert min(errors, key=errors.__getitem__) == shipped_decay.decade_of(env_id)
    card = json.loads((WEIGHTS / env_id / "world.json").read_text())["provenance"]
    assert card["training"]["settings"]["decay"] == float(f"1e{shipped_decay.decade_of(env_id)}")


def test_decays_are_tried_until_both_neighbours_of_the_best_are_worse():
    errors = {}
    while decades := shipped_decay.to_try("BaselineTwoBody-v0", errors):
        errors |= {decade: abs(decade + 4) for decade in decades}
    assert {-5, -4, -3} <= set(errors)


def test_a_decay_that_cannot_be_chosen_is_refused():
    with pytest.raises(InputError, match="--data"):
        shipped_decay.error_of("BaselineRealPendulum-v0", -3, data=None)
    with pytest.raises(InputError, match="no decay to choose for 'HNNSpring-v0'"):
        shipped_decay._main(shipped_decay.Settings(ids=("HNNSpring-v0",)))


@pytest.mark.parametrize("env_id", RECIPES)
def test_a_card_contains_data_seed_command_and_figures_and_the_weights_are_small(env_id):
    card = json.loads((WEIGHTS / env_id / "world.json").read_text())["provenance"]
    assert len(card["data"]["sha256"]) == 64
    assert card["command"].startswith(f"python -m experiments.shipped {env_id} --seed {0}")
    assert card["training"]["settings"]["seed"] == 0
    assert len(card["figures"]) >= 2
    assert sum(file.stat().st_size for file in (WEIGHTS / env_id).iterdir()) < 200_000
