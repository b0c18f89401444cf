"""Worlds learned from frames as environments, and the real pendulum observed through its frames alone."""

from dataclasses import replace
from pathlib import Path

import gymnasium
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode

import hnn_gym
from hnn_gym.envs import LatentObservation
from hnn_gym.errors import InputError, MissingPathError
from hnn_gym.models.task_heads import LearnedTermination, PolynomialScore

SHIPPED = "HNNPixelPendulum-v0"


def test_frames_and_latents_are_two_views_of_one_dream(seen):
    latent = gymnasium.make(SHIPPED, world_model=seen)
    pixels = gymnasium.make(SHIPPED, world_model=seen, observation="pixels", stack=2)
    first, _ = latent.reset(seed=3)
    frames, _ = pixels.reset(seed=3)
    for _ in range(5):
        expected = seen.decode(seen.world.encode(first.astype(np.float64)), stack=2)
        np.testing.assert_array_equal(frames, expected)
        assert frames in pixels.observation_space
        first, reward, *_ = latent.step(np.array([1.0]))
        frames, same, *_ = pixels.step(np.array([1.0]))
        assert same == reward


def test_a_vector_of_frames_shows_what_single_ones_show_also_at_the_end(seen):
    envs = gymnasium.make_vec(
        SHIPPED,
        num_envs=2,
        world_model=seen,
        observation="pixels",
        stack=1,
        max_episode_steps=3,
        autoreset_mode=AutoresetMode.SAME_STEP,
    )
    single = gymnasium.make(SHIPPED, world_model=seen, observation="pixels", stack=1)
    frames, _ = envs.reset(seed=5)
    alone, _ = single.reset(seed=6)
    np.testing.assert_array_equal(frames[1], alone)
    for _ in range(3):
        frames, _, _, truncated, infos = envs.step(np.ones((2, 1)))
        alone, *_ = single.step(np.ones(1))
    assert truncated.all()
    np.testing.assert_array_equal(infos["final_obs"][1], alone)
    assert frames.shape == (2, 16, 16, 1)


def test_the_reward_of_the_dream_is_the_learned_one_and_its_step_is_traced(seen):
    envs = gymnasium.make_vec(SHIPPED, num_envs=3, world_model=seen)
    envs.reset(seed=0)
    q, v = seen.world.state(envs.unwrapped.batch.x)
    _, rewards, *_ = envs.step(np.full((3, 1), 0.5))
    np.testing.assert_allclose(rewards, seen.reward(q, v, np.full((3, 1), 0.5)), rtol=1e-12)
    assert envs.unwrapped.batch._step.traced


def test_a_learned_termination_ends_the_dream_and_is_kept_in_the_checkpoint(seen, tmp_path):
    rule = LearnedTermination((PolynomialScore(-4.0, ((2, 2),), (1.0,)),))  # of (cos q, sin q, v): |v| > 2 rad/s
    replace(seen, termination=rule).save(tmp_path / "world")
    assert hnn_gym.PixelWorld.load(tmp_path / "world").termination == rule
    env = gymnasium.make("HNN-v0", world_model=str(tmp_path / "world"))
    observation, _ = env.reset(seed=0)
    for _ in range(200):
        observation, _, terminated, truncated, _ = env.step(np.sign(observation[2:]) * 2.0)
        assert terminated == (abs(observation[2]) > 2)
        if terminated or truncated:
            break
    assert terminated


def test_the_velocity_after_a_step_is_known_for_every_scheme():
    seen = hnn_gym.PixelWorld.load(Path(hnn_gym.__file__).parent / "envs/weights/HNNPixelSpring-v0")
    action = np.array([1.0])
    x = seen.world.phase_point(np.array([0.5]), np.array([0.8]))
    after = seen.world.step(x, action)
    (before, _), (now, v) = seen.world.state(x), seen.world.state(after)
    found = seen.world.state(seen.arrived(before, now, action))[1]
    assert found == pytest.approx(v, abs=1e-9)
    assert abs(seen.velocity(before, now) - v) > 1e-2  # Leapfrog is half a step further than the difference


