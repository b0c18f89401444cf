"""Frames: exact means over cells, one size, never blank, and the rule goes with the dataset."""

import gymnasium
import numpy as np
import pytest

from hnn_gym.data import FrameRule, MemoryWriter, RecordTransitions, StoreWriter, TransitionDataset, record_steps
from hnn_gym.data.frames import Camera
from hnn_gym.errors import InputError

PAPER = FrameRule(28, channels="red-green", crop=(0.44, 0.78, 0.33, 0.67))


def picture(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def test_a_picture_of_the_right_size_passes_unchanged():
    np.testing.assert_array_equal(FrameRule(16)(picture(16, 16)), picture(16, 16))


def test_whole_cells_are_plain_means():
    drawn = picture(32, 48)
    means = drawn.reshape(8, 4, 8, 6, 3).mean(axis=(1, 3))
    # Half a grey level for rounding, and float32 sums of 24 values up to 255.
    assert np.abs(FrameRule(8)(drawn) - means).max() <= 0.5 + 1e-4


def test_cells_that_cut_pixels_weigh_them_by_area():
    drawn = picture(10, 10)
    # Every pixel 7 x 7 times over makes 70 rows, whose cells of 10 are whole: the mean over an area is the same.
    fine = np.repeat(np.repeat(drawn, 7, axis=0), 7, axis=1)
    np.testing.assert_array_equal(FrameRule(7)(drawn), FrameRule(7)(fine))
    cropped = FrameRule(7, crop=(0.2, 0.9, 0.1, 0.8))
    np.testing.assert_array_equal(cropped(drawn), FrameRule(7)(drawn[2:9, 1:8]))


def test_channels_are_mixed_as_their_names_say():
    drawn = np.array([[[204, 77, 77], [255, 255, 255]], [[0, 0, 0], [10, 200, 30]]], np.uint8)
    assert FrameRule(2, channels="red-green")(drawn)[..., 0].tolist() == [[127, 0], [0, 0]]
    assert FrameRule(2, channels="grey")(drawn)[..., 0].tolist() == [[115, 255], [0, 124]]
    # Green is nothing, not a debt that the red beside it pays.
    assert FrameRule(1, channels="red-green")(drawn).item() == 32


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"size": 0}, "size of a frame must be .* at least 1, got 0"),
        ({"oversampling": 0}, "oversampling of a frame must be .* at least 1, got 0"),
        ({"channels": "cmyk"}, "no channels 'cmyk': choose one of rgb, grey, red-green"),
        ({"crop": (0.5, 0.5, 0.0, 1.0)}, "is not a part of a picture"),
        ({"crop": (0.0, 1.1, 0.0, 1.0)}, "is not a part of a picture"),
    ],
)
def test_a_rule_that_cannot_be_followed_is_refused(change, message):
    with pytest.raises(InputError, match=message):
        FrameRule(**({"size": 28} | change))


def test_a_picture_with_fewer_pixels_than_the_frame_is_refused():
    with pytest.raises(InputError, match=r"has 40 pixels a side, and its crop from 0.0 to 0.5 fewer than the 21"):
        FrameRule(21, crop=(0.0, 0.5, 0.0, 1.0))(picture(40, 40))


def test_a_rule_survives_json():
    assert FrameRule.from_json(PAPER.to_json()) == PAPER
    with pytest.raises(InputError, match="record the data again"):
        FrameRule.from_json({"size": 28})


def pendulum(**kwargs):
    return gymnasium.make("Pendulum-v1", render_mode="rgb_array", **kwargs)


def test_an_environment_that_draws_at_any_size_is_asked_for_the_size_that_suits():
    env = pendulum()
    env.reset(seed=0)
    env.render()  # at 500 x 500, before anybody asked
    frame = Camera(env, FrameRule(16, oversampling=2))()
    assert env.render().shape == (32, 32, 3)
    np.testing.assert_array_equal(frame, FrameRule(16)(env.render()))
    assert FrameRule(28, crop=(0.0, 0.5, 0.0, 1.0), oversampling=3).picture_size == 168


@pytest.mark.parametrize("annotated", [False, True])
def test_the_rule_says_whether_frames_show_more_than_the_system(annotated):
    env = gymnasium.make("Spring-v0", render_mode="rgb_array", annotated=not annotated)
    data = record_steps(env, steps=2, record_frames=FrameRule(16, annotated=annotated))
    assert env.unwrapped.annotated is annotated
    assert data.provenance.frame_rule.annotated is annotated
    assert data.provenance.env_kwargs == {"world_model": "Spring-v0"}  # drawing changes no step


