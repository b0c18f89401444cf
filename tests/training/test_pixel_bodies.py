"""Several bodies are learned from frames alone: tracks, who is pushed, and a potential of their distance."""

import gymnasium
import numpy as np
import pytest

import hnn_gym
from hnn_gym.data import FrameRule, record_steps
from hnn_gym.models.pixel import Bodies
from hnn_gym.systems.registry import true_world
from hnn_gym.systems.starts import near_circular_triple
from hnn_gym.training.pixel_bodies import pushes
from hnn_gym.training.pixel_footage import Footage
from hnn_gym.training.pixel_motion import motion_between, of_bodies
from hnn_gym.training.pixel_settings import PixelSettings
from hnn_gym.training.pixels import train_pixel_world

HEIGHT = 10.0  # m, of the picture of TwoBody-v0


@pytest.fixture(scope="module")
def film():
    env = gymnasium.make("TwoBody-v0", render_mode="rgb_array", max_episode_steps=100)
    return record_steps(env, steps=200, seed=3, record_state=True, record_frames=FrameRule(48))


@pytest.fixture(scope="module")
def seen(film):
    quick = PixelSettings(horizons=(20,), steps=8, adam_steps=30, reward_steps=1, reward_hidden=(2,))
    return train_pixel_world(film, scene=Bodies(2, HEIGHT), options={"hidden": (6,)}, settings=quick)


def test_positions_are_in_metres_and_in_the_order_of_the_coordinates(film, seen):
    q = seen.codec.encode(np.concatenate(film.frames()))
    true = np.concatenate([episode.state for episode in film])[:, :4]
    pixel = HEIGHT / 48
    assert np.sqrt(np.mean((q - true) ** 2)) < 0.15 * pixel  # three times what fine films give
    assert seen.world.energy_unit == "J"


def test_the_world_forecasts_the_bodies_and_conserves_both_momenta(film, seen):
    episode = film.episode(0)
    x = seen.world.phase_point(episode.state[40, :4], episode.state[40, 4:])
    path = seen.world.rollout(x, np.asarray(episode.action[40:80], float))
    error = seen.world.state(path)[0] - episode.state[40:81, :4]
    assert np.abs(error).max() < HEIGHT / 48  # one pixel, 40 steps ahead
    free = seen.world.rollout(x, np.zeros((200, 2)))
    q, p = np.split(free, 2, axis=-1)
    momentum = p[:, :2] + p[:, 2:]
    spin = (q[:, 0] * p[:, 1] - q[:, 1] * p[:, 0]) + (q[:, 2] * p[:, 3] - q[:, 3] * p[:, 2])
    assert np.abs(momentum - momentum[0]).max() < 1e-12
    assert np.abs(spin - spin[0]).max() < 1e-10


def test_a_world_of_bodies_is_saved_and_makes_environments(seen, tmp_path):
    seen.save(tmp_path / "world")
    again = hnn_gym.PixelWorld.load(tmp_path / "world")
    env = gymnasium.make("HNN-v0", world_model=str(tmp_path / "world"))
    observation, _ = env.reset(seed=0)
    assert observation.shape == (8,)
    before = env.unwrapped.world.energy(env.unwrapped.phase_point)
    assert env.unwrapped.bump(0.02) == pytest.approx(0.02)
    after = env.unwrapped.world.energy(env.unwrapped.phase_point)
    assert after - before == pytest.approx(0.02, abs=1e-9)
    x = env.unwrapped.phase_point
    pair = again.decode(x, stack=2)
    assert pair.shape == (48, 48, 6)
    q, v = again.world.state(again.encode(pair))
    np.testing.assert_allclose(q, again.world.state(x)[0], atol=0.05 * HEIGHT / 48)
    np.testing.assert_allclose(v, again.world.state(x)[1], atol=0.1 * HEIGHT / 48 / 0.1)


def test_the_body_that_is_pushed_is_found(film):
    true = [np.asarray(episode.state)[:, :4] for episode in film]
    coordinates = hnn_gym.Coordinates.from_json(film.provenance.coordinates)
    actions = [np.asarray(episode.action, float) for episode in film]
    footage = Footage(np.zeros(0), (), actions, coordinates, 0.1)
    first, second = pushes(true, footage, 2)[0]
    assert first > 10 * second
    first, second = pushes([q[:, [2, 3, 0, 1]] for q in true], footage, 2)[0]
    assert second > 10 * first


def test_velocities_of_bodies_are_those_of_the_forces_that_they_share():
    rng, dt, noise = np.random.default_rng(0), 0.02, 0.005
    force = rng.uniform(-0.2, 0.2, (80, 2))
    start = near_circular_triple(rng, 1, smallest=0.9, largest=1.2, noise=0.2)[0]
    true = true_world("ThreeBody-v0").rollout(start, force)
    seen = true[:, :6] + noise * rng.normal(size=(81, 6))
    seen[7, 2:4] = np.nan
    (states,) = motion_between([seen], [force], of_bodies(3, (0, 1)), dt=dt)
    assert np.sqrt(np.mean((states[:, 6:] - true[:, 6:]) ** 2)) < 0.05
    assert np.sqrt(np.nanmean((np.diff(seen, axis=0) / dt - true[:-1, 6:]) ** 2)) > 0.3
