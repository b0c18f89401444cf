"""Sprites: bodies are found in frames, keep their identity, and are drawn where they are."""

from itertools import permutations

import numpy as np
import pytest

from hnn_gym.errors import InputError
from hnn_gym.models.pixel import Bodies, Slider, SpriteCodec, codec_of, track, track_slider
from hnn_gym.models.pixel.spline_sprite import patches, splines
from hnn_gym.training.pixel_bodies import doubts

SIZE, RADIUS, FINE = 32, 2.0, 8
RED, BLUE, GREEN, PURPLE = (200, 60, 60), (50, 110, 190), (77, 153, 90), (150, 100, 170)
THREE = ((10.0, 0.0), (8.0, 2.1), (9.0, 4.2))
"""Distances from the middle in pixels, and angles, of three bodies."""


def film(places, colours):
    """Frames of discs at (row, column) in pixels ``(T, b, 2)``, the later in front, each pixel a mean over 8 x 8."""
    axis = (np.arange(SIZE * FINE) + 0.5) / FINE
    frames = np.full((len(places), SIZE * FINE, SIZE * FINE, 3), 255.0)
    for k, colour in enumerate(colours):
        rows, columns = places[:, k, 0, None, None], places[:, k, 1, None, None]
        disc = (axis[:, None] - rows) ** 2 + (axis[None] - columns) ** 2 < RADIUS**2
        frames[disc] = colour
    means = frames.reshape(len(places), SIZE, FINE, SIZE, FINE, 3).mean(axis=(2, 4))
    return np.rint(means).astype(np.uint8)


def orbit(steps=60, *, reach=9.0):
    """Two bodies opposite each other on a circle, (row, column) ``(T, 2, 2)``."""
    angle = 0.21 * np.arange(steps)
    around = reach * np.stack([np.sin(angle), np.cos(angle)], axis=-1)
    return 16.03 + np.stack([around, -around], axis=1)


def crossing(steps=41):
    """Two bodies that pass each other on parallel lines, the first one partly behind the second."""
    along = np.linspace(5, 27, steps)
    return np.stack([np.stack([np.full(steps, 15.0), along], -1), np.stack([np.full(steps, 17.5), 32 - along], -1)], 1)


def in_pixels(q):
    """(row, column) of positions in units of half the picture."""
    q = q.reshape(*q.shape[:-1], -1, 2)
    return np.stack([SIZE / 2 * (1 - q[..., 1]), SIZE / 2 * (1 + q[..., 0])], axis=-1)


@pytest.fixture(scope="module")
def two():
    places = orbit()
    frames = film(places, (RED, BLUE))
    return places, frames, track([frames], 2, pixels_per_unit=SIZE / 2)


def test_bodies_are_found_to_a_few_hundredths_of_a_pixel_and_keep_their_colours(two):
    places, frames, found = two
    seen = in_pixels(found.positions[0])
    if np.abs(seen[0] - places[0]).max() > 5:  # the order of the bodies is free
        seen = seen[:, ::-1]
    assert np.sqrt(np.mean((seen - places) ** 2)) < 0.05  # edges drawn by eighths of a pixel
    assert not found.gone
    assert not found.exchanged
    drawn = found.codec.decode(found.positions[0])
    assert np.abs(drawn.astype(float) - frames).mean() < 1.0  # of 255


def test_the_encoder_is_the_inverse_of_the_decoder(two):
    codec = two[2].codec
    q = np.random.default_rng(0).uniform(-0.7, 0.7, (40, 4))
    q = q[np.linalg.norm(q[:, :2] - q[:, 2:], axis=1) > 0.5]
    np.testing.assert_allclose(codec.encode(codec.decode(q)), q, atol=0.02 * 2 / SIZE)  # rounding to 1 / 255


def test_a_codec_of_sprites_is_read_from_what_it_wrote(two):
    codec = two[2].codec
    again = codec_of(codec.arrays(), codec.to_json())
    assert isinstance(again, SpriteCodec)
    np.testing.assert_array_equal(again.decode(two[2].positions[0][:3]), codec.decode(two[2].positions[0][:3]))
    with pytest.raises(InputError, match="do not fit each other"):
        codec_of(codec.arrays() | {"codec.sprites": codec.sprites[:, 1:]}, codec.to_json())


