"""A carriage and the part that turns on it are found in frames, and the encoder is the decoder's inverse."""

import numpy as np
import pytest

from hnn_gym.errors import InputError
from hnn_gym.models.pixel import codec_of, find_carriage
from hnn_gym.models.pixel.carriage_places import first_places
from hnn_gym.models.pixel.linkage import Part, check_tree, placed

HEIGHT, WIDTH = 24, 32


def drawn(x, theta):
    """Frames of a dark carriage at columns ``x`` with a soft rod of 12 rows that leans by ``theta``, on a grey rail."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    x, theta = (np.asarray(values)[:, None, None] for values in (x, theta))
    right, up = columns - x, 18.0 - rows
    along = right * np.sin(theta) + up * np.cos(theta)
    away = np.hypot(right - along.clip(0, 12) * np.sin(theta), up - along.clip(0, 12) * np.cos(theta))
    picture = np.where(abs(rows - 18) < 0.6, 180.0, 255.0) * np.ones_like(away)
    picture -= 80 * np.exp(-(away**2) / 0.8)
    cover = np.clip(3.5 - abs(right), 0, 1) * np.clip(3.0 - abs(rows - 18), 0, 1)
    picture *= 1 - cover
    return np.rint(picture.clip(0, 255)).astype(np.uint8)[..., None]


def some(count, seed):
    rng = np.random.default_rng(seed)
    return 16 + 8 * rng.uniform(-1, 1, count), 0.3 * rng.uniform(-1, 1, count)


@pytest.fixture(scope="module")
def codec():
    return find_carriage(drawn(*some(120, 0)), aspect=WIDTH / HEIGHT, half_width=2.0)[0]  # 8 columns to the unit


def test_positions_and_angles_of_frames_that_it_has_not_seen_are_read(codec):
    x, theta = some(40, 1)
    q = codec.encode(drawn(x, theta))
    assert np.abs(16 + 8 * q[:, 0] - x).max() < 0.1  # a tenth of a column
    assert np.abs(q[:, 1] - theta).max() < 0.02  # the end of the rod moves by a quarter of a row
    near = codec.encode(drawn(x, theta), near=q + np.array([0.05, 0.02]))
    np.testing.assert_allclose(near, q, atol=1e-3)  # where Newton's rule ends


def test_an_angle_does_not_depend_on_the_place(codec):
    q = codec.encode(drawn(np.linspace(8, 24, 9), np.full(9, 0.2)))
    assert np.ptp(q[:, 1]) < 0.02


def test_a_decoded_frame_is_encoded_to_its_position(codec):
    q = np.stack([np.linspace(-0.8, 0.8, 9), np.linspace(0.25, -0.25, 9)], axis=-1)
    np.testing.assert_allclose(codec.encode(codec.decode(q)), q, atol=5e-3)  # frames are rounded to 255 levels


def test_a_codec_of_a_carriage_comes_back_from_its_arrays(codec):
    again = codec_of(codec.arrays(), codec.to_json())
    q = np.array([[0.3, -0.1], [-0.5, 0.2]])
    np.testing.assert_allclose(again.decode(q).astype(int), codec.decode(q), atol=1)
    with pytest.raises(InputError, match="do not fit each other"):
        codec_of(codec.arrays() | {"codec.hinges": np.zeros((3, 2))}, codec.to_json())


def test_frames_without_a_carriage_are_refused_with_their_number(codec):
    frames = drawn(*some(40, 2))
    frames[7] = codec.background
    with pytest.raises(InputError, match="Frame 7"):
        first_places(frames, aspect=WIDTH / HEIGHT)
    with pytest.raises(InputError, match="Frame 7 does not show the parts"):
        codec.encode(frames)


def test_a_film_in_which_nothing_slides_or_nothing_turns_is_refused():
    angles = np.linspace(-0.3, 0.3, 40)
    with pytest.raises(InputError, match="nothing slides"):
        first_places(drawn(np.full(40, 16.0), angles), aspect=1.0)
    bare = drawn(np.linspace(8, 24, 40), 0 * angles)
    bare[:, :15] = 255
    with pytest.raises(InputError, match="Frame 0, and 39 more, show nothing above or below"):
        first_places(bare, aspect=1.0)


def test_parts_follow_what_carries_them():
    parts, hinges = (Part(True), Part(True, 0)), np.array([[1.0, 0.0], [0.0, -2.0]])
    at = placed(parts, hinges, np.array([[np.pi / 2, 0.3]]))
    np.testing.assert_allclose(at.origin[0], [[1, 0], [-1, 0]], atol=1e-12)  # what hung down points to the left
    np.testing.assert_allclose(at.angle[0], [np.pi / 2, np.pi / 2 + 0.3])
    q, step = np.array([[0.4, -0.7]]), 1e-6
    for j in (0, 1):
        ends = [placed(parts, hinges, q + sign * step * np.eye(2)[j]).origin for sign in (1, -1)]
        slope = (ends[0] - ends[1]) / (2 * step)
        np.testing.assert_allclose(placed(parts, hinges, q).by_position[:, :, j], slope, atol=1e-9)


def test_a_part_is_carried_by_one_before_it():
    with pytest.raises(InputError, match="carried by part 1, which does not come before it"):
        check_tree((Part(False), Part(True, 1)))
