"""Pictures of springs, pendulums and bodies show the state; they were inspected by eye once."""

import gymnasium
import numpy as np
import pytest

RED, BLUE, ORANGE = np.array([204, 77, 77]), np.array([56, 108, 176]), np.array([240, 150, 40])


def frame_of(env, state, action=None):
    env.reset(options={"state": state})
    if action is not None:
        env.step(np.asarray(action, np.float32))
    return env.render()


def centre_of(frame, colour):
    rows, columns = np.nonzero((np.abs(frame.astype(int) - colour) < 30).all(-1))
    assert len(rows) > 0, "the colour is not in the picture"
    return rows.mean(), columns.mean()


@pytest.mark.parametrize(
    "env_id", ["Spring-v0", "IdealPendulum-v0", "TwoBody-v0", "ThreeBody-v0", "NBody-v0", "HNNRealPendulum-v0"]
)
def test_a_frame_is_a_square_rgb_picture_and_not_blank(env_id):
    env = gymnasium.make(env_id, render_mode="rgb_array")
    env.reset(seed=0)
    frame = env.render()
    assert frame.shape == (500, 500, 3)
    assert frame.dtype == np.uint8
    assert len(np.unique(frame.reshape(-1, 3), axis=0)) > 3
    env.close()


def test_the_block_is_drawn_where_the_mass_is():
    env = gymnasium.make("Spring-v0", render_mode="rgb_array").unwrapped
    columns = [centre_of(frame_of(env, [place, 0.0]), RED)[1] for place in (-1.0, 0.0, 1.0)]
    assert columns[1] == pytest.approx(250, abs=3)
    assert columns[2] - columns[1] == pytest.approx(columns[1] - columns[0], abs=2)
    assert columns[2] - columns[1] == pytest.approx(500 / 4.8, abs=2)


def test_a_mass_that_went_far_is_still_in_the_picture():
    env = gymnasium.make("Spring-v0", render_mode="rgb_array").unwrapped
    for place in (-30.0, -3.0, 3.0, 1e6):
        assert 0 < centre_of(frame_of(env, [place, 0.0]), RED)[1] < 500


def test_the_arrow_shows_the_force_and_no_force_has_no_arrow():
    env = gymnasium.make("Spring-v0", render_mode="rgb_array").unwrapped
    assert not (np.abs(frame_of(env, [0.0, 0.0]).astype(int) - ORANGE) < 30).all(-1).any()
    right = centre_of(frame_of(env, [0.0, 0.0], [1.0]), ORANGE)[1]
    left = centre_of(frame_of(env, [0.0, 0.0], [-1.0]), ORANGE)[1]
    assert left < 250 < right


@pytest.mark.parametrize("env_id", ["IdealPendulum-v0", "HNNIdealPendulum-v0", "HNNRealPendulum-v0"])
def test_a_pendulum_hangs_at_angle_zero_and_stands_at_pi(env_id):
    env = gymnasium.make(env_id, render_mode="rgb_array").unwrapped
    hanging = centre_of(frame_of(env, [0.0, 0.0]), RED)
    standing = centre_of(frame_of(env, [np.pi, 0.0]), RED)
    right = centre_of(frame_of(env, [np.pi / 2, 0.0]), RED)
    assert hanging[0] > 290
    assert standing[0] < 210
    assert right[1] > 290
    env.close()


def test_bodies_are_drawn_where_they_are():
    env = gymnasium.make("TwoBody-v0", render_mode="rgb_array").unwrapped
    frame = frame_of(env, [1.5, 0.5, -1.5, -0.5, 0, 0, 0, 0])
    red, blue = centre_of(frame, RED), centre_of(frame, BLUE)
    assert red == pytest.approx((200, 400), abs=3)
    assert blue == pytest.approx((300, 100), abs=3)


def test_a_trail_grows_while_the_bodies_move_and_is_gone_after_reset():
    env = gymnasium.make("TwoBody-v0", render_mode="rgb_array").unwrapped
    state = [1.5, 0, -1.5, 0, 0, 0.4, 0, -0.4]
    first = frame_of(env, state)
    for _ in range(40):
        env.step(np.zeros(2))
        last = env.render()
    assert (last < 250).any(-1).sum() > (first < 250).any(-1).sum() + 100
    assert np.array_equal(frame_of(env, state), first)


def test_a_body_that_flees_is_still_in_the_picture():
    env = gymnasium.make("NBody-v0", masses=(1.0, 1.0), render_mode="rgb_array").unwrapped
    frame = frame_of(env, [1e3, 0, -1e3, 0, 0, 0, 0, 0])
    assert 0 < centre_of(frame, RED)[1] < 500
    assert 0 < centre_of(frame, BLUE)[1] < 500


def test_heavier_bodies_are_larger():
    env = gymnasium.make("NBody-v0", masses=(1.0, 27.0), render_mode="rgb_array").unwrapped
    frame = frame_of(env, [1.0, 0, -1.0, 0, 0, 0, 0, 0])
    red, blue = ((np.abs(frame.astype(int) - colour) < 30).all(-1).sum() for colour in (RED, BLUE))
    assert blue > 3 * red


def test_a_window_opens_for_human_and_closes():
    for env_id in ("Spring-v0", "TwoBody-v0"):
        env = gymnasium.make(env_id, render_mode="human")
        env.reset(seed=0)
        env.step(env.action_space.sample())
        assert env.render() is None
        env.close()


@pytest.mark.parametrize("env_id", ["Spring-v0", "TwoBody-v0", "ThreeBody-v0", "NBody-v0", "IdealPendulum-v0"])
def test_a_picture_without_annotations_depends_on_the_positions_alone(env_id):
    env = gymnasium.make(env_id, render_mode="rgb_array", annotated=False).unwrapped
    env.reset(seed=1)
    for _ in range(5):
        env.step(np.ones(env.action_space.shape, np.float32))
    state, after_steps = env.state, env.render()
    np.testing.assert_array_equal(frame_of(env, state), after_steps)  # no arrow of a force, no trail
    env.annotated = True
    assert not np.array_equal(frame_of(env, state, np.ones(env.action_space.shape)), after_steps)
    env.close()


def test_the_camera_without_annotations_stands_still():
    env = gymnasium.make("TwoBody-v0", render_mode="rgb_array", annotated=False).unwrapped
    scale = 500 / 10  # the picture shows 10 m
    for shift in (-2.0, 0.0, 3.0):
        frame = frame_of(env, [shift, 0.5, -1.0, -0.5, 0, 0, 0, 0])
        assert centre_of(frame, RED) == pytest.approx((250 - 0.5 * scale, 250 + shift * scale), abs=2)


def test_a_spring_without_annotations_is_drawn_at_one_scale():
    env = gymnasium.make("Spring-v0", render_mode="rgb_array", annotated=False).unwrapped
    columns = [centre_of(frame_of(env, [place, 0.0]), RED)[1] for place in (0.0, 1.0, 2.0)]
    assert np.diff(columns) == pytest.approx([500 / 4.8] * 2, abs=2)