def test_bodies_that_look_alike_keep_their_identity_when_they_pass_each_other():
    places = np.concatenate([crossing(), orbit(60)])
    found = track([film(part, (RED, RED)) for part in (crossing(), orbit())], 2, pixels_per_unit=SIZE / 2)
    assert len(found.codec.sprites) == 1
    for path, true in zip(found.positions, (places[:41], places[41:]), strict=True):
        seen = in_pixels(path)
        if np.abs(seen[0] - true[0]).max() > 1:
            seen = seen[:, ::-1]
        error = seen - true
        assert np.nanmax(np.abs(error)) < 0.6  # where they overlap
        assert np.sqrt(np.nanmean(error**2)) < 0.15


def test_bodies_of_three_colours_are_told_apart_where_two_of_them_overlap(two):
    turn = 0.21 * np.arange(40)
    apart = 16 + np.stack([reach * np.stack([np.sin(turn + at), np.cos(turn + at)], -1) for reach, at in THREE], 1)
    found = track([film(apart, (RED, BLUE, GREEN))], 3, pixels_per_unit=SIZE / 2)
    order = [int(np.abs(in_pixels(found.positions[0])[0] - place).sum(-1).argmin()) for place in apart[0]]
    pairs = np.tile([[8.2, 9.1], [8.6, 11.4], [24.0, 22.0]], (6, 1, 1))
    places = np.stack([pair[list(order)] for pair, order in zip(pairs, permutations(range(3)), strict=True)])
    q = in_pixels(found.codec.encode(film(places, (RED, BLUE, GREEN))))[:, order]
    np.testing.assert_allclose(q, places, atol=0.3)  # a pixel where they overlap is shared by two


def test_a_body_far_from_an_overlap_keeps_its_place_whichever_of_them_is_in_front():
    along = np.linspace(5, 27, 40)
    far, middle = np.stack([np.full(40, 6.0), 32 - along], -1), np.stack([np.full(40, 21.0), along], -1)
    apart = 0.31 * np.abs(np.arange(40) - 20.3)[:, None] * [0.8, 0.6]  # they meet in frame 20, and part again
    places = np.stack([middle + apart, far, middle - apart], 1)
    for order in ((0, 1, 2), (2, 1, 0)):  # the body that is found first is behind, or in front
        drawn = [(RED, PURPLE, BLUE)[k] for k in order]
        found = track([film(places[:, order], drawn)], 3, pixels_per_unit=SIZE / 2)
        seen = in_pixels(found.positions[0])
        third = int(np.abs(seen[0] - far[0]).sum(-1).argmin())
        assert np.abs(seen[:, third] - far).max() < 0.3


def test_a_body_behind_another_has_no_position():
    angle = 0.21 * np.arange(50)
    around = 16 + 9 * np.stack([np.sin(angle), np.cos(angle)], axis=-1)
    apart = np.stack([around, 32 - around], 1)
    near = np.linspace(apart[-1], np.array([[20.0, 12.0], [20.0, 15.0]]), 5)[1:]
    behind = np.full((3, 2, 2), (20.0, 12.0))
    places = np.concatenate([apart, near, behind])
    found = track([film(places, (RED, BLUE))], 2, pixels_per_unit=SIZE / 2)
    hidden = np.isnan(found.positions[0]).any(axis=-1)
    assert hidden[-3:].all()
    assert hidden[:-3].sum() == 0


def test_what_is_not_as_declared_is_refused_with_the_number_of_a_frame():
    frames = film(orbit(40), (RED, BLUE))
    with pytest.raises(InputError, match=r"3 bodies, and 40 of 40 frames show 2 separate .* such as frame 0"):
        track([frames], 3, pixels_per_unit=16)
    with pytest.raises(InputError, match=r"1 body, and 40 of 40 frames show 2 separate"):
        track([frames], 1, pixels_per_unit=16)
    with pytest.raises(InputError, match="nothing moves"):
        track([frames[:1].repeat(5, axis=0)], 2, pixels_per_unit=16)
    together = np.repeat(orbit(40)[:, :1], 2, axis=1) + np.array([[0, 0], [0, 2.5]])
    with pytest.raises(InputError, match="may never separate"):
        track([film(together, (RED, BLUE))], 2, pixels_per_unit=16)


def test_an_episode_ends_where_a_body_leaves_the_picture():
    places = orbit(40)
    places[30:, 0, 1] += np.arange(10) * 4.0
    found = track([film(places, (RED, BLUE))], 2, pixels_per_unit=16)
    (number, frame, _) = found.gone[0]
    assert number == 0
    assert len(found.positions[0]) == frame == 30 + int(np.argmax(places[30:, 0, 1] > SIZE - 1))


