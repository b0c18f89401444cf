"""A carriage and the part that turns on it are found in frames, and the encoder is the decoder's inverse."""

import numpy as np
import pytest

from hnn_gym.errors import InputError
from hnn_gym.models.pixel import CarriageCodec, FourierBasis, codec_of, first_places

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


@pytest.fixture(scope="module")
def film():
    rng = np.random.default_rng(0)
    x, theta = 16 + 8 * rng.uniform(-1, 1, 250), 0.3 * rng.uniform(-1, 1, 250)
    return x, theta, drawn(x, theta)


@pytest.fixture(scope="module")
def codec(film):
    frames = film[2]
    places = first_places(frames, aspect=WIDTH / HEIGHT)
    q = np.stack([(places.columns - WIDTH / 2) / 8, places.angles], axis=-1)
    return CarriageCodec.fitted(
        frames,
        q,
        background=places.background,
        harmonics=FourierBasis(False, 8, -0.35, 0.35),
        radius=places.radius,
        columns_per_unit=8.0,
    )


def test_the_first_guess_is_good_to_a_tenth_of_a_pixel(film):
    x, theta, frames = film
    places = first_places(frames, aspect=WIDTH / HEIGHT)
    assert np.abs(places.columns - x).max() < 0.15
    assert np.abs(places.angles - theta).max() < 0.03  # its end moves by a third of a pixel
    assert (places.background[:16] == 255).all()


def test_positions_and_angles_of_frames_that_it_has_not_seen_are_read(codec):
    rng = np.random.default_rng(1)
    x, theta = 16 + 7 * rng.uniform(-1, 1, 60), 0.28 * rng.uniform(-1, 1, 60)
    q = codec.encode(drawn(x, theta))
    assert np.abs(16 + 8 * q[:, 0] - x).max() < 0.1
    assert np.abs(q[:, 1] - theta).max() < 0.02
    near = codec.encode(drawn(x, theta), near=q + np.array([0.05, 0.02]))
    np.testing.assert_allclose(near, q, atol=1e-4)


def test_a_decoded_frame_is_encoded_to_its_position(codec):
    q = np.stack([np.linspace(-0.8, 0.8, 9), np.linspace(0.25, -0.25, 9)], axis=-1)
    np.testing.assert_allclose(codec.encode(codec.decode(q)), q, atol=5e-3)  # frames are rounded to 255 levels


def test_a_codec_of_a_carriage_comes_back_from_its_arrays(codec):
    again = codec_of(codec.arrays(), codec.to_json())
    q = np.array([[0.3, -0.1], [-0.5, 0.2]])
    np.testing.assert_allclose(again.decode(q).astype(int), codec.decode(q), atol=1)
    with pytest.raises(InputError, match="do not fit each other"):
        codec_of(codec.arrays() | {"codec.rows": np.array([HEIGHT])}, codec.to_json())


def test_frames_without_a_carriage_are_refused_with_their_number(film, codec):
    frames = film[2].copy()
    frames[7] = codec.background
    with pytest.raises(InputError, match="Frame 7"):
        first_places(frames, aspect=WIDTH / HEIGHT)
    with pytest.raises(InputError, match="Frame 7 does not show the carriage"):
        codec.encode(frames)


def test_a_film_in_which_nothing_slides_or_nothing_turns_is_refused():
    angles = np.linspace(-0.3, 0.3, 40)
    with pytest.raises(InputError, match="nothing slides"):
        first_places(drawn(np.full(40, 16.0), angles), aspect=1.0)
    bare = drawn(np.linspace(8, 24, 40), 0 * angles)
    bare[:, :15] = 255
    with pytest.raises(InputError, match="Frame 0, and 39 more, show nothing above or below"):
        first_places(bare, aspect=1.0)
