"""Energy shaping and linear-quadratic control, from the learned H alone, in the true environments."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import gymnasium
import numpy as np
import pytest
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.monitor import Monitor

from hnn_gym.agents.swing_up import SwingUp
from hnn_gym.envs.shipped import resolve_world
from hnn_gym.errors import InputError
from hnn_gym.physics.dynamics import PortHamiltonian


def test_stable_baselines3_evaluates_it_as_one_of_its_own() -> None:
    agent: Any = SwingUp(resolve_world("HNNPendulum-v0"), position=np.zeros(1))
    env = Monitor(gymnasium.make("Pendulum-v1"))
    env.reset(seed=0)
    mean, _ = evaluate_policy(agent, env, n_eval_episodes=3)
    assert float(np.mean(mean)) > -400  # no start costs more


def test_another_pendulum_needs_no_other_controller() -> None:
    agent = SwingUp(resolve_world("HNNIdealPendulum-v0"), position=np.array([np.pi]))
    envs = gymnasium.make_vec("IdealPendulum-v0", num_envs=20, vectorization_mode="vector_entry_point")
    observation, _ = envs.reset(seed=0)
    for _ in range(199):
        observation, *_ = envs.step(agent.predict(observation)[0])
    assert (observation[:, 0] < -np.cos(0.05)).all()
    assert (np.abs(observation[:, 2]) < 0.05).all()


def test_far_away_the_force_does_work_towards_the_target() -> None:
    agent = SwingUp(resolve_world("HNNPendulum-v0"), position=np.zeros(1))
    for speed in (2.0, -2.0):
        action, _ = agent.predict(np.array([-1.0, 0.0, speed]))  # below, too little energy: push along
        assert action[0] == np.sign(speed) * 2.0
        action, _ = agent.predict(np.array([0.0, 1.0, 4 * speed]))  # too much: brake
        assert action[0] == -np.sign(speed) * 2.0


def test_actions_that_are_shares_of_a_force_are_given_as_shares() -> None:
    world = resolve_world("HNNIdealPendulum-v0")
    position = np.array([np.pi])
    coordinates = world.coordinates
    halved = replace(coordinates, controls=(replace(coordinates.controls[0], scale=-0.5),))
    plain, other = SwingUp(world, position=position), SwingUp(replace(world, coordinates=halved), position=position)
    for observation in ([1.0, 0.0, 0.5], [-np.cos(0.01), np.sin(0.01), 0.0]):
        action, share = (agent.predict(np.array(observation))[0][0] for agent in (plain, other))
        assert share == pytest.approx(-2 * action, rel=1e-5)


@pytest.mark.parametrize(
    ("env_id", "words"),
    [
        ("BaselinePendulum-v0", "needs a world with a Hamiltonian"),
        ("unlimited", "needs controls with limits"),
        ("portless", "needs dynamics with a constant control port"),
    ],
)
def test_a_world_without_energy_limits_or_port_is_refused(env_id: str, words: str) -> None:
    world = resolve_world(env_id if env_id.startswith("Baseline") else "HNNPendulum-v0")
    if env_id == "portless":
        world = replace(world, dynamics=PortHamiltonian(world.dynamics.hamiltonian))  # type: ignore[arg-type]
    if env_id == "unlimited":
        controls = (replace(world.coordinates.controls[0], limit=None),)
        world = replace(world, coordinates=replace(world.coordinates, controls=controls))
    with pytest.raises(InputError, match=words):
        SwingUp(world, position=np.zeros(1))
