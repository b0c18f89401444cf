"""Learning from frames recovers the physics that was filmed, in joules if the torque is known."""

from dataclasses import replace
from types import SimpleNamespace

import gymnasium
import numpy as np
import pytest
from gymnasium.spaces import Discrete

from hnn_gym.coordinates import Control, Coordinates, DegreeOfFreedom
from hnn_gym.data import Episode, TransitionDataset, record_steps
from hnn_gym.errors import ConvergenceError, InputError
from hnn_gym.models.pixel import Bodies, OnePosition
from hnn_gym.training.pixel_check import REFUSE_ABOVE, WARN_ABOVE
from hnn_gym.training.pixel_settings import PixelSettings
from hnn_gym.training.pixels import _termination, train_pixel_world
from hnn_gym.training.starts import estimated_starts
from hnn_gym.training.warp import bends
from hnn_gym.training.windows import TrainingWindows
from hnn_gym.worlds.pixel_world import PixelWorld


def turned_by(film, seen):
    """Encoded positions, true angles, and the turn between them."""
    q = seen.codec.encode(np.concatenate(film.frames()))[..., 0]
    angle = np.concatenate([episode.state for episode in film])[:, 0]
    return q, angle, np.angle(np.mean(np.exp(1j * (angle - q))))


def test_the_inertia_and_the_angle_of_a_filmed_pendulum_are_found(pendulum_film, seen):
    q, angle, turn = turned_by(pendulum_film, seen)
    assert seen.world.energy_unit == "J"
    # Spots a sixth of the circle wide, in grey levels: a few mrad, and the inertia to a few per cent after two rounds.
    assert np.abs(np.angle(np.exp(1j * (angle - q - turn)))).max() < 0.05
    inertia = np.exp(seen.world.parameters["inertia.log"][0])
    assert inertia == pytest.approx(1 / 3, rel=0.05)


def test_the_potential_is_that_of_gravity_in_joules(pendulum_film, seen):
    _, _, turn = turned_by(pendulum_film, seen)
    angle = np.linspace(-np.pi, np.pi, 50)
    learned = seen.world.energy(seen.world.phase_point((angle - turn)[:, None], np.zeros((50, 1))))
    true = 5 * np.cos(angle)
    assert np.abs((learned - learned.mean()) - (true - true.mean())).max() < 0.5  # of a height of 10 J


def test_the_reward_is_learned_from_the_recorded_rewards(pendulum_film, seen):
    _, _, turn = turned_by(pendulum_film, seen)
    states = np.concatenate([episode.state[:-1] for episode in pendulum_film])
    action = np.concatenate([episode.action for episode in pendulum_film])
    reward = np.concatenate([episode.reward for episode in pendulum_film])
    learned = seen.reward(states[:, :1] - turn, states[:, 1:], action)
    assert np.sqrt(np.mean((learned - reward) ** 2)) < 0.1 * reward.std()


def test_a_start_fitted_through_frames_is_better_than_the_difference_of_two(pendulum_film, seen):
    q, _, turn = turned_by(pendulum_film, seen)
    episode = pendulum_film.episode(1)
    coordinates = seen.world.coordinates
    shown = coordinates.observation(q[201:222, None], np.full((21, 1), np.nan))
    windows = TrainingWindows.cut([shown], [episode.action[:20]], coordinates=coordinates, dt=0.05, horizon=20)
    ((angle, velocity),) = estimated_starts(seen.world, windows)
    assert abs(velocity - episode.state[0, 1]) < 0.05
    assert abs(np.angle(np.exp(1j * (angle + turn - episode.state[0, 0])))) < 0.02