def test_an_energy_bump_raises_the_swing_that_is_seen(seen):
    env = gymnasium.make(SHIPPED, world_model=seen, actions="force+bump", bump_limit=2.0).unwrapped
    height = []
    for joules in (0.0, 1.0):
        env.reset(seed=0, options={"state": [seen.starts[0][0], 1.0]})
        *_, info = env.step(np.array([0.0, joules]))
        assert info["bump_realised"] == pytest.approx(joules, abs=1e-9)
        height.append(info["energy"])
    assert height[1] > height[0] + 0.5


def test_a_checkpoint_learned_from_a_users_own_frames_makes_an_environment(seen, tmp_path):
    seen.save(tmp_path / "mine")
    env = gymnasium.make("hnn_gym:HNN-v0", world_model=str(tmp_path / "mine"), render_mode="rgb_array")
    env.reset(seed=0)
    picture = env.render()
    assert picture.shape == (500, 500, 3)
    shown = picture[15::31, 15::31, 0][:16, :16]  # once in every block of 500 / 16 pixels
    codec = hnn_gym.PixelWorld.load(tmp_path / "mine").codec  # which is saved in half precision
    np.testing.assert_array_equal(shown, codec.decode(env.unwrapped.phase_point[:1])[..., 0])


def test_frame_observations_are_refused_where_they_are_not_available(seen):
    with pytest.raises(InputError, match="observation='latent'"):
        hnn_gym.make_sb3_vec(SHIPPED, 2, world_model=seen, observation="pixels")
    with pytest.raises(InputError, match="'latent' or 'pixels'"):
        gymnasium.make(SHIPPED, world_model=seen, observation="frames")
    with pytest.raises(InputError, match="was not learned from frames"):
        gymnasium.make(SHIPPED, world_model="HNNPendulum-v0")
    with pytest.raises(InputError, match="frames without a rule"):
        LatentObservation(gymnasium.make("Pendulum-v1", render_mode="rgb_array"), seen)
    with pytest.raises(MissingPathError, match="No checkpoint at nowhere"):
        LatentObservation(gymnasium.make("Pendulum-v1", render_mode="rgb_array"), "nowhere")
    with pytest.raises(InputError, match="no energy"):
        gymnasium.make("BaselinePixelPendulum-v0", actions="bump")


def test_the_shipped_world_sees_the_real_pendulum_move():
    env = LatentObservation(gymnasium.make("Pendulum-v1", render_mode="rgb_array"), SHIPPED)
    observation, _ = env.reset(seed=0)
    assert observation[2] == 0  # one frame shows no velocity
    turns, speeds = [], []
    for _ in range(30):
        observation, *_ = env.step(np.ones(1))
        angle, speed = env.unwrapped.state
        turns.append(angle - np.arctan2(observation[1], observation[0]))
        speeds.append(observation[2] - speed)
    turns = np.exp(1j * np.array(turns))
    # Frames are drawn in quarters of a pixel: 3 mrad, and twice that over dt = 0.05 s.
    assert np.abs(np.angle(turns / turns.mean())).max() < 0.02
    assert np.abs(speeds).max() < 0.4


def test_two_bodies_are_seen_in_the_frames_of_the_real_environment():
    env = LatentObservation(gymnasium.make("TwoBody-v0", render_mode="rgb_array"), "HNNPixelTwoBody-v0")
    env.reset(seed=3)
    for _ in range(3):
        seen = env.step(np.zeros(2, np.float32))[0]
    pixel = 10.0 / 64  # m
    np.testing.assert_allclose(seen[:4], env.unwrapped.state[:4], atol=0.15 * pixel)
    np.testing.assert_allclose(seen[4:], env.unwrapped.state[4:], atol=0.3 * pixel / 0.1)  # by two frames 0.1 s apart
