"""Frames and positions: the first guess keeps their order, and decoded frames are encoded to their positions."""

import numpy as np
import pytest

from hnn_gym.envs.shipped import resolve_pixel_world
from hnn_gym.errors import InputError
from hnn_gym.models.pixel import FourierBasis, FrameCodec, first_positions


def spots(x, y, size=16):
    at = np.linspace(-1.6, 1.6, size)
    spot = np.exp(-((at[:, None] + y[:, None, None]) ** 2 + (at - x[:, None, None]) ** 2) / (2 * 0.25**2))
    return np.rint(255 * spot).astype(np.uint8)[..., None]


CIRCLE = np.random.default_rng(0).uniform(-np.pi, np.pi, 400)
LINE = np.random.default_rng(1).uniform(-1, 1, 400)
FILMS = {
    "circle": (spots(np.sin(CIRCLE), np.cos(CIRCLE)), CIRCLE, FourierBasis(True, 12)),
    "line": (spots(LINE, 0 * LINE), LINE, FourierBasis(False, 16, -1.1, 1.1)),
}


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("basis", [FourierBasis(True, 5), FourierBasis(False, 5, -1.0, 2.0)], ids=["circle", "line"])
def test_derivatives_of_the_basis_are_those_of_differences(basis, order):
    q, h = np.linspace(-0.9, 1.9, 7), 1e-5
    slope = (basis(q + h, derivative=order - 1) - basis(q - h, derivative=order - 1)) / (2 * h)
    # A central difference is wrong by h^2 k^3 / 6 < 1e-7 here, with h / eps of rounding.
    np.testing.assert_allclose(basis(q, derivative=order), slope, atol=1e-6)


@pytest.mark.parametrize("name", FILMS)
def test_a_decoded_position_is_encoded_to_itself(name):
    frames, q, harmonics = FILMS[name]
    codec = FrameCodec.fitted(frames, q, harmonics)
    fresh = np.linspace(-0.95, 0.95, 50)[:, None] * (np.pi if name == "circle" else 1.0)
    # Half a grey level in each of the pixels that a spot covers moves it by about 1e-3 of its width.
    np.testing.assert_allclose(codec.encode(codec.decode(fresh)), fresh, atol=2e-3)
    assert np.abs(codec.decode(q[:, None]).astype(int) - frames).max() <= 4


@pytest.mark.parametrize("name", FILMS)
def test_the_first_guess_keeps_the_order_of_positions(name):
    q = np.linspace(-1, 1, 60)  # grey levels tell apart what is so far apart
    frames = spots(np.sin(np.pi * q), np.cos(np.pi * q)) if name == "circle" else spots(q, 0 * q)
    guess = first_positions(frames, angle=name == "circle")
    steps = np.diff(np.unwrap(guess)) if name == "circle" else np.diff(guess)
    assert (steps > 0).all() or (steps < 0).all()
    if name == "circle":  # once round, not folded
        assert abs(np.unwrap(guess)[-1] - np.unwrap(guess)[0]) > 6


def test_the_first_guess_of_a_body_that_goes_from_edge_to_edge_does_not_fold_back():
    q = np.linspace(-1.2, 1.2, 60)
    steps = np.diff(first_positions(spots(q, 0 * q), angle=False))
    assert (steps > 0).all() or (steps < 0).all()  # with a blur of 0.14 it turns back at both ends


def test_a_checkpoint_of_a_codec_is_within_half_a_grey_level():
    frames, q, harmonics = FILMS["circle"]
    codec = FrameCodec.fitted(frames, q, harmonics)
    again = FrameCodec.of(codec.arrays(), codec.to_json())
    np.testing.assert_allclose(again.decode(q[:, None]).astype(int), codec.decode(q[:, None]), atol=1)
    np.testing.assert_allclose(again.encode(frames), codec.encode(frames), atol=1e-3)
    broken = codec.arrays() | {"codec.weights": np.ones(3)}
    with pytest.raises(InputError, match="do not fit each other"):
        FrameCodec.of(broken, codec.to_json())


def test_frames_in_which_nothing_moves_are_refused():
    still = np.repeat(spots(np.zeros(1), np.zeros(1)), 5, axis=0)
    for angle in (True, False):
        with pytest.raises(InputError, match=r"Frames 0 to 4, .*nothing moves in them"):
            first_positions(still, angle=angle)
    with pytest.raises(InputError, match="nothing moves in them"):
        FrameCodec.fitted(still, np.arange(5.0), FourierBasis(True, 3))


def test_a_body_that_only_shifts_is_refused_as_an_angle():
    with pytest.raises(InputError, match="declare a position instead"):
        first_positions(FILMS["line"][0], angle=True)


def test_black_frames_and_frames_of_another_size_are_refused_by_name():
    frames, q, harmonics = FILMS["circle"]
    codec = FrameCodec.fitted(frames, q, harmonics)
    with pytest.raises(InputError, match=r"Frame 1 is all of one colour, 0 \(black\)"):
        codec.encode(np.stack([frames[0], 0 * frames[0]]))
    with pytest.raises(InputError, match=r"uint8 of shape \(400, 15, 16, 1\).*\(..., 16, 16, 1\)"):
        codec.encode(frames[:, 1:])


def test_the_shipped_pendulum_encodes_as_it_did_before_there_were_scenes():
    codec = resolve_pixel_world("HNNPixelPendulum-v0").codec
    q = np.array([[-2.5], [-0.7], [0.3], [1.9]])
    before = [-2.499961451410055, -0.7001366974753722, 0.2999623492090189, 1.9000010793320918]  # by release 0.2.0
    np.testing.assert_allclose(codec.encode(codec.decode(q))[:, 0], before, atol=1e-9)