def test_a_body_on_a_line_that_whole_numbers_push_is_learned_with_a_free_scale(quick_learning, pendulum_film):
    rng, omega, dt = np.random.default_rng(0), 2.0, 0.1
    at = np.linspace(-1.6, 1.6, 16)
    episodes = []
    for _ in range(3):
        x, v = np.zeros(101), np.zeros(101)
        x[0], v[0] = rng.uniform(-0.8, 0.8), rng.uniform(-1, 1)
        action = rng.integers(3, size=100)
        for t in range(100):
            v[t + 1] = v[t] + dt * (-(omega**2) * x[t] + 0.5 * (action[t] - 1))
            x[t + 1] = x[t] + dt * v[t + 1]
        spot = np.exp(-((at - x[:, None]) ** 2)[:, None, :] / 0.2 - (at**2)[:, None] / 0.2)
        episodes.append(
            Episode(
                observation=np.stack([x, v], axis=-1).astype(np.float32),
                action=action,
                reward=-(x[:-1] ** 2),
                terminated=np.zeros(100, bool),
                truncated=np.zeros(100, bool),
                frame=np.rint(255 * spot).astype(np.uint8)[..., None],
            )
        )
    coordinates = Coordinates(
        (DegreeOfFreedom(position=0, velocity=1),), (Control(0),), force_table=((-1.0,), (0.0,), (1.0,))
    )
    provenance = replace(pendulum_film.provenance, dt=dt, coordinates=coordinates.to_json(), action_space=Discrete(3))
    film = TransitionDataset.from_episodes(episodes, provenance)
    seen = train_pixel_world(film, options={"hidden": (8,)}, settings=quick_learning)
    assert seen.world.energy_unit == ""
    q = seen.codec.encode(np.concatenate(film.frames()))[:, 0]
    assert abs(np.corrcoef(q, np.concatenate([e.observation[:, 0] for e in film]))[0, 1]) > 0.999
    # V'' = omega^2 with p = v, whatever the scale of q.
    force = -seen.world.dynamics.hamiltonian.potential_gradient(np.array([[-0.5], [0.5]]))
    assert -(force[1, 0] - force[0, 0]) == pytest.approx(omega**2, rel=0.1)
    env = gymnasium.make("HNN-v0", world_model=seen)
    assert env.action_space == Discrete(3)
    env.reset(seed=0)
    env.step(2)


def test_the_ends_of_recorded_episodes_become_the_termination_of_the_world():
    rng = np.random.default_rng(0)
    states = [rng.uniform(-1, 1, (41, 2)) for _ in range(5)]
    ends = [np.abs(path[1:, 0]) > 0.8 for path in states]
    fitted = SimpleNamespace(states=states, codec=SimpleNamespace(wrapped=lambda q: q))
    line = Coordinates((DegreeOfFreedom(position=0, velocity=1),))
    found = _termination(line, fitted, ends)
    assert found(np.array([[0.9, 0.0], [0.5, 1.0], [-0.95, 0.3]])).tolist() == [True, False, True]


def test_on_a_line_the_change_of_the_coordinate_neither_shifts_nor_shrinks_it():
    q = np.random.default_rng(0).normal(size=240)
    added = bends(q, 5, span=(-4.0, 4.0)) @ np.array([3.0, -2.0, 1.0, 0.5, 4.0])
    assert np.ptp(added) > 1
    slope, offset = np.polyfit(q, q + added, 1)
    assert (slope, offset) == pytest.approx((1, 0), abs=1e-10)  # rounding


def test_a_pixel_world_comes_back_from_disk(seen, tmp_path):
    seen.save(tmp_path / "seen")
    again = PixelWorld.load(tmp_path / "seen")
    x = np.array([[0.3, 0.2], [-2.0, -0.4]])
    np.testing.assert_array_equal(again.world.step(x, np.ones((2, 1))), seen.world.step(x, np.ones((2, 1))))
    np.testing.assert_allclose(again.decode(x).astype(int), seen.decode(x), atol=1)
    np.testing.assert_allclose(again.reward(x[:, :1], x[:, 1:], x[:, :1]), seen.reward(x[:, :1], x[:, 1:], x[:, :1]))
    np.testing.assert_array_equal(again.starts, seen.starts)


def test_a_decoded_pair_of_frames_is_encoded_to_its_state(seen):
    x = seen.world.phase_point(np.linspace(-3, 3, 9)[:, None], np.linspace(-5, 5, 9)[:, None])
    q, v = seen.world.state(seen.encode(seen.decode(x, stack=2)))
    np.testing.assert_allclose(q[:, 0], np.linspace(-3, 3, 9), atol=5e-3)
    np.testing.assert_allclose(v[:, 0], np.linspace(-5, 5, 9), atol=2e-1)  # two errors of 5e-3 over dt = 0.05


def test_a_plain_world_is_not_loaded_as_a_pixel_world(seen, tmp_path):
    seen.world.save(tmp_path / "plain")
    with pytest.raises(InputError, match="not learned from frames"):
        PixelWorld.load(tmp_path / "plain")


