"""The study of the real robot: the makers' equations, and forecasts by the world that made the motion."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from experiments.real_robot.command import Settings, candidate, inside_cells
from experiments.real_robot.contenders import CANDIDATES, HORIZONS, STILL, judged, learn, pooled, squared_errors
from experiments.real_robot.makers import TwoLinks, makers_world
from experiments.real_robot.recordings import DATA, Forecasts, read_recordings
from experiments.real_robot.swing_up import swung_up
from hnn_gym.data.logs.table import Table
from hnn_gym.errors import MissingPathError
from hnn_gym.physics.dynamics import PortHamiltonian
from hnn_gym.studies import Results

LINKS = TwoLinks((0.12, 0.045, 0.04), 0.035, (2.0, 1.3))


def log_of_the_makers_model(rows: int = 700) -> Table:
    """A log of the makers' model at steps of unequal length, with torques that change evenly."""
    world, rng = makers_world("1.0"), np.random.default_rng(0)
    durations = 0.002 * rng.uniform(0.8, 1.2, rows - 1)
    time = np.concatenate([[0], np.cumsum(durations)])
    torque = np.stack([np.sin(3 * time), np.cos(4 * time)], axis=1)
    mean = (torque[:-1] + torque[1:]) / 2
    path = world.rollout(world.phase_point(np.array([0.3, -0.2]), np.zeros(2)), mean, durations=durations)
    q, v = world.state(path)
    names = ("time", "pos_meas1", "pos_meas2", "vel_meas1", "vel_meas2", "tau_meas1", "tau_meas2")
    return Table("log", dict(zip(names, (time, *q.T, *v.T, *torque.T), strict=True)))


@pytest.fixture(scope="module")
def table() -> Table:
    return log_of_the_makers_model()


def test_the_acceleration_of_two_links_follows_from_their_energy() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(20, 4))
    slope = np.stack([(LINKS.energy(x + h) - LINKS.energy(x - h)) / 2e-5 for h in 1e-5 * np.eye(4)], axis=-1)
    np.testing.assert_allclose(LINKS.gradient(x), slope, atol=1e-7)  # central differences
    q, v, force = rng.normal(size=(3, 20, 2))
    dynamics, h = PortHamiltonian(LINKS, np.eye(2)), 1e-6
    rate = dynamics.field(np.concatenate([q, LINKS.momentum(q, v)], axis=-1), force)
    later = LINKS.velocity(q + h * rate[:, :2], LINKS.momentum(q, v) + h * rate[:, 2:])
    np.testing.assert_allclose(LINKS.acceleration(q, v, force), (later - v) / h, rtol=1e-3, atol=1e-3)


def test_the_makers_model_has_the_gravity_of_its_masses() -> None:
    world = makers_world("1.0")
    hanging, level = np.zeros(4), np.array([np.pi / 2, 0, 0, 0])
    moment = 0.5234602302310271 * 0.2 + 0.6255677234174437 * (0.2 + 0.25569305436052964)
    assert world.energy(level) - world.energy(hanging) == pytest.approx(9.81 * moment)


def test_forecasts_in_the_world_that_made_the_motion_err_as_little_as_its_states_are_known(table: Table) -> None:
    forecasts = Forecasts.of(table)
    assert forecasts.states.shape[1] == 4
    still = squared_errors(None, table)
    exact = squared_errors(makers_world("1.0"), table)
    # The filter rounds off the corners of a motion with dry friction.
    assert np.sqrt(exact.mean(axis=1)).max() < 0.1 * np.sqrt(still.mean(axis=1)).min()
    cell = judged(STILL, [], {"log": table})
    np.testing.assert_allclose(pooled([cell, cell]), np.sqrt(still.mean(axis=1)))
    assert len(cell["mean_squares"]["log"]) == len(HORIZONS)


def test_a_contender_is_learned_from_a_log(table: Table) -> None:
    candidate = CANDIDATES["chain-0.25"]
    few = replace(candidate, fit=replace(candidate.fit, horizon=4, least_squares_steps=1))
    world, seconds = learn(few, [table])
    assert world.architecture.kind == "chain"
    assert seconds > 0


def test_a_world_forecasts_what_it_was_learned_from_with_the_zeros_of_its_fit(
    table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    candidate = CANDIDATES["zeros-0.5"]
    few = replace(candidate, every=10, fit=replace(candidate.fit, horizon=20, least_squares_steps=1))
    monkeypatch.setitem(CANDIDATES, "few", few)
    cell = judged("few", [table], {}, in_sample=True)
    world, _ = learn(few, [table])
    expected = squared_errors(world, table, zeros=np.array(cell["zeros"][0])).mean(axis=1)
    np.testing.assert_allclose(cell["in_sample_mean_squares"], [expected])
    assert not np.allclose(cell["in_sample_mean_squares"], squared_errors(world, table).mean(axis=1))


def test_a_folder_without_recordings_says_where_they_come_from(tmp_path) -> None:
    with pytest.raises(MissingPathError, match="dfki-ric-underactuated-lab"):
        inside_cells(Settings(data=tmp_path))


def test_the_candidate_of_a_family_is_the_one_with_the_least_error_inside_the_training_recordings() -> None:
    results = Results(None, command="test")
    for name, squares in (("chain-0.25", (4.0, 1.0)), ("chain-0.5", (1.0, 4.1))):
        for recording, square in zip("ab", squares, strict=True):
            results[f"inside/{name}/{recording}"] = {"mean_squares": {"c": [square] * 4}, "starts": {"c": 5}}
    assert candidate(results, "chain", "a") == "chain-0.5"
    assert candidate(results, "chain", "b") == "chain-0.25"
    assert candidate(results, "chain") == "chain-0.25"  # (2 + 1) / 2 of the least against (1 + 2.02) / 2
    assert candidate(results, "symmetric", "a") == "symmetric-0.5"
    assert candidate(results, STILL, "a") == STILL


@pytest.mark.skipif(not DATA.exists(), reason="the logs of the real robot are not part of the package")
def test_the_recordings_of_the_real_robot_are_of_two_kinds() -> None:
    assert len(read_recordings(DATA, excitations=True)) == 4
    assert len(read_recordings(DATA, excitations=False)) == 1


def test_an_agent_acts_in_the_world_that_it_plans_in_and_in_the_makers_model() -> None:
    for world in ("learned", "makers-1.0"):
        found = swung_up("shoulder", world, starts=1, steps=4, samples=8)
        assert len(found["return"]) == len(found["lowest_height"]) == 1
        assert found["upright_from_s"] == [None]  # it hangs still
