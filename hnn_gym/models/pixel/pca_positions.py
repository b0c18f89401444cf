"""A first guess of the position in every frame: the leading principal components of blurred frames.

If the blur is wide enough, the pictures of a body that turns lie near a circle in the plane of their two leading
components, and the angle around the middle of that circle is a smooth, one-to-one function of the body's angle. The
pictures of a body that shifts lie along the first component, provided that the blur is as wide as the body's path; with
a narrower blur they fold back at the ends of the path. An encoder with random initial weights often folds the circle,
and training does not unfold it.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter

from hnn_gym.errors import InputError
from hnn_gym.models.pixel.codec import refuse_still

_CELLS = 16
"""Frames are averaged down to this number of cells a side before they are blurred. The blur is wider than a cell."""
_BLUR_OF_A_CIRCLE, _BLUR_OF_A_LINE = 0.14, 0.5
"""Standard deviations of the blur, as shares of the frame's height, for a body that turns and for one that shifts."""
_ROUND = 0.5
"""Smallest accepted distance from the middle of the circle, as a share of the median distance."""
_GAP = np.pi / 2
"""Largest accepted part of the circle, in rad, that no frame shows."""


def first_positions(frames: np.ndarray, *, angle: bool, blur: float | None = None) -> np.ndarray:
    """Guess positions ``(N,)`` of frames: angles in (-pi, pi], or positions of mean 0 and mean square 1.

    Args:
        frames: ``(N, H, W, C)``.
        angle: whether the body turns.
        blur: standard deviation of the blur, as a share of the frame's height; None: 0.14 for angles, else 0.5.

    Raises:
        InputError: nothing moves, or the pictures of what moves do not lie around a circle.
    """
    refuse_still(frames)
    if blur is None:
        blur = _BLUR_OF_A_CIRCLE if angle else _BLUR_OF_A_LINE
    cells = _averaged(frames)
    blurred = gaussian_filter(cells, (0, blur * cells.shape[1], blur * cells.shape[2], 0)).reshape(len(frames), -1)
    centred = blurred - blurred.mean(axis=0)
    values, vectors = np.linalg.eigh(centred.T @ centred)
    leading = centred @ vectors[:, :-3:-1] / np.sqrt(np.maximum(values[:-3:-1], 1e-300) / len(frames))
    if not angle:
        return leading[:, 0]
    # The circle through the points, by least squares: |z|^2 = 2 c z + const.
    equations = np.column_stack([leading, np.ones(len(leading))])
    middle = np.linalg.lstsq(equations, (leading**2).sum(axis=1), rcond=None)[0][:2] / 2
    around = leading - middle
    radius = np.linalg.norm(around, axis=1)
    if values[-2] < 1e-3 * values[-1] or radius.min() < _ROUND * np.median(radius):
        raise InputError(
            "What moves in the frames does not run round a circle (distances from its middle: "
            f"{radius.min():.2g} to {radius.max():.2g}, median {np.median(radius):.2g}): record whole turns, blur "
            "more, or declare a position instead of an angle."
        )
    guess = np.arctan2(around[:, 1], around[:, 0])
    gap = float(np.diff(np.sort(guess), append=guess.min() + 2 * np.pi).max())
    if gap > _GAP:
        raise InputError(
            f"What moves in the frames leaves out {np.degrees(gap):.0f} degrees of the circle: record whole turns, or "
            "declare a position instead of an angle."
        )
    return guess


def _averaged(frames: np.ndarray) -> np.ndarray:
    """Frames averaged over blocks, at least ``_CELLS`` a side, float32."""
    n, height, width, channels = frames.shape
    rows, columns = max(1, height // _CELLS), max(1, width // _CELLS)
    kept = frames[:, : height // rows * rows, : width // columns * columns]
    blocks = kept.reshape(n, height // rows, rows, width // columns, columns, channels)
    averaged: np.ndarray = blocks.mean(axis=(2, 4), dtype=np.float32) / 255
    return averaged