def test_a_body_that_vanishes_where_nothing_hides_it_is_refused_or_reported_with_the_number_of_the_frame():
    places = orbit(60)
    places[52:, 1] = -50.0
    frames = film(places, (RED, BLUE))
    with pytest.raises(InputError, match=r"Frame 52, and 7 more, show fewer than the 2 bodies"):
        track([frames], 2, pixels_per_unit=16)
    found = track([frames[:53]], 2, pixels_per_unit=16)
    assert found.vanished == [52]
    assert not found.foreign
    again = np.minimum(frames[51:52], np.roll(frames[51:52], 9, axis=1))
    more = track([np.concatenate([frames[:52], again])], 2, pixels_per_unit=16)
    assert more.foreign == [52]
    sentences = doubts(found, [frames[:53]]) + doubts(more, [frames[:53]])
    assert sentences[0].startswith("Frame 52, and 0 more of 53, show fewer bodies than the scene has")
    assert sentences[1].startswith("Frame 52, and 0 more of 53, show something that is not one of the bodies")


def test_a_slider_that_moves_up_and_down_too_is_refused_with_the_number_of_the_frame():
    places = orbit(40)[:, :1]
    places[:, :, 0] = 13.3
    places[30:, :, 0] += 3.0
    with pytest.raises(InputError, match=r"In frame 30 of episode 0 the body is 3.0 pixels above or below"):
        track_slider([film(places, (RED,))], pixels_per_unit=16)


def test_a_frame_without_a_body_is_refused_by_its_number(two):
    _, frames, found = two
    empty = np.concatenate([frames[:2], found.codec.background[None]])
    with pytest.raises(InputError, match="Frame 2 does not show body"):
        found.codec.encode(empty)
    with pytest.raises(InputError, match="trained on uint8"):
        found.codec.encode(frames[..., :1])


def test_slopes_of_sprites_are_the_derivatives_of_their_pictures():
    rng, radius, h = np.random.default_rng(1), 3, 1e-5
    sprite, place = rng.normal(size=(19, 19, 2)), np.array([5.3])
    columns = splines(np.array([7.8]), radius)
    up, down = (patches(sprite, splines(place + shift, radius), columns) for shift in (h, -h))
    slope = patches(sprite, splines(place, radius, derivative=True), columns)
    np.testing.assert_allclose(-(up - down) / (2 * h), slope, atol=1e-6)  # offsets fall as the place rises


def test_scenes_have_a_count_and_a_height_that_are_possible():
    for wrong in ({"count": 0}, {"count": 2, "height": -1.0}, {"count": 1.5}):
        with pytest.raises(InputError):
            Bodies(**wrong)
    assert Bodies(2, height=10.0).pixels_per_unit(64) == 6.4
    assert Bodies(2).pixels_per_unit(64) == 32


def test_a_slider_that_hardly_leaves_its_middle_is_found_and_read_beyond_its_recording():
    along = 16.2 + 1.4 * np.sin(0.37 * np.arange(50))  # always over the column of its middle
    frames = film(np.stack([np.full(50, 13.3), along], -1)[:, None], (RED,))
    found = track_slider([frames], pixels_per_unit=16)
    np.testing.assert_allclose(
        16 * (1 + found.positions[0][:, 0]), along, atol=0.1
    )  # edges drawn by eighths of a pixel
    assert found.codec.line == pytest.approx(1 - 13.3 / 16, abs=0.01)
    far = film(np.array([[[13.3, 26.4]], [[13.3, 5.1]]]), (RED,))
    q = found.codec.encode(far)
    np.testing.assert_allclose(q, np.array([[26.4], [5.1]]) / 16 - 1, atol=0.01)
    assert np.abs(found.codec.decode(q).astype(int) - far).mean() < 0.5
    again = codec_of(found.codec.arrays(), found.codec.to_json())
    np.testing.assert_array_equal(again.decode(q), found.codec.decode(q))
    assert again.angles == (False,)


def test_a_slider_has_a_width_that_is_possible_and_one_position():
    with pytest.raises(InputError, match="width"):
        Slider(width=0.0)
    assert Slider(width=4.8).pixels_per_unit(64) == pytest.approx(64 / 4.8)
    with pytest.raises(InputError, match="has one position on a line, and the coordinates declare 4"):
        Slider().check(Bodies(2).coordinates())
