"""Steps of unequal length are learned from stamp to stamp, and equal ones exactly as before."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from hnn_gym import Coordinates, FitSettings, InputError, TransitionDataset
from hnn_gym.data import Episode, LogSettings
from hnn_gym.evaluation.forecasts import forecasts_of
from hnn_gym.physics.dry_friction import stopped_together
from hnn_gym.physics.dynamics import PortHamiltonian
from hnn_gym.physics.hamiltonians import Pendulum
from hnn_gym.physics.integrators import (
    Euler,
    ImplicitMidpoint,
    InVelocities,
    Leapfrog,
    RungeKutta4,
    Substeps,
    SymplecticEuler,
)
from hnn_gym.systems import true_world
from hnn_gym.training import held_out_error, one_step_rms, open_loop_error, train_auto, train_world
from hnn_gym.training.losses import derivative_loss
from hnn_gym.training.preparation import Preparation
from hnn_gym.worlds.differentiable import rollout as differentiable_rollout

FIT = FitSettings(adam_steps=0, lbfgs_steps=150)


def pendulum_log(
    rows: int = 240, *, jitter: float = 0.3, dropped: float = 0.0, velocities: bool = True, episodes: int = 2
) -> TransitionDataset:
    """Exact motion of d2q/dt2 = -9 sin q + tau, tau held from stamp to stamp, at stamps that jitter."""
    rng = np.random.default_rng(0)
    time, position, velocity, action = [], [], [], []
    for number in range(episodes):
        steps = 0.05 * rng.uniform(1 - jitter, 1 + jitter, rows) if jitter else np.full(rows, 0.05)
        tau = np.repeat(rng.uniform(-3, 3, rows // 10), 10)
        states = [np.array([0.5 + number, 0.0])]
        for step, u in zip(steps[:-1], tau[:-1], strict=True):
            x = states[-1]
            for _ in range(4):
                h = step / 4
                k = [_field(x, u)]
                for weight in (0.5, 0.5, 1.0):
                    k.append(_field(x + weight * h * k[-1], u))
                x = x + h / 6 * (k[0] + 2 * k[1] + 2 * k[2] + k[3])
            states.append(x)
        t, x = np.concatenate([[0], np.cumsum(steps[:-1])]), np.stack(states)
        # Rows that are dropped between equal actions, so that the log says what acted.
        drop = (rng.random(rows) < dropped) & (np.arange(rows) % 10 > 0) & (np.arange(rows) % 10 < 9)
        time.append(t[~drop]), position.append(x[~drop, 0]), action.append(tau[~drop]), velocity.append(x[~drop, 1])
    settings = LogSettings(gap=1.0)
    given = velocity if velocities else None
    return TransitionDataset.from_arrays(time, position, velocity=given, action=action, settings=settings)


def _field(x: np.ndarray, u: float) -> np.ndarray:
    return np.array([x[1], -9 * np.sin(x[0]) + u])


def without_stamps(dataset: TransitionDataset) -> TransitionDataset:
    return TransitionDataset.from_episodes([replace(episode, time=None) for episode in dataset], dataset.provenance)


SCHEMES = [SymplecticEuler(), Leapfrog(), RungeKutta4(), ImplicitMidpoint(), InVelocities()]


@pytest.mark.parametrize("integrator", SCHEMES, ids=lambda scheme: type(scheme).__name__)
def test_a_rollout_with_durations_is_the_rollout_of_worlds_with_those_time_steps(integrator) -> None:
    rng = np.random.default_rng(0)
    world = replace(true_world("Pendulum-v1"), integrator=integrator)
    x0, actions, durations = rng.normal(size=(3, 2)), rng.normal(size=(5, 3, 1)), rng.uniform(0.01, 0.1, (5, 3))
    together = world.rollout(x0, actions, durations=durations)
    for row in range(3):
        x = x0[row]
        for k in range(5):
            x = world.with_dt(durations[k, row]).step(x, actions[k, row])
        # The order of additions in the batch may differ from that of a single row.
        np.testing.assert_allclose(together[-1, row], x, rtol=1e-13)


def test_dry_friction_acts_for_the_time_of_each_step() -> None:
    rng = np.random.default_rng(1)
    v, M = rng.normal(size=(6, 2)), np.array([[2.0, 0.5], [0.5, 1.0]])
    impulse = rng.uniform(0, 1, (6, 1)) * np.array([1.0, 2.0])
    together = stopped_together(v, np.broadcast_to(M, (6, 2, 2)), impulse)
    for row in range(6):
        np.testing.assert_allclose(together[row], stopped_together(v[row], M, impulse[row]), atol=1e-14)


def test_windows_hold_the_time_of_each_step_and_equal_steps_need_none() -> None:
    dataset = pendulum_log(60)
    windows = dataset.windows(3)
    time = dataset.episode(1).time
    np.testing.assert_array_equal(windows.duration[-1], np.diff(time)[-3:])
    np.testing.assert_array_equal(windows[5:7].duration, windows.duration[5:7])
    assert pendulum_log(60, jitter=0.0).windows(3).duration is None
    assert without_stamps(dataset).windows(3).duration is None


def test_stamps_of_a_dataset_that_do_not_increase_are_refused() -> None:
    good = pendulum_log(30).episode(0)
    time = good.time.copy()
    time[7] = time[6]
    bad = TransitionDataset.from_episodes([good, replace(good, time=time)], pendulum_log(30).provenance)
    with pytest.raises(InputError, match="In episode 1 the stamp of row 7 is not later than that of row 6"):
        bad.windows(2)


def test_equal_steps_with_stamps_give_the_world_that_they_give_without_to_the_bit() -> None:
    dataset = pendulum_log(60, jitter=0.0)
    short = replace(FIT, lbfgs_steps=10)
    with_stamps, without = (train_world(d, settings=short) for d in (dataset, without_stamps(dataset)))
    for name, value in with_stamps.parameters.items():
        np.testing.assert_array_equal(value, without.parameters[name])


def test_jitter_of_the_stamps_is_learned_as_it_is() -> None:
    dataset = pendulum_log()
    world, blind = (train_world(d, settings=FIT, integrator=Leapfrog()) for d in (dataset, without_stamps(dataset)))
    # Leapfrog's own error at these steps is 1e-3 of a step.
    error = one_step_rms(replace(world, integrator=RungeKutta4()), dataset)
    assert error < 5e-4
    assert one_step_rms(replace(blind, integrator=RungeKutta4()), dataset) > 3 * error


def test_the_model_found_from_a_log_goes_from_stamp_to_stamp() -> None:
    dataset = pendulum_log(120)
    world = train_auto(dataset, integrator=RungeKutta4())
    assert world.has_energy
    # Polynomials of an angle that is taken for a position, or exact: below a thousandth of the motion either way.
    assert open_loop_error(world, dataset, horizon=1) < 1e-3
    assert open_loop_error(world, without_stamps(dataset), horizon=1) > 3 * open_loop_error(world, dataset, horizon=1)


def test_the_derivative_loss_divides_by_the_time_of_each_step() -> None:
    rng = np.random.default_rng(0)
    world, durations = replace(true_world("Pendulum-v1"), integrator=Euler()), rng.uniform(0.01, 0.1, (3, 4))
    actions = rng.normal(size=(3, 4, 1))
    path = world.rollout(rng.normal(size=(3, 2)), actions.swapaxes(0, 1), durations=durations.T)
    observation, ones = world.decode(path).swapaxes(0, 1), np.ones(1)
    scales = {"velocity_scale": ones, "acceleration_scale": ones}
    assert derivative_loss(world, observation, actions, **scales, duration=durations) < 1e-20
    assert derivative_loss(world, observation, actions, **scales) > 1e-3


def test_positions_at_jittering_stamps_with_dropped_rows_give_the_world_and_its_noise() -> None:
    dataset = pendulum_log(120, jitter=0.05, dropped=0.1, velocities=False)
    noise = 1e-2
    rng = np.random.default_rng(2)
    noisy = TransitionDataset.from_episodes(
        [replace(e, observation=e.observation + noise * rng.normal(size=e.observation.shape)) for e in dataset],
        dataset.provenance,
    )
    settings = FitSettings(
        loss="shooting", horizon=20, adam_steps=60, lbfgs_steps=0, least_squares_steps=12, decay=1e-5
    )
    world = train_world(noisy, settings=settings, integrator=Leapfrog(), options={"hidden": (8,)})
    # Few rows and the decay of the weights leave 20 % beside the noise.
    assert world.card["figures"]["sensor_noise"][0] == pytest.approx(noise, rel=0.2)
    assert held_out_error(world, dataset, horizon=10) < noise
    assert held_out_error(world, without_stamps(dataset), horizon=10) > 2 * noise


def test_a_long_step_is_cut_into_steps_without_observations() -> None:
    dataset = pendulum_log(60, jitter=0.05, dropped=0.2)
    prepared = Preparation.of(dataset, "mechanical")
    windows = prepared.objective(replace(FIT, loss="shooting", horizon=200)).windows
    assert windows.duration.max() < 0.05 * 1.06
    for row, episode in enumerate(dataset):
        seen = np.isfinite(windows.observation[row]).all(axis=-1)
        np.testing.assert_array_equal(windows.observation[row][seen], episode.observation)
        stamps = np.concatenate([[0], np.cumsum(windows.duration[row, : windows.steps[row]])])
        np.testing.assert_allclose(stamps[seen[: len(stamps)]], episode.time, atol=1e-12)
        assert np.isfinite(windows.states[row, : windows.steps[row] + 1]).all()


def test_an_episode_of_a_dataset_keeps_its_stamps_when_it_is_cut() -> None:
    episode: Episode = pendulum_log(30).episode(0)
    assert len(episode.first(4).time) == 5


def test_gradients_flow_through_the_durations() -> None:
    world = true_world("Pendulum-v1")
    x0 = torch.tensor([[1.0, 0.0]], dtype=torch.float64)
    durations = torch.full((4, 1), 0.05, dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(world.like(x0).rollout(x0, durations=durations, steps=4)[-1].sum(), durations)
    assert (slope != 0).all()
    same = differentiable_rollout(world.like(x0), x0, steps=4)
    torch.testing.assert_close(same[-1], world.like(x0).rollout(x0, durations=durations, steps=4)[-1].detach())


def test_forecasts_of_a_recording_go_from_stamp_to_stamp() -> None:
    dataset = pendulum_log(60, episodes=1)
    world = replace(true_world("Pendulum-v1"), coordinates=Coordinates.from_json(dataset.provenance.coordinates))
    physics = PortHamiltonian(Pendulum(mass=1.0, gravity_torque=9.0), control=np.eye(1))
    exact = replace(world, dynamics=physics, integrator=Substeps(RungeKutta4(), 4))
    assert forecasts_of(exact, dataset).median[-1] < 1e-6
    assert forecasts_of(exact, without_stamps(dataset)).median[-1] > 1e-2
