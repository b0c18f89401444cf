"""Single, vector and stable-baselines3 environments give the same numbers."""

from __future__ import annotations

import warnings
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from stable_baselines3 import A2C, DDPG, PPO, SAC, TD3
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.vec_env import VecNormalize

import hnn_gym
from hnn_gym.errors import InputError

IDS = sorted(
    spec.id for spec in gymnasium.registry.values() if "hnn_gym" in str(spec.entry_point) and spec.id != "HNN-v0"
)
IDS = [env_id for env_id in IDS if not env_id.startswith("My")]
MODES = list(AutoresetMode)


def _ours(env_id: str, count: int, **kwargs: Any) -> Any:
    return gymnasium.make_vec(env_id, num_envs=count, vectorization_mode="vector_entry_point", **kwargs)


def _theirs(env_id: str, count: int, mode: AutoresetMode, steps: int) -> SyncVectorEnv:
    makers = [lambda: gymnasium.make(env_id, max_episode_steps=steps) for _ in range(count)]
    return SyncVectorEnv(makers, autoreset_mode=mode)


@pytest.mark.parametrize("mode", [AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP], ids=str)
@pytest.mark.parametrize("env_id", IDS)
def test_a_batch_equals_single_environments_step_for_step_across_resets(env_id: str, mode: AutoresetMode) -> None:
    ours = _ours(env_id, 3, max_episode_steps=4, autoreset_mode=mode)
    theirs = _theirs(env_id, 3, mode, 4)
    one, other = ours.reset(seed=5), theirs.reset(seed=5)
    np.testing.assert_allclose(one[0], other[0], rtol=1e-12, atol=1e-15)  # some observe velocities in float64
    ours.action_space.seed(0)
    for _ in range(11):
        actions = ours.action_space.sample()
        a, b = ours.step(actions), theirs.step(actions)
        # A batch sums in another order than a single state: the last bits of a product may differ.
        np.testing.assert_allclose(a[0], b[0], rtol=1e-6, atol=1e-9)
        np.testing.assert_allclose(a[1], b[1], rtol=1e-9, atol=1e-12)
        np.testing.assert_array_equal(a[2], b[2])
        np.testing.assert_array_equal(a[3], b[3])
        _same_infos(a[4], b[4])


def _same_infos(ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    assert {name for name in theirs if not name.startswith("_")} <= set(ours)
    for name, value in theirs.items():
        if name.startswith("_"):
            np.testing.assert_array_equal(ours[name], value, err_msg=name)
        elif name == "final_obs":
            for one, other in zip(ours[name], value, strict=True):
                assert (one is None) == (other is None)
                if one is not None:
                    np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-9)
        elif name == "final_info":
            masked = {k: v for k, v in value.items() if not k.startswith("_")}
            for key, entries in masked.items():
                mask = value[f"_{key}"]
                np.testing.assert_allclose(ours[name][key][mask], entries[mask], rtol=1e-6, atol=1e-9)
        else:
            mask = theirs[f"_{name}"]
            np.testing.assert_allclose(ours[name][mask], value[mask], rtol=1e-6, atol=1e-9)


def test_without_autoreset_an_ended_copy_waits_for_its_mask() -> None:
    envs = _ours("HNNPendulum-v0", 3, max_episode_steps=2, autoreset_mode="Disabled")
    envs.reset(seed=0)
    actions = np.zeros((3, 1), np.float32)
    envs.step(actions)
    assert envs.step(actions)[3].all()
    with pytest.raises(InputError, match=r"\[0, 1, 2\] have ended"):
        envs.step(actions)
    before = envs.unwrapped.batch.x.copy()
    envs.reset(options={"reset_mask": np.array([True, False, True])})
    np.testing.assert_array_equal(envs.unwrapped.batch.x[1], before[1])
    with pytest.raises(InputError, match=r"\[1\] have ended"):
        envs.step(actions)


