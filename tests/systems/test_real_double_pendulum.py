"""The robot that ships: learned from positions, shown with velocities, and dissipative as the real one is."""

from __future__ import annotations

import gymnasium
import numpy as np

from hnn_gym.envs.shipped import resolve_world
from hnn_gym.systems import RealDoublePendulumSwingUp
from hnn_gym.systems.real_double_pendulum import SYSTEM

ID = "HNNRealDoublePendulum-v0"


def test_the_reward_is_largest_upright_without_torque_and_least_hanging() -> None:
    task, none = RealDoublePendulumSwingUp(), np.zeros((1, 2))
    upright, hanging = np.array([[np.pi, 0.0]]), np.zeros((1, 2))
    np.testing.assert_allclose(task.reward(none, none, none, upright, none), 0.0, atol=1e-15)
    np.testing.assert_allclose(task.reward(none, none, none, hanging, none), -1.0)
    np.testing.assert_allclose(task.reward(none, none, np.array([[3.0, -1.0]]), hanging, none), -1.01)


def test_the_robot_loses_energy_by_friction_alone_and_comes_to_rest_where_it_hangs() -> None:
    env = gymnasium.make(ID)
    observation, info = env.reset(seed=0, options={"state": [1.0, 0.5, 0.0, 0.0]})
    energies = [info["energy"]]
    for _ in range(400):
        observation, _, terminated, _, info = env.step(np.zeros(2, np.float32))
        assert not terminated
        energies.append(info["energy"])
    # The scheme has an error of its own in every step.
    assert np.diff(energies).max() < 0.01 * energies[0]
    assert np.abs(observation[4:]).max() < 0.05
    assert abs(observation[1]) < 0.3  # dry friction holds it off the lowest point


def test_the_card_says_how_the_robot_was_learned() -> None:
    world = resolve_world(ID)
    assert world.coordinates == SYSTEM.coordinates
    assert world.energy_unit == "J"
    assert world.card["data"]["provenance"]["policy"] == "log"
    assert world.card["data"]["steps"] > 1900
    assert 0.1 < world.dynamics.dry[0] < 0.5  # N m, as the makers found


def test_random_torques_for_whole_episodes_leave_no_state_beyond_the_speed_limit() -> None:
    envs = gymnasium.make_vec("HNNRealDoublePendulum-v0", num_envs=16)
    envs.reset(seed=0)
    rng, fastest = np.random.default_rng(0), 0.0
    for _ in range(500):  # without a limit 8 of 20 such episodes exceeded 200 rad/s
        observation, reward, *_ = envs.step(rng.uniform(-1, 1, (16, 2)).astype(np.float32))
        assert np.isfinite(observation).all()
        assert np.isfinite(reward).all()
        fastest = max(fastest, float(np.abs(observation[:, 4:]).max()))
    assert fastest == 30.0
