"""The time step and the state that a simulator shows."""

from types import SimpleNamespace

import gymnasium
import numpy as np
import pytest

from hnn_gym.data import record_steps
from hnn_gym.data.simulator import simulator_state, time_step


@pytest.mark.parametrize(
    ("env_id", "expected"),
    [
        ("CartPole-v1", (0.02, "s")),
        ("Acrobot-v1", (0.2, "s")),
        ("Pendulum-v1", (0.05, "s")),
        ("MountainCar-v0", (1.0, "step")),
        ("MountainCarContinuous-v0", (1.0, "step")),
    ],
)
def test_the_time_step_of_classic_control_is_found_or_is_the_unit_of_time(env_id, expected):
    with gymnasium.make(env_id) as env:
        assert time_step(env) == expected
        assert time_step(env, 0.125) == (0.125, "s")


def test_the_time_step_of_a_mujoco_model_counts_the_skipped_frames(counter):
    model = SimpleNamespace(opt=SimpleNamespace(timestep=0.25))
    assert time_step(counter(model=model)) == (0.25, "s")
    assert time_step(counter(model=model, frame_skip=4)) == (1.0, "s")
    assert time_step(counter(dt=lambda: 0.1, tau=0.5)) == (0.5, "s")


def test_the_state_is_that_of_the_environment_or_of_its_mujoco_data(counter):
    env = counter(state=None)
    assert simulator_state(env) is None
    env.data = SimpleNamespace(qpos=np.array([1.0, 2.0]), qvel=np.array([3.0]))
    state = simulator_state(env)
    np.testing.assert_array_equal(state, [1, 2, 3])
    env.data.qpos[0] = 9
    assert state[0] == 1
    env.state = (4, 5)
    np.testing.assert_array_equal(simulator_state(env), [4, 5])


def test_times_of_an_environment_without_a_time_step_are_counted_in_steps(counter):
    data = record_steps(counter(), steps=5)
    np.testing.assert_array_equal(data.episode(0).time, np.arange(6))
    assert (data.provenance.dt, data.provenance.time_unit) == (1.0, "step")
