"""The study of mechanisms: its recordings are of the physics that they name, and its rows can be measured."""

import gymnasium
import numpy as np
import pytest

from experiments.mechanisms.command import Settings
from experiments.mechanisms.motions import Pendulum, acrobot, charged_particle, double_pendulum
from experiments.mechanisms.rows import ROWS
from hnn_gym.errors import InputError
from hnn_gym.physics.integrators import InVelocities, RungeKutta4, named_scheme


def swing(friction, steps):
    env = Pendulum(friction)
    seen = [env.reset(seed=0)[0]]
    seen += [env.step(np.zeros(1))[0] for _ in range(steps)]
    cos, _, v = np.array(seen).T
    return v**2 / 2 - 9.81 * cos, v


def test_the_pendulum_keeps_its_energy_and_with_friction_comes_to_rest():
    kept, _ = swing(0.0, 400)
    assert np.ptp(kept) < 5e-3  # leapfrog of 5 ms: its ripple
    lost, v = swing(2.0, 400)
    assert (np.diff(lost) < 1e-9).all()
    assert (v[-50:] == 0).all()


def test_the_particle_keeps_its_energy_in_the_magnetic_field_and_episodes_have_200_steps():
    dataset = charged_particle(400, seed=0)
    assert [episode.num_steps for episode in dataset] == [200, 200]
    states = np.asarray(dataset.episode(0).observation)
    energy = (states**2).sum(axis=-1) / 2
    np.testing.assert_allclose(energy, energy[0], rtol=1e-8)  # RK4 of 5 ms
    assert double_pendulum(100, seed=0).num_steps == 100


def test_rows_have_a_bar_for_every_horizon_and_schemes_that_exist():
    for row in ROWS.values():
        assert len(row.bars) == len(row.horizons)
        assert row.scheme == "" or named_scheme(row.scheme)
    with pytest.raises(InputError, match="no row 'Ant-v5': choose from CartPole-v1"):
        Settings(rows=("Ant-v5",))


def test_the_true_acrobot_is_that_of_gymnasium():
    env = gymnasium.make("Acrobot-v1").unwrapped
    env.reset(seed=0)
    env.state = state = np.array([0.3, -0.4, 0.5, 1.5])
    env.step(2)
    dynamics = acrobot()
    x = np.concatenate([state[:2], dynamics.momentum(state[:2], state[2:])])
    scheme = InVelocities(RungeKutta4())
    q, p = np.split(scheme.step(dynamics, x, 0.2, np.array([1.0])), 2)
    np.testing.assert_allclose(np.concatenate([q, dynamics.velocity(q, p)]), env.state, rtol=1e-12)
