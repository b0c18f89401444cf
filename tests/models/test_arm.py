"""The two links of an arm are found in frames, from synthetic pictures alone."""

import numpy as np
import pytest

from hnn_gym.coordinates import Coordinates, DegreeOfFreedom
from hnn_gym.errors import InputError
from hnn_gym.models.pixel import Arm, Carriage, codec_of, find_arm, obvious_scene

SIZE = 24
PIVOT, LENGTHS = np.array([0.5, 1.0]), (6.0, 4.0)
"""In pixels from the middle, x to the right and y upwards."""


def drawn(q):
    """Frames of two soft grey rods of the same kind, on white, at clockwise angles ``(N, 2)``."""
    first, second = q[:, 0], q.sum(1)
    joint = PIVOT - LENGTHS[0] * np.stack([np.sin(first), np.cos(first)], axis=-1)
    rows, columns = np.mgrid[:SIZE, :SIZE] + 0.5
    at = np.stack([columns - SIZE / 2, SIZE / 2 - rows], axis=-1)
    cover = np.zeros((len(q), SIZE, SIZE))
    for start, angle, length in ((np.broadcast_to(PIVOT, joint.shape), first, LENGTHS[0]), (joint, second, LENGTHS[1])):
        along = -np.stack([np.sin(angle), np.cos(angle)], axis=-1)[:, None, None]
        arm = at - start[:, None, None]
        reached = (arm * along).sum(-1).clip(0, length)
        away = np.hypot(*np.moveaxis(arm - reached[..., None] * along, -1, 0))
        cover = np.maximum(cover, 1 / (1 + np.exp(4 * (away - 1.2))))
    return np.rint(255 - 180 * cover).astype(np.uint8)[..., None]


def some(count, seed):
    return np.random.default_rng(seed).uniform((-1.2, -1.8), (1.2, 1.8), (count, 2))


@pytest.fixture(scope="module")
def found():
    return find_arm(drawn(some(60, 0)), pixel_width=1.0)


def test_pivot_joint_and_both_angles_are_found(found):
    codec, q = found
    np.testing.assert_allclose(codec.hinges, [PIVOT, [0, -LENGTHS[0]]], atol=0.1)  # a tenth of a pixel
    np.testing.assert_allclose(q, some(60, 0), atol=0.03)  # the tip moves by a third of a pixel


def test_angles_of_frames_that_it_has_not_seen_are_read(found):
    q = np.concatenate([some(30, 1), [[2.5, 1.0], [-3.0, 0.4]]])  # also above the pivot, where no frame was
    error = found[0].encode(drawn(q)) - q
    assert np.abs(error).max() < 0.03


def test_an_arm_seen_from_behind_has_the_same_pictures_at_the_opposite_angles(found):
    behind, q = found[0].mirrored(), some(5, 2)
    np.testing.assert_array_equal(behind.decode(-q), found[0].decode(q))
    again = codec_of(behind.arrays(), behind.to_json())
    np.testing.assert_allclose(again.encode(drawn(q)), -q, atol=0.03)


def test_frames_of_something_else_are_refused():
    frames = drawn(some(40, 3))
    with pytest.raises(InputError, match="all the same"):
        find_arm(frames[:1].repeat(40, axis=0), pixel_width=1.0)
    with pytest.raises(InputError, match="not in 10: record more steps"):
        find_arm(frames[:10], pixel_width=1.0)
    sliding = np.stack([np.roll(frames[0], step, axis=1) for step in range(-10, 10)])
    with pytest.raises(InputError, match="there is no pivot about which the first link turns"):
        find_arm(sliding, pixel_width=1.0)
    blob = np.full((40, SIZE, SIZE, 1), 255, np.uint8)
    blob[:, 6:18, 6:18] = 0
    blob[::2, 4:20, 8:16] = 0
    with pytest.raises(InputError, match="is no arm of two links"):
        find_arm(blob, pixel_width=1.0)
    frames[7] = 255
    with pytest.raises(InputError, match="Frame 7, and 0 more, show nothing"):
        find_arm(frames, pixel_width=1.0)


def test_two_angles_suggest_an_arm_and_nothing_else_fits_it():
    angle, position = DegreeOfFreedom(cos=0, sin=1, velocity=2), DegreeOfFreedom(position=3, velocity=4)
    both = Coordinates((angle, DegreeOfFreedom(cos=3, sin=4, velocity=5)))
    assert obvious_scene(both) == Arm()
    assert Arm().coordinates(both).angles == (True, True)
    with pytest.raises(InputError, match="both of them angles"):
        Arm().check(Coordinates((angle, position)))
    with pytest.raises(InputError, match="a position and an angle"):
        Carriage().check(both)
    with pytest.raises(InputError, match="aspect"):
        Arm(aspect=0.0)
