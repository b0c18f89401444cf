"""A cart with its pole is learned from frames and whole-number actions alone, with the end of its episodes."""

import warnings

import gymnasium
import numpy as np
import pytest

import hnn_gym
from hnn_gym.data import FrameRule, record_steps
from hnn_gym.envs import LatentObservation
from hnn_gym.models.pixel import Carriage
from hnn_gym.physics.integrators import Euler, InVelocities
from hnn_gym.training.pixel_settings import PixelSettings
from hnn_gym.training.pixels import train_pixel_world


def rule(observation, rng):
    return int(rng.integers(2)) if rng.random() < 0.6 else int(observation[2] + 0.35 * observation[3] > 0)


@pytest.fixture(scope="module")
def film():
    env = gymnasium.make("CartPole-v1", render_mode="rgb_array")
    return record_steps(env, steps=500, seed=1, policy=rule, record_state=True, record_frames=FrameRule(64))


@pytest.fixture(scope="module")
def seen(film):
    quick = PixelSettings(horizons=(10,), steps=15, reward_steps=1, reward_hidden=(2,))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # an unstable motion is forecast badly from so few steps
        return train_pixel_world(
            film, scene=Carriage(aspect=1.5, width=4.8), integrator=InVelocities(Euler()), settings=quick
        )


def test_the_cart_is_found_in_metres_and_the_pole_in_radians(film, seen):
    q = seen.codec.encode(np.concatenate(film.frames()))
    states = np.concatenate([episode.state for episode in film])
    for found, true, error in ((q[:, 0], states[:, 0], 0.02), (q[:, 1], states[:, 2], 0.01)):
        slope, offset = np.polyfit(found, true, 1)
        assert slope == pytest.approx(1, abs=0.1)
        assert np.sqrt(np.mean((slope * found + offset - true) ** 2)) < error  # a fifth of a pixel


def test_a_push_moves_the_learned_cart_as_the_real_one(seen):
    x = seen.world.phase_point(np.zeros(2), np.zeros(2))
    speed = (
        seen.world.state(seen.world.step(x, np.array([1])))[1] - seen.world.state(seen.world.step(x, np.array([0])))[1]
    )
    true = 2 * 0.02 * 10 / (1.1 - 0.05**2 / (0.1 / 3))  # M^-1 of the upright cart-pole
    assert speed[0] == pytest.approx(true, rel=0.15)
    assert speed[1] == pytest.approx(-1.5 * true, rel=0.25)


def test_the_dream_ends_where_the_pole_has_fallen_and_is_seen_through_frames(seen, tmp_path):
    seen.save(tmp_path / "world")
    again = hnn_gym.PixelWorld.load(tmp_path / "world")
    assert again.termination(np.array([[0.0, 0.3, 0.0, 0.5], [0.0, 0.0, 0.0, 0.0]])).tolist() == [True, False]
    env = gymnasium.make("HNN-v0", world_model=str(tmp_path / "world"))
    env.reset(seed=0)
    for _ in range(100):
        *_, terminated, _, _ = env.step(1)
        if terminated:
            break
    assert terminated
    real = LatentObservation(gymnasium.make("CartPole-v1", render_mode="rgb_array"), again)
    real.reset(seed=0)
    for action in (1, 1, 0, 0, 0):
        observation, *_ = real.step(action)
    true = real.unwrapped.state
    assert observation[2] == pytest.approx(true[1], abs=0.5)  # the frames of one step differ by half a pixel
    assert observation[:2] == pytest.approx(np.array(true)[[0, 2]], abs=0.03)
