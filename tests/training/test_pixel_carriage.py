"""A cart with its pole is learned from frames and whole-number actions alone, with the end of its episodes."""

import gymnasium
import numpy as np
import pytest

import hnn_gym
from hnn_gym.data import FrameRule, record_steps
from hnn_gym.envs import LatentObservation
from hnn_gym.models.pixel import Carriage
from hnn_gym.physics.integrators import Euler, InVelocities
from hnn_gym.training.pixel_motion import motion_between, of_linkage
from hnn_gym.training.pixel_settings import PixelSettings
from hnn_gym.training.pixels import train_pixel_world

SCHEME = InVelocities(Euler())


@pytest.fixture(scope="module")
def film():
    env = gymnasium.make("CartPole-v1", render_mode="rgb_array")
    return record_steps(env, steps=200, seed=1, record_state=True, record_frames=FrameRule(64))


@pytest.fixture(scope="module")
def seen(film):
    quick = PixelSettings(horizons=(10,), steps=10, adam_steps=0, reward_steps=1, reward_hidden=(2,))
    with pytest.MonkeyPatch.context() as patch:  # so few noisy frames forecast an unstable motion badly
        patch.setattr("hnn_gym.training.pixels.check_forecast", lambda share: None)
        return train_pixel_world(film, scene=Carriage(aspect=1.5, width=4.8), integrator=SCHEME, settings=quick)


def test_the_cart_is_found_in_metres_and_the_pole_in_radians(film, seen):
    q = seen.codec.encode(np.concatenate(film.frames()))
    states = np.concatenate([episode.state for episode in film])
    for found, true, error in ((q[:, 0], states[:, 0], 0.02), (q[:, 1], states[:, 2], 0.015)):
        slope, offset = np.polyfit(found, true, 1)
        assert slope == pytest.approx(1, abs=0.1)
        assert np.sqrt(np.mean((slope * found + offset - true) ** 2)) < error  # a fifth of a pixel


def test_a_push_moves_the_learned_cart_as_the_real_one(seen):
    x = seen.world.phase_point(np.zeros(2), np.zeros(2))
    right, left = (seen.world.state(seen.world.step(x, np.array([action])))[1] for action in (1, 0))
    true = 2 * 0.02 * 10 / (1.1 - 0.05**2 / (0.1 / 3))  # M^-1 of the upright cart-pole
    assert (right - left)[0] == pytest.approx(true, rel=0.15)
    assert (right - left)[1] == pytest.approx(-1.5 * true, rel=0.25)


def test_the_dream_ends_where_the_pole_has_fallen_and_is_seen_through_frames(seen, tmp_path):
    seen.save(tmp_path / "world")
    again = hnn_gym.PixelWorld.load(tmp_path / "world")
    assert again.termination(np.array([[0.0, 0.3, 0.0, 0.5], [0.0, 0.0, 0.0, 0.0]])).tolist() == [True, False]
    real = LatentObservation(gymnasium.make("CartPole-v1", render_mode="rgb_array"), again)
    real.reset(seed=0)
    for action in (1, 1, 0):
        observation, *_ = real.step(action)
    true = np.array(real.unwrapped.state)
    assert observation[:2] == pytest.approx(true[[0, 2]], abs=0.03)


def test_velocities_are_those_of_the_accelerations_that_explain_the_positions():
    rng, dt = np.random.default_rng(0), 0.02
    force, noise = rng.choice([-10.0, 10.0], (60, 1)), 0.003
    q, v = np.zeros((61, 2)), np.zeros((61, 2))
    for t in range(60):
        acceleration = np.array([force[t, 0] - 0.7 * np.sin(q[t, 1]), -1.4 * force[t, 0] + 15 * np.sin(q[t, 1])])
        v[t + 1], q[t + 1] = v[t] + dt * acceleration, q[t] + dt * v[t]
    seen = q + noise * rng.normal(size=q.shape)
    seen[7] = np.nan
    (states,) = motion_between([seen], [force], of_linkage((False, True)), dt=dt)
    assert np.abs(states[:, 2:] - v).max() < 0.25  # half of a kick; differences of positions miss 0.8
    assert np.abs(np.diff(seen, axis=0) / dt - v[:-1])[8:].max() > 0.4