@pytest.mark.parametrize("actions", ["force", "bump", "force+bump"])
def test_action_channels_work_on_batches(actions: str) -> None:
    envs = _ours("HNNPendulum-v0", 5, actions=actions)
    single = gymnasium.make("HNNPendulum-v0", actions=actions)
    envs.reset(seed=0)
    single.reset(seed=2)
    sample = envs.action_space.sample()
    _, rewards, _, _, infos = envs.step(sample)
    _, reward, _, _, info = single.step(sample[2])
    assert rewards[2] == pytest.approx(reward)
    assert {name: infos[name][2] for name in info} == pytest.approx(info)


@pytest.mark.parametrize("env_id", IDS)
def test_stable_baselines_sees_the_same_numbers_by_its_own_conventions(env_id: str) -> None:
    theirs = _ours(env_id, 3, max_episode_steps=4, autoreset_mode=AutoresetMode.SAME_STEP)
    ours = hnn_gym.make_sb3_vec(env_id, 3, seed=7, staggered=False, max_episode_steps=4)
    np.testing.assert_array_equal(ours.reset(), theirs.reset(seed=7)[0])
    returns = np.zeros(3)
    for _ in range(9):
        actions = theirs.action_space.sample()
        observation, rewards, dones, infos = ours.step(actions)
        expected = theirs.step(actions)
        np.testing.assert_array_equal(observation, expected[0])
        np.testing.assert_array_equal(rewards, expected[1].astype(np.float32))
        np.testing.assert_array_equal(dones, expected[2] | expected[3])
        assert rewards.dtype == np.float32
        assert rewards.flags.writeable
        returns += expected[1]
        for i in np.flatnonzero(dones):
            np.testing.assert_array_equal(infos[i]["terminal_observation"], expected[4]["final_obs"][i])
            assert infos[i]["TimeLimit.truncated"] == (expected[3][i] and not expected[2][i])
            assert infos[i]["episode"]["r"] == pytest.approx(returns[i])
            returns[i] = 0.0
        assert all(infos[i] == {} for i in np.flatnonzero(~dones))


def test_staggered_copies_do_not_end_together_and_end_alike_afterwards() -> None:
    envs = hnn_gym.make_sb3_vec("HNNPendulum-v0", 64, seed=0, staggered=True)
    envs.reset()
    ends = np.array([envs.step(np.zeros((64, 1), np.float32))[2] for _ in range(200)])
    assert (ends.sum(axis=0) == 1).all()
    assert ends.sum(axis=1).max() < 10


@pytest.mark.parametrize("algorithm", [PPO, A2C, SAC, TD3, DDPG])
def test_every_algorithm_learns_a_few_steps(algorithm: Any) -> None:
    on_policy = {"n_steps": 16} if algorithm in (PPO, A2C) else {"learning_starts": 8}
    extra = {"batch_size": 32} if algorithm is PPO else {}
    envs = VecNormalize(hnn_gym.make_sb3_vec("HNNPendulum-v0", 4, seed=0, max_episode_steps=10))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = algorithm(
            "MlpPolicy", envs, device="cpu", seed=0, policy_kwargs={"net_arch": [8]}, **on_policy, **extra
        )
        model.learn(64)
    assert len(model.ep_info_buffer) > 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mean, _ = evaluate_policy(model, hnn_gym.make_sb3_vec("HNNPendulum-v0", 2, seed=1), n_eval_episodes=2)
    assert -3400 < mean < 0


def test_render_tiles_the_first_four_copies() -> None:
    envs = hnn_gym.make_sb3_vec("HNNPendulum-v0", 5, seed=0, draws=True)
    envs.reset()
    assert len(envs.get_images()) == 4
    assert envs.render().shape == (1000, 1000, 3)  # type: ignore[union-attr]
    envs.close()


def test_stable_baselines_reads_attributes_once_for_each_copy() -> None:
    envs = hnn_gym.make_sb3_vec("HNNPendulum-v0", 3)
    assert envs.get_attr("num_envs") == [3, 3, 3]
    assert envs.env_is_wrapped(gymnasium.Wrapper, indices=[0, 2]) == [False, False]
    assert len(envs.env_method("get_images", indices=1)) == 1
    with pytest.raises(InputError, match="share"):
        envs.set_attr("x", 1, indices=[0])
    with pytest.raises(InputError, match="not an environment of hnn_gym: learn its world first"):
        hnn_gym.make_sb3_vec("Pendulum-v1", 2)
