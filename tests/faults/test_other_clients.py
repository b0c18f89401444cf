"""Libraries that are not needed here, and that take our environments: each is tried where it is installed.

`docs/clients.md` names the versions that were tried.
"""

from __future__ import annotations

from pathlib import Path

import gymnasium
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode

import hnn_gym

ID = "HNNPendulum-v0"

pytestmark = pytest.mark.filterwarnings("ignore")  # those of the libraries


@pytest.mark.parametrize("name", ["TQC", "TRPO", "CrossQ", "ARS", "RecurrentPPO"])
def test_the_algorithms_of_sb3_contrib_train(name: str) -> None:
    contrib = pytest.importorskip("sb3_contrib")
    short = {"TRPO": {"n_steps": 16}, "RecurrentPPO": {"n_steps": 8, "batch_size": 8}, "ARS": {"n_delta": 2}}
    options = short.get(name, {"learning_starts": 20, "batch_size": 16})
    policy = {"RecurrentPPO": "MlpLstmPolicy", "ARS": "LinearPolicy"}.get(name, "MlpPolicy")
    agent = getattr(contrib, name)(policy, hnn_gym.make_sb3_vec(ID, 4), **options).learn(80)
    assert agent.num_timesteps >= 80


@pytest.mark.parametrize("name", ["SAC", "PPO"])
def test_the_algorithms_of_sbx_train(name: str) -> None:
    sbx = pytest.importorskip("sbx")
    options = {"learning_starts": 20, "batch_size": 16} if name == "SAC" else {"n_steps": 16, "batch_size": 16}
    agent = getattr(sbx, name)("MlpPolicy", hnn_gym.make_sb3_vec(ID, 4), **options).learn(80)
    assert agent.num_timesteps >= 80


def test_the_loop_of_cleanrl_finds_the_returns_of_episodes() -> None:
    def one() -> gymnasium.Env:
        env = gymnasium.wrappers.RecordEpisodeStatistics(gymnasium.wrappers.FlattenObservation(gymnasium.make(ID)))
        env = gymnasium.wrappers.NormalizeObservation(gymnasium.wrappers.ClipAction(env))
        return gymnasium.wrappers.NormalizeReward(env, gamma=0.99)

    of_singles = gymnasium.vector.SyncVectorEnv([one, one], autoreset_mode=AutoresetMode.SAME_STEP)
    batch = gymnasium.make_vec(ID, 2, autoreset_mode=AutoresetMode.SAME_STEP)
    for envs in (of_singles, gymnasium.wrappers.vector.RecordEpisodeStatistics(batch)):
        envs.reset(seed=1)
        ended = 0
        for _ in range(205):
            infos = envs.step(np.zeros((2, 1), np.float32))[4]
            holder = infos if "episode" in infos else infos.get("final_info", {})
            if "episode" in holder:
                ended += int(np.isfinite(holder["episode"]["r"][holder["_episode"]]).sum())
        assert ended == 2


def test_torchrl_checks_the_environment_and_rolls_it_out() -> None:
    envs = pytest.importorskip("torchrl.envs")
    single = envs.GymEnv(ID)
    envs.check_env_specs(single)
    assert single.rollout(5).shape == (5,)
    single.auto_register_info_dict()
    assert single.rollout(5)["next", "energy"].shape == (5,)
    batch = envs.GymWrapper(gymnasium.make_vec(ID, 3, autoreset_mode=AutoresetMode.DISABLED))
    envs.check_env_specs(batch)
    assert batch.rollout(250, break_when_any_done=False).shape == (3, 250)


