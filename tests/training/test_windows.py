"""Windows of multiple shooting cover every recorded step once, also where nothing but positions is observed."""

from __future__ import annotations

from dataclasses import replace

import gymnasium
import numpy as np
import pytest
import torch

from hnn_gym import Control, Coordinates, DegreeOfFreedom, FitSettings, InputError, TransitionDataset, record_steps
from hnn_gym.systems import true_world
from hnn_gym.training import Objective, train_world
from hnn_gym.training.preparation import Preparation
from hnn_gym.training.windows import TrainingWindows, recorded_states

SEEN = Coordinates((DegreeOfFreedom(cos=0, sin=1, velocity=2),), (Control(0, unit="N m"),))
ENCODER = Coordinates((DegreeOfFreedom(cos=0, sin=1, speed_limit=8.0),), (Control(0, limit=2.0, unit="N m"),))
LENGTHS = (23, 7, 1, 40)


def episodes() -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Observations and actions that name their episode and moment."""
    moments = [np.arange(length + 1.0)[:, None] / 100 + i for i, length in enumerate(LENGTHS)]
    return [np.concatenate([np.cos(t), np.sin(t), t], axis=1) for t in moments], [t[:-1] + 0.5 for t in moments]


def cut(horizon: int) -> TrainingWindows:
    return TrainingWindows.cut(*episodes(), coordinates=SEEN, dt=0.05, horizon=horizon)


@pytest.mark.parametrize("horizon", [1, 4, 10, 23, 200])
def test_every_step_lies_in_one_window_and_windows_of_an_episode_are_about_equal(horizon: int) -> None:
    windows = cut(horizon)
    for number, (observation, action) in enumerate(zip(*episodes(), strict=True)):
        rows = np.flatnonzero(windows.episode == number)
        assert windows.steps[rows].sum() == len(action)
        assert np.ptp(windows.steps[rows]) <= 1
        assert windows.steps[rows].max() <= horizon
        for row in rows:
            begin, steps = windows.begin[row], windows.steps[row]
            np.testing.assert_array_equal(windows.observation[row, : steps + 1], observation[begin : begin + steps + 1])
            np.testing.assert_array_equal(windows.action[row, :steps], action[begin : begin + steps])
            assert np.isnan(windows.observation[row, steps + 1 :]).all()
            assert np.isnan(windows.states[row, steps + 1 :]).all()
        assert windows.joined[rows[:-1]].all()
        assert not windows.joined[rows[-1]]


def test_values_of_windows_are_put_together_again_by_episode() -> None:
    windows = cut(6)
    for found, expected in zip(
        windows.by_episode(windows.observation, [length + 1 for length in LENGTHS]), episodes()[0], strict=True
    ):
        np.testing.assert_array_equal(found, expected)
    few = windows.select(windows.episode != 1)
    assert np.isnan(few.by_episode(few.observation, [length + 1 for length in LENGTHS])[1]).all()
    picked = few.at(few.observation, np.array([0, 3, 1]), np.array([23, 6, 2]))
    np.testing.assert_array_equal(picked[:2], [episodes()[0][0][23], episodes()[0][3][6]])
    assert np.isnan(picked[2]).all()


def test_velocities_that_are_not_observed_are_those_of_the_steps_of_symplectic_euler() -> None:
    truth = true_world("Pendulum-v1")
    path = truth.rollout(truth.phase_point(np.array([3.0]), np.array([1.0])), np.ones((30, 1)))
    q, v = truth.state(path)
    assert np.abs(q).max() > np.pi  # the angle passes the cut of the circle
    states = recorded_states(ENCODER.observation(q, v), coordinates=ENCODER, dt=truth.dt)
    np.testing.assert_allclose(states[1:, 1], v[1:, 0], atol=1e-12)  # rounding, divided by dt
    hidden = np.concatenate([np.cos(q), np.sin(q), np.where(np.arange(31)[:, None] % 2, np.nan, v)], axis=1)
    np.testing.assert_allclose(recorded_states(hidden, coordinates=SEEN, dt=truth.dt)[1:, 1], v[1:, 0], atol=1e-12)


def positions_alone(*, steps: int, seed: int) -> TransitionDataset:
    dataset = record_steps(gymnasium.make("Pendulum-v1"), steps=steps, seed=seed)
    blind = [replace(episode, observation=episode.observation[:, :2]) for episode in dataset]
    return TransitionDataset.from_episodes(blind, replace(dataset.provenance, coordinates=ENCODER.to_json()))


def test_what_was_not_observed_has_no_part_in_the_objective() -> None:
    dataset = record_steps(gymnasium.make("Pendulum-v1"), steps=60, seed=0, coordinates=SEEN.to_json())
    settings = FitSettings(loss="shooting", horizon=25)
    of = Preparation.of(dataset, "mechanical").objective(settings, 2.0)
    parameters = {name: torch.tensor(value) for name, value in of.initial_parameters().items()}
    errors, gaps = of.terms(parameters).errors[0], of.terms(parameters).gaps
    hidden = of.windows.observation.copy()
    hidden[1, 4] = hidden[..., 2] = np.nan
    less = Objective(
        of.architecture,
        SEEN,
        replace(of.windows, observation=hidden),
        integrator=of.architecture.integrator,
        dt=0.05,
        settings=settings,
        gap_weight=2.0,
    )
    left = less.terms(parameters)
    kept = np.isfinite(hidden)
    np.testing.assert_array_equal(left.errors[0][torch.tensor(~kept)], 0.0)
    assert left.counts == (kept.sum(),)
    # Angles have the scale 1 in both; the gaps are those of whole states.
    np.testing.assert_array_equal(left.errors[0][torch.tensor(kept)], errors[torch.tensor(kept)])
    np.testing.assert_allclose(left.gaps[:, :2], gaps[:, :2], rtol=1e-15)  # type: ignore[index]
    assert (left.gaps[:2, 2] != 0).all()  # type: ignore[index]


def test_a_pendulum_is_learned_from_its_angle_alone() -> None:
    few = replace(FitSettings.for_noisy_data(), horizon=50, adam_steps=20, least_squares_steps=5, decay=1e-9)
    world = train_world(positions_alone(steps=200, seed=0), settings=few, options={"hidden": (8,)})
    assert world.parameters is not None
    # Over the recordings 0, 1 and 2 it comes out within 0.1 %, and what is left of the angles is 0.25 mrad at most.
    assert np.exp(world.parameters["inertia.log"][0]) == pytest.approx(1 / 3, rel=5e-3)
    assert max(world.card["figures"]["sensor_noise"]) < 1e-3
    assert world.energy_unit == "J"
    with pytest.raises(InputError, match=r"velocities are not observed: use FitSettings\.for_noisy_data"):
        train_world(positions_alone(steps=20, seed=0))
