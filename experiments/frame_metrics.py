"""How long predicted frames stay right: the valid prediction time of Botev et al. 2021.

e(t) = mean (predicted - true)^2 / mean true^2 over the pixels of frame t; VPT = the first t with e(t) > 0.025.

Source: Botev, Jaegle, Wirnsberger, Hennes, Higgins, *Which priors matter? Benchmarking models for learning latent
dynamics*, NeurIPS 2021 (datasets and benchmarks), section 4. They report the median over trajectories, forward and
backward in time; e is meaningful only if the background is 0.
"""

from __future__ import annotations

import numpy as np

from hnn_gym.errors import InputError

THRESHOLD = 0.025
"""Normalised pixel error at which a frame counts as wrong."""


def normalised_pixel_error(predicted: np.ndarray, true: np.ndarray, *, pixel_axes: int) -> np.ndarray:
    """Return e(t) of every frame ``(...)``, inf where a prediction is not finite.

    Args:
        predicted: frames ``(..., pixels)``.
        true: frames of the same shape, on a background of 0.
        pixel_axes: number of trailing axes of pixels: 1 for flat frames, 3 for ``(H, W, C)``.

    Raises:
        InputError: the shapes differ, or a true frame is black.
    """
    if predicted.shape != true.shape:
        raise InputError(f"Predicted frames {predicted.shape} and true ones {true.shape} must have the same shape.")
    axes = tuple(range(-pixel_axes, 0))
    true = np.asarray(true, np.float64)
    power = np.mean(true**2, axis=axes)
    if not power.all():
        black = tuple(int(i) for i in np.argwhere(power == 0)[0])
        raise InputError(f"The true frame {black} is black, and an error relative to it means nothing: leave it out.")
    with np.errstate(over="ignore", invalid="ignore"):
        error = np.mean((predicted - true) ** 2, axis=axes) / power
    return np.where(np.isnan(error), np.inf, error)


def valid_prediction_time(error: np.ndarray, *, threshold: float = THRESHOLD) -> np.ndarray:
    """Return how many frames of every trajectory ``(...)`` are valid: the index of the first that is not, integers.

    A frame is valid if its error is at most the threshold; NaN is not valid. A trajectory without an invalid frame gets
    its length T.

    Args:
        error: e(t), ``(..., T)``, the start first.
        threshold: the largest error of a valid frame.
    """
    wrong = ~(np.asarray(error) <= threshold)  # so that NaN is wrong
    return np.where(wrong.any(axis=-1), wrong.argmax(axis=-1), wrong.shape[-1])
