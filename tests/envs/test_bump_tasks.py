"""Tasks for bumps: agents observe a moving goal, and all tasks are solved from the learned H alone."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import pytest

import hnn_gym
from hnn_gym.agents.energy_shaping import EnergyShaping, circle
from hnn_gym.envs.shipped import resolve_world
from hnn_gym.errors import InputError
from hnn_gym.systems import SpringHold, SpringSweep


def _target(t: float) -> float:
    return 0.5 + 0.3 * np.sin(2 * np.pi * t / 5)


def test_the_observed_target_is_the_one_that_rewards_the_next_step() -> None:
    env = gymnasium.make("SpringSweepBump-v0", bump_cost=0.0)
    observation, _ = env.reset(seed=3)
    for k in range(120):
        assert observation[2] == pytest.approx(_target(0.05 * k), abs=1e-6)  # float32
        ahead = (_target(0.05 * k + 1e-3) - _target(0.05 * k - 1e-3)) / 2e-3
        assert observation[3] == pytest.approx(ahead, abs=1e-4)
        after, reward, *_ = env.step(np.zeros(1, np.float32))
        energy = after[0] ** 2 + after[1] ** 2 / 4
        assert reward == pytest.approx(-((energy / _target(0.05 * k) - 1) ** 2), rel=1e-4, abs=1e-6)
        observation = after


def test_the_target_restarts_with_the_episode_and_continues_from_a_restored_state() -> None:
    env: Any = gymnasium.make("HNNSpringSweepBump-v0").unwrapped
    first, _ = env.reset(seed=0)
    for _ in range(7):
        env.step(np.zeros(1))
    saved, expected = env.clone_state(), env.step(np.zeros(1))[0]
    np.testing.assert_array_equal(env.reset(seed=0)[0], first)
    env.restore_state(saved)
    np.testing.assert_array_equal(env.step(np.zeros(1))[0], expected)


@pytest.mark.parametrize("device", [None, "cpu"])
def test_copies_that_began_at_different_times_see_different_targets(device: str | None) -> None:
    envs: Any = gymnasium.make_vec("SpringSweepBump-v0", num_envs=50, staggered=True, device=device)
    observation, _ = envs.reset(seed=0)
    for _ in range(3):
        steps = np.asarray(envs.unwrapped.batch.steps)
        assert len(np.unique(steps)) > 20
        np.testing.assert_allclose(np.asarray(observation)[:, 2], _target(0.05 * steps), atol=1e-6)
        observation, *_ = envs.step(np.zeros((50, 1)))
    sb3 = hnn_gym.make_sb3_vec("SpringSweepBump-v0", 4, seed=0)
    assert sb3.reset()[0, 2] == pytest.approx(0.5)
    assert sb3.step(np.zeros((4, 1)))[0][3, 2] == pytest.approx(_target(0.05))


def test_the_sweep_is_available_for_any_spring_by_name_or_with_another_target() -> None:
    for env_id in ("Spring-v0", "HNNSpring-v0", "BaselineSpring-v0"):
        env = gymnasium.make(env_id, task="energy sweep")
        assert env.reset(seed=0)[0].shape == (4,)
        assert env.action_space.shape == (1,)
    env = gymnasium.make("Spring-v0", task=SpringSweep(target_energy=0.4))
    assert env.reset(seed=0)[0][2] == pytest.approx(0.4)
    held = gymnasium.make("Spring-v0", task=SpringHold(target_energy=0.8))
    held.reset(options={"state": [0.0, 2 * np.sqrt(0.8)]})
    assert held.step(np.zeros(1, np.float32))[1] == pytest.approx(0.0, abs=1e-6)


def test_the_marks_in_the_picture_move_with_the_target() -> None:
    env: Any = gymnasium.make("SpringSweepBump-v0", render_mode="rgb_array").unwrapped
    env.reset(options={"state": [0.0, 0.0]})
    first = env.render()
    for _ in range(25):
        env.step(np.zeros(1))
    later = env.render()
    assert (first != later).any(axis=(0, 1)).all()
    assert (first != later).mean() < 0.05  # the mass has not moved


def test_energy_below_the_potential_is_not_requested() -> None:
    agent = EnergyShaping(resolve_world("Spring-v0"), target=0.2)
    assert agent.predict(np.array([0.6, 0.1]))[0] == pytest.approx(0.0)  # V = 0.36 J
    assert agent.predict(np.array([0.4, 1.0]))[0] == pytest.approx(0.2 - 0.16 - 0.25)


def test_the_transfer_to_a_circle_is_keplers_transfer_orbit() -> None:
    world = resolve_world("TwoBody-v0")
    target = circle(world, distance=3.0)
    for d in (1.5, 4.0):  # at right angles to the line: the energy of an ellipse with apsides d and 3 m
        observation = np.array([d / 2, 0, -d / 2, 0, 0, 0.3, 0, -0.3])
        assert target(observation) == pytest.approx(-1 / (d + 3.0), rel=1e-9)
    # There, the circle's own; the difference quotient of V is good to 1e-8.
    assert target(np.array([1.5, 0, -1.5, 0, 0, 0.35, 0, -0.35])) == pytest.approx(-1 / 6, rel=1e-7)
    # They fall straight towards each other, and no impulse makes them turn at 3 m: the request is 0.
    falling = np.array([2.0, 0, -2.0, 0, -0.3, 0, 0.3, 0])
    assert target(falling) == pytest.approx(float(world.energy(world.encode(falling))))


@pytest.mark.parametrize("env_id", ["SpringBump-v0", "SpringSweepBump-v0", "HNNTwoBodyBump-v0"])
def test_a_recording_of_bumps_is_not_learned_as_one_of_forces(env_id: str) -> None:
    dataset = hnn_gym.record_steps(gymnasium.make(env_id), steps=20, seed=0)
    with pytest.raises(InputError, match=r"(observations of 4|actions of 1) entries, and the coordinates declare"):
        hnn_gym.train_world(dataset, "mechanical")


def test_energy_shaping_refuses_a_world_without_energy() -> None:
    with pytest.raises(InputError, match="needs a world with a Hamiltonian"):
        EnergyShaping(resolve_world("BaselineSpring-v0"), target=0.5)
