"""RLlib trains in learned worlds by their id. Where ray[rllib] is not installed these tests are skipped."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec

import numpy as np
import pytest

from hnn_gym.envs.shipped import resolve_world

pytestmark = [
    pytest.mark.skipif(
        find_spec("ray") is None or find_spec("tensorboardX") is None,
        reason='RLlib is not installed: pip install "ray[rllib]", in an environment of its own',
    ),
    pytest.mark.filterwarnings("ignore"),  # those of RLlib itself
]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A checkpoint, and a Ray of two cores."""
    import ray

    path = tmp_path_factory.mktemp("rllib") / "world"
    resolve_world("HNNPendulum-v0").save(path)
    ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    yield str(path)
    ray.shutdown()


@pytest.mark.parametrize("algorithm", ["PPO", "SAC"])
def test_rllib_trains_in_the_world_of_a_checkpoint_by_id(algorithm: str, world: str) -> None:
    from ray.rllib.algorithms.ppo import PPOConfig
    from ray.rllib.algorithms.sac import SACConfig

    config = PPOConfig() if algorithm == "PPO" else SACConfig()
    config = config.environment("hnn_gym:HNN-v0", env_config={"world_model": world})
    if algorithm == "PPO":
        config = config.env_runners(num_env_runners=1, num_envs_per_env_runner=4, rollout_fragment_length=25)
        config = config.training(train_batch_size_per_learner=100, minibatch_size=50, num_epochs=1)
    else:
        config = config.env_runners(num_env_runners=0, rollout_fragment_length=10)
        config = config.training(train_batch_size_per_learner=16, num_steps_sampled_before_learning_starts=10)
        config = config.reporting(min_sample_timesteps_per_iteration=20)
    algorithm_object = config.build_algo()
    try:
        for _ in range(2):
            found = algorithm_object.train()
        assert found["env_runners"]["num_env_steps_sampled_lifetime"] >= 40
        losses = found["learners"]["default_policy"]
        assert np.isfinite([value for name, value in losses.items() if "loss" in name]).all()
    finally:
        algorithm_object.stop()