def test_a_recording_of_the_spring_is_learned_without_the_unit_of_its_force(quick_learning):
    recording = record_steps(gymnasium.make("Spring-v0", max_episode_steps=60), steps=240, seed=0)
    across = np.linspace(-1.6, 1.6, 16)

    def spot(episode):
        """A bright spot where the mass is, without the coil and the arrow of the renderer."""
        distance = (across - episode.observation[:, 0, None, None]) ** 2 + across[:, None] ** 2
        return np.rint(255 * np.exp(-distance / (2 * 0.25**2))).astype(np.uint8)[..., None]

    recording = TransitionDataset.from_episodes(
        [replace(episode, frame=spot(episode)) for episode in recording], recording.provenance
    )
    assert Coordinates.from_json(recording.provenance.coordinates).in_physical_units
    with pytest.warns(UserWarning, match="the unit N of the control is dropped"):
        seen = train_pixel_world(recording, options={"hidden": (8,)}, settings=quick_learning)
    assert seen.world.energy_unit == ""
    assert seen.world.coordinates.controls[0].unit is None
    assert "control.gain" in seen.world.parameters
    assert any("unit N" in note for note in seen.about["notes"])
    assert seen.about["figures"]["forecast_error_share_of_motion"] < WARN_ABOVE


def with_frames(film, change):
    """The film with other frames."""
    frames = [np.rint(np.clip(change(episode), 0, 255)).astype(np.uint8) for episode in film]
    changed = [replace(episode, frame=frame) for episode, frame in zip(film, frames, strict=True)]
    return TransitionDataset.from_episodes(changed, film.provenance)


def test_frames_that_look_alike_at_two_positions_are_refused(pendulum_film, quick_learning):
    alike = with_frames(pendulum_film, lambda episode: episode.frame.astype(float) + episode.frame[:, ::-1, ::-1])
    with pytest.raises(ConvergenceError, match=r"wrong by \d+ % of the motion.*looks alike at two positions"):
        train_pixel_world(alike, options={"hidden": (8,)}, settings=quick_learning)


def test_frames_that_hardly_determine_the_position_are_warned_of(pendulum_film, quick_learning, seen):
    assert seen.about["figures"]["forecast_error_share_of_motion"] < WARN_ABOVE / 3
    rng = np.random.default_rng(0)
    noisy = with_frames(pendulum_film, lambda episode: episode.frame + rng.normal(size=episode.frame.shape) * 25)
    with pytest.warns(UserWarning, match="the frames may not determine the position"):
        blurred = train_pixel_world(noisy, options={"hidden": (8,)}, settings=quick_learning)
    assert WARN_ABOVE < blurred.about["figures"]["forecast_error_share_of_motion"] < REFUSE_ABOVE


def test_recordings_without_learnable_frames_are_refused_by_name(pendulum_film, quick_learning):
    def refused(match, film=pendulum_film, **kwargs):
        with pytest.raises(InputError, match=match):
            train_pixel_world(film, settings=kwargs.pop("settings", quick_learning), **kwargs)

    blind = [replace(episode, frame=None) for episode in pendulum_film]
    refused("no frames", TransitionDataset.from_episodes(blind, pendulum_film.provenance))
    two = Coordinates((DegreeOfFreedom(cos=0, sin=1, velocity=2), DegreeOfFreedom(position=3, velocity=4)))
    refused("2 degrees of freedom, 1 of them angles, cannot be learned from", coordinates=two)
    refused("one position does not fit coordinates of 2 degrees", coordinates=two, scene=OnePosition())
    refused("2 bodies has 2 x 2 positions x, y, and the coordinates declare 1", scene=Bodies(2))
    refused("scene must be", scene="bodies")
    film = TransitionDataset.from_films([np.zeros((3, 8, 8), np.uint8)], dt=0.1)
    refused(r"film does not say what moves in its frames: pass scene=Bodies", film)
    refused("declare 0 controls", coordinates=Coordinates((DegreeOfFreedom(cos=0, sin=1, velocity=2),)))
    refused("There is no model 'oracle'", model="oracle")
    slow = DegreeOfFreedom(cos=0, sin=1, velocity=2, speed_limit=0.1)
    refused("comes near its speed limit", coordinates=Coordinates((slow,), (Control(0, unit="N m"),)))
    with pytest.raises(InputError, match="horizons"):
        PixelSettings(horizons=(1,))
