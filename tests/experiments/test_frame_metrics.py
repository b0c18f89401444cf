"""Valid prediction time, on errors that can be counted by hand."""

import numpy as np
import pytest

from experiments.frame_metrics import normalised_pixel_error, valid_prediction_time
from hnn_gym.errors import InputError


def test_the_error_is_relative_to_the_power_of_the_true_frame():
    true = np.zeros((2, 3, 4, 4, 1), np.uint8)
    true[..., 1, 2, 0] = 10
    true[:, 1, 3, 3, 0] = 10  # the second frame has twice the power
    predicted = true.astype(float)
    predicted[0, :, 0, 0, 0] = 1
    np.testing.assert_allclose(
        normalised_pixel_error(predicted, true, pixel_axes=3), [[0.01, 0.005, 0.01], [0, 0, 0]], rtol=1e-12
    )


def test_uint8_frames_do_not_wrap_around():
    dark, bright = np.full((1, 4), 1, np.uint8), np.full((1, 4), 3, np.uint8)
    assert normalised_pixel_error(dark, bright, pixel_axes=1) == pytest.approx(4 / 9)


def test_the_time_is_the_first_step_over_the_threshold():
    error = np.array([[0, 0.025, 0.0251, 0], [0, 0, 0, 0], [1, 0, 0, 0], [0, np.nan, 0, 0], [0, 0, 0, np.inf]])
    assert valid_prediction_time(error).tolist() == [2, 4, 0, 1, 3]
    assert valid_prediction_time(error, threshold=0.02)[0] == 1


def test_a_prediction_that_blew_up_is_wrong_from_there():
    true = np.ones((4, 5))
    predicted = true.copy()
    predicted[2:] = np.nan
    error = normalised_pixel_error(predicted, true, pixel_axes=1)
    assert error.tolist() == [0, 0, np.inf, np.inf]
    assert valid_prediction_time(error) == 2


def test_arrays_that_cannot_be_compared_are_refused():
    with pytest.raises(InputError, match=r"\(2, 4\) and true ones \(3, 4\)"):
        normalised_pixel_error(np.ones((2, 4)), np.ones((3, 4)), pixel_axes=1)
    with pytest.raises(InputError, match=r"true frame \(1,\) is black"):
        normalised_pixel_error(np.ones((2, 4)), np.array([[1.0] * 4, [0.0] * 4]), pixel_axes=1)