@pytest.mark.parametrize("count", [1, 4])
def test_ppo_of_skrl_trains(count: int, tmp_path: Path) -> None:
    pytest.importorskip("skrl")
    import torch
    from skrl.agents.torch.ppo import PPO
    from skrl.envs.wrappers.torch import wrap_env
    from skrl.memories.torch import RandomMemory
    from skrl.models.torch import DeterministicMixin, GaussianMixin, Model
    from skrl.trainers.torch import SequentialTrainer

    class Policy(GaussianMixin, Model):
        def __init__(self, spaces: dict) -> None:
            Model.__init__(self, **spaces)
            GaussianMixin.__init__(self)
            self.layer, self.log_std = torch.nn.Linear(3, 1), torch.nn.Parameter(torch.zeros(1))

        def compute(self, inputs: dict, role: str) -> tuple:
            return self.layer(inputs["observations"]), {"log_std": self.log_std}

    class Value(DeterministicMixin, Model):
        def __init__(self, spaces: dict) -> None:
            Model.__init__(self, **spaces)
            DeterministicMixin.__init__(self)
            self.layer = torch.nn.Linear(3, 1)

        def compute(self, inputs: dict, role: str) -> tuple:
            return self.layer(inputs["observations"]), {}

    env = wrap_env(gymnasium.make(ID) if count == 1 else gymnasium.make_vec(ID, count), verbose=False)
    spaces = {"observation_space": env.observation_space, "action_space": env.action_space, "device": "cpu"}
    models = {"policy": Policy(spaces), "value": Value(spaces)}
    before = models["policy"].layer.weight.detach().clone()
    memory = RandomMemory(memory_size=16, num_envs=env.num_envs, device="cpu")
    cfg = {"rollouts": 16, "learning_epochs": 2, "experiment": {"directory": str(tmp_path), "write_interval": 0}}
    agent = PPO(models=models, memory=memory, cfg=cfg, **spaces)
    trainer = SequentialTrainer(
        env=env, agents=agent, cfg={"timesteps": 40, "headless": True, "close_environment_at_exit": False}
    )
    trainer.train()
    assert (models["policy"].layer.weight != before).any()


def test_sac_of_d3rlpy_trains_online() -> None:
    d3rlpy = pytest.importorskip("d3rlpy")
    env = gymnasium.make(ID)
    sac = d3rlpy.algos.SACConfig(batch_size=8).create()
    buffer = d3rlpy.dataset.create_fifo_replay_buffer(1000, env=env)
    silent = d3rlpy.logging.NoopAdapterFactory()
    sac.fit_online(env, buffer, n_steps=30, n_steps_per_epoch=15, update_start_step=10, logger_adapter=silent)
    assert np.isfinite(sac.predict(np.ones((1, 3), np.float32))).all()


def test_minari_records_the_environment_and_makes_it_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    minari = pytest.importorskip("minari")
    pytest.importorskip("jax", reason="Minari's collector needs the extra minari[create]")
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path))
    env = minari.DataCollector(gymnasium.make(ID, max_episode_steps=20), record_infos=True)
    for seed in range(2):
        env.reset(seed=seed)
        for _ in range(20):
            env.step(env.action_space.sample())
    env.create_dataset("hnn/pendulum-v0")
    data = minari.load_dataset("hnn/pendulum-v0")
    assert (data.total_episodes, data.total_steps) == (2, 40)
    assert data.recover_environment().spec.id == ID


def test_ppo_of_tianshou_trains() -> None:
    pytest.importorskip("tianshou")
    from tianshou.algorithm import PPO
    from tianshou.algorithm.modelfree.reinforce import ProbabilisticActorPolicy
    from tianshou.algorithm.optim import AdamOptimizerFactory
    from tianshou.data import Collector, VectorReplayBuffer
    from tianshou.env import DummyVectorEnv
    from tianshou.utils.net.common import Net
    from tianshou.utils.net.continuous import ContinuousActorProbabilistic, ContinuousCritic
    from tianshou.utils.torch_utils import policy_within_training_step
    from torch.distributions import Independent, Normal

    envs = DummyVectorEnv([lambda: gymnasium.make(ID, max_episode_steps=20) for _ in range(2)])
    space = envs.action_space[0]
    actor = ContinuousActorProbabilistic(
        preprocess_net=Net(state_shape=(3,), hidden_sizes=(8,)), action_shape=(1,), unbounded=True
    )
    critic = ContinuousCritic(preprocess_net=Net(state_shape=(3,), hidden_sizes=(8,)))
    policy = ProbabilisticActorPolicy(
        actor=actor, dist_fn=lambda both: Independent(Normal(*both), 1), action_space=space
    )
    algorithm = PPO(policy=policy, critic=critic, optim=AdamOptimizerFactory(lr=1e-3))
    collector = Collector(algorithm, envs, VectorReplayBuffer(200, 2))
    collected = collector.collect(n_episode=4, reset_before_collect=True)
    assert (collected.n_collected_episodes, collected.n_collected_steps) == (4, 80)
    with policy_within_training_step(policy):
        algorithm.update(buffer=collector.buffer, batch_size=16, repeat=2)
