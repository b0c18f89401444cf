"""Gymnasium's MuJoCo environments, recorded and replayed; needs the extra mujoco."""

from importlib.util import find_spec

import gymnasium
import numpy as np
import pytest

from hnn_gym.data import RecordTransitions, TransitionDataset

pytestmark = pytest.mark.skipif(find_spec("mujoco") is None, reason="MuJoCo is not installed (the extra mujoco)")


@pytest.mark.parametrize(
    ("env_id", "dt"),
    [
        ("InvertedPendulum-v5", 0.04),
        ("InvertedDoublePendulum-v5", 0.05),
        ("Reacher-v5", 0.02),
        ("HalfCheetah-v5", 0.05),
        ("Hopper-v5", 0.008),
        ("Swimmer-v5", 0.04),
    ],
)
def test_replaying_the_recorded_actions_gives_the_recorded_observations_and_states(tmp_path, env_id, dt):
    rng = np.random.default_rng(0)
    with RecordTransitions(gymnasium.make(env_id), tmp_path / "data.zarr", record_state=True) as env:
        for seed in range(2):
            env.reset(seed=seed)
            done = False
            for _ in range(12):
                if not done:
                    action = rng.uniform(env.action_space.low, env.action_space.high)
                    _, _, terminated, truncated, _ = env.step(action)
                    done = terminated or truncated
    data = TransitionDataset.open(tmp_path / "data.zarr")
    assert (data.provenance.dt, data.provenance.time_unit) == (pytest.approx(dt), "s")
    with gymnasium.make(env_id) as again:
        assert data.provenance.action_space == again.action_space
        for seed, episode in enumerate(data):
            again.reset(seed=seed)
            simulated = again.unwrapped.data
            for step, action in enumerate(episode.action):
                observation, reward, *_ = again.step(action)
                np.testing.assert_array_equal(observation, episode.observation[step + 1])
                np.testing.assert_array_equal([*simulated.qpos, *simulated.qvel], episode.state[step + 1])
                assert reward == episode.reward[step]