def test_the_papers_frame_holds_the_hanging_rod_and_nothing_else():
    env = pendulum()
    env.reset(seed=0)
    camera = Camera(env, PAPER)
    for angle in (-0.58, 0.0, 0.58):  # the largest swing of its starts, in rad from hanging
        env.unwrapped.state = np.array([np.pi + angle, 0.0])
        frame = camera()[..., 0]
        assert frame.max() == 127  # the rod's red minus its green
        assert not frame[:, 0].any()
        assert not frame[-1].any()
        assert not frame[:, -1].any()


def test_frames_go_with_the_states_they_show(tmp_path):
    rule = FrameRule(28, channels="red-green")
    recorder = RecordTransitions(
        pendulum(max_episode_steps=3), tmp_path / "data.zarr", record_state=True, record_frames=rule
    )
    for steps in (3, 2):
        recorder.reset(seed=steps)
        for _ in range(steps):
            recorder.step([0.0])  # no torque, no arrow
    recorder.close()
    data = TransitionDataset.open(tmp_path / "data.zarr")
    assert data.provenance.frame_rule == rule
    assert [frames.shape for frames in data.frames()] == [(4, 28, 28, 1), (3, 28, 28, 1)]
    env = pendulum()
    env.reset()
    camera = Camera(env, rule)
    for episode, frames in zip(data, data.frames(), strict=True):
        np.testing.assert_array_equal(episode.frame, frames)
        for state, frame in zip(episode.state, frames, strict=True):
            env.unwrapped.state = state
            np.testing.assert_array_equal(camera(), frame)


def test_frames_under_another_rule_are_not_appended(tmp_path, provenance):
    def begin(rule, append):
        writer = StoreWriter(tmp_path / "data.zarr", append=append)
        return RecordTransitions(pendulum(), writer, record_frames=rule)

    with begin(FrameRule(8), append=False) as recorder:
        recorder.reset(seed=0)
        recorder.step([0.0])
    with pytest.raises(InputError, match="recorded with frame_rule FrameRule"):
        begin(FrameRule(8, channels="grey"), append=True)


def test_a_dataset_without_frames_says_so_and_names_no_rule(dataset, provenance):
    assert "frame_rule" not in provenance.to_json()
    data = record_steps(gymnasium.make("Pendulum-v1"), steps=2)
    with pytest.raises(InputError, match=r"Pendulum-v1 holds observation.*and no frames: record frames too"):
        data.frames()


def drawing(counter, draw):
    class Draws(counter):
        render_mode = "rgb_array"

        def render(self):
            return draw(int(self._buffer[0]))

    return RecordTransitions(Draws(), MemoryWriter(), record_frames=FrameRule(4))


def test_frames_of_mixed_size_are_refused(counter):
    recorder = drawing(counter, lambda count: picture(8 + count, 8))
    recorder.reset()
    with pytest.raises(InputError, match=r"Draws draws are of mixed size: \(9, 8, 3\) after \(8, 8, 3\)"):
        recorder.step([0.0])


@pytest.mark.parametrize(
    ("drawn", "message"),
    [
        (np.zeros((8, 8, 3), np.uint8), r"all black. The picture .* 8 x 8 pixels from \[0, 0, 0\] to \[0, 0, 0\]"),
        (np.full((8, 8, 3), 255, np.uint8), r"all of the one colour \[255, 255, 255\]"),
        (None, "draws is nothing, and has to be uint8"),
        (np.zeros((8, 8), np.uint8), r"draws is uint8 of shape \(8, 8\)"),
        (np.zeros((8, 8, 3)), "draws is float64"),
    ],
)
def test_blank_frames_are_refused_with_a_description_of_the_picture(counter, drawn, message):
    with pytest.raises(InputError, match=message):
        drawing(counter, lambda count: drawn).reset()


def test_a_crop_that_misses_the_rod_is_refused_with_a_description_of_the_picture():
    env = RecordTransitions(
        pendulum(), MemoryWriter(), record_frames=FrameRule(8, channels="red-green", crop=(0.0, 0.1, 0.0, 0.1))
    )
    with pytest.raises(InputError, match=r"all black.*320 x 320 pixels from \[0, 0, 0\] to \[255.*change crop"):
        env.reset(seed=0)
