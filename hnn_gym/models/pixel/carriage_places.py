"""Where a carriage is in frames, and how the part that it carries leans, before anything else is known.

1. The carriage slides along the rows, so that the usual value of a row is a first background.
2. The middle of what differs from it is a first guess of the column. Once all frames are moved to it, what they share
   is the carriage, and they are moved until they agree with that picture best.
3. What remains above and below the carriage is the part that turns. Its axis (by second moments) shows the angle, and
   the direction from a common hinge to its middle shows it with less noise; the hinge is where both agree best.

Frames in which the carriage is at the edge of the picture count for neither 2 nor 3.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.optimize import least_squares

from hnn_gym.errors import InputError
from hnn_gym.models.pixel.changes import sizes_of_changes, usual_rows
from hnn_gym.models.pixel.codec import refuse_still

_SAMPLE = 400
_ROUNDS = 6
_PAD = 2.0
"""Rows around what a part shows that its picture may reach."""
_FAR = 1.5
"""A frame shows the background where the carriage is this many of its patches' radii away."""


class Places(NamedTuple):
    """A carriage in frames; lengths are in rows, x to the right and y upwards.

    Attributes:
        background: without it, uint8 ``(H, W, C)``.
        q: how far its middle is from that of the picture, and the angle of what it carries, in rad from upright to the
            right ``(N, 2)``.
        hinges: the middle of the carriage above that of the picture, and the hinge from there ``(2, 2)``.
        low: of both parts, seen from their hinges ``(2, 2)``.
        high: the same at the other corner ``(2, 2)``.
        whole: whether all of it is in the picture, bool ``(N,)``.
        pixel_width: width of a pixel over its height.
    """

    background: np.ndarray
    q: np.ndarray
    hinges: np.ndarray
    low: np.ndarray
    high: np.ndarray
    whole: np.ndarray
    pixel_width: float


def first_places(frames: np.ndarray, *, aspect: float) -> Places:
    """Guess where the carriage is and how its part leans in frames, uint8 ``(N, H, W, C)``.

    Args:
        frames: all of them.
        aspect: width of the picture over its height, which gives angles their scale.

    Raises:
        InputError: nothing moves in the frames, or not as declared.
    """
    refuse_still(frames)
    background = usual_rows(frames)
    sizes = sizes_of_changes(frames, background)
    total = sizes.sum(axis=(1, 2))
    empty = np.flatnonzero(total == 0)
    if len(empty):
        raise InputError(
            f"Frame {empty[0]}, and {len(empty) - 1} more, show nothing that differs from the usual values of the "
            "rows: the carriage has left the picture. Record shorter episodes, or a wider picture."
        )
    across = np.arange(frames.shape[2]) + 0.5
    columns = sizes.sum(1) @ across / total
    spread = sizes.sum(1) * np.abs(across - columns[:, None])
    radius = int(min(np.ceil(np.quantile(2.5 * spread.sum(-1) / total, 0.99)) + 2, frames.shape[2] // 2))
    if np.ptp(columns) < 1.0:
        raise InputError(
            f"What differs from the background stays in the same column of all {len(frames)} frames (within "
            f"{np.ptp(columns):.2g} columns): nothing slides in them, as a carriage should."
        )
    for _ in range(_ROUNDS):
        columns = columns + _shift(sizes, columns, radius)
    background = _seen_background(frames, columns, background, radius)
    sizes = sizes_of_changes(frames, background)
    width = frames.shape[2]
    whole = (columns > radius) & (columns < width - radius)
    if whole.sum() < 20:
        raise InputError(
            f"The carriage is at the edge of the picture in all but {whole.sum()} of {len(frames)} frames, such as "
            f"frame {int(np.argmin(whole))}: record a wider picture."
        )
    pixel = aspect * frames.shape[1] / width
    angles, hinges, low, high = _carried(_moved(sizes, columns, radius), whole, pixel)
    q = np.stack([(columns - width / 2) * pixel, angles], axis=-1)
    return Places(background, q, hinges, low, high, whole, pixel)


def _moved(sizes: np.ndarray, columns: np.ndarray, radius: int) -> np.ndarray:
    """Columns around places, between which values are interpolated ``(N, H, 2 radius + 1)``."""
    where = columns[:, None] - 0.5 + np.arange(-radius, radius + 1)
    low = np.floor(where).astype(int)
    share = (where - low)[:, None].astype(np.float32)
    padded = np.pad(sizes, ((0, 0), (0, 0), (radius + 2, radius + 2)))
    at = (low + radius + 2).clip(0, padded.shape[2] - 2)[:, None]
    moved: np.ndarray = (1 - share) * np.take_along_axis(padded, at, 2) + share * np.take_along_axis(padded, at + 1, 2)
    return moved


def _shift(sizes: np.ndarray, columns: np.ndarray, radius: int) -> np.ndarray:
    """How far frames have to move, in columns, to agree with the picture that they share."""
    moved = _moved(sizes, columns, radius)
    shared = moved.mean(0)
    variance = moved.var(0)
    slope = np.gradient(shared, axis=1) / (variance + variance.mean())
    steepness = (slope * np.gradient(shared, axis=1)).sum()
    shift: np.ndarray = ((shared - moved) * slope).sum(axis=(1, 2)) / steepness
    return shift.clip(-1, 1)


def _seen_background(frames: np.ndarray, columns: np.ndarray, rows: np.ndarray, radius: int) -> np.ndarray:
    """The median of every column in frames whose carriage is far from it; that of its row where there are none."""
    background = rows.copy()
    for column in range(frames.shape[2]):
        away = np.flatnonzero(np.abs(columns - column - 0.5) > _FAR * radius)
        if len(away) >= 10:
            some = away[:: max(1, len(away) // _SAMPLE)]
            background[:, column] = np.median(frames[some, :, column], axis=0)
    return background


def _carried(
    moved: np.ndarray, whole: np.ndarray, pixel: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Angles ``(N,)`` of what frames show above and below the carriage, hinges, and the corners of both parts.

    Args:
        moved: sizes of changes around the carriage ``(N, H, P)``.
        whole: frames that count.
        pixel: width of a pixel over its height.

    Raises:
        InputError: they show nothing there.
    """
    height = moved.shape[1]
    always = np.quantile(moved[whole], 0.1, axis=0)
    solid = always > 0.5 * always.max()
    widths = solid.sum(1)
    carriage = widths >= 0.5 * widths.max()
    rest = moved * ~carriage[:, None]
    total = rest.sum(axis=(1, 2))
    bare = np.flatnonzero(whole & (total <= 0.02 * np.median(moved.sum(axis=(1, 2)))))
    if len(bare) > 0.02 * len(moved):
        raise InputError(
            f"Frame {bare[0]}, and {len(bare) - 1} more, show nothing above or below the carriage: it carries no part "
            "that turns, or that part is hidden."
        )
    total = np.maximum(total, 1e-9)
    right = pixel * (np.arange(moved.shape[2]) - moved.shape[2] // 2)
    middle = np.average(np.arange(height), weights=carriage)
    up = middle - np.arange(height)
    mx, my = rest.sum(1) @ right / total, rest.sum(2) @ up / total
    xx = rest.sum(1) @ right**2 / total - mx**2
    yy = rest.sum(2) @ up**2 / total - my**2
    xy = ((rest @ right.astype(np.float32)) @ up.astype(np.float32)) / total - mx * my
    axis = np.arctan2(2 * xy, yy - xx) / 2  # from upright, up to half a turn

    def error(hinge: np.ndarray) -> np.ndarray:
        left: np.ndarray = np.sin(axis - np.arctan2(mx - hinge[0], my - hinge[1]))[whole]
        return left

    hinge = least_squares(error, np.zeros(2), loss="soft_l1", f_scale=0.05).x
    angles = np.arctan2(mx - hinge[0], my - hinge[1])
    some = np.flatnonzero(whole)[:: max(1, int(whole.sum()) // _SAMPLE)]
    cos, sin = np.cos(angles[some])[:, None, None], np.sin(angles[some])[:, None, None]
    x, y = (right - hinge[0])[None, None], (up - hinge[1])[None, :, None]
    corners = [_extent(values, rest[some]) for values in (x * cos - y * sin, x * sin + y * cos)]
    rows, columns = np.flatnonzero(carriage), np.flatnonzero(solid.any(0))
    low = [(right[columns[0]] - _PAD, up[rows[-1]] - _PAD), (corners[0][0] - _PAD, min(corners[1][0], 0.0) - _PAD)]
    high = [(right[columns[-1]] + _PAD, up[rows[0]] + _PAD), (corners[0][1] + _PAD, max(corners[1][1], 0.0) + _PAD)]
    hinges = np.array([[0.0, height / 2 - 0.5 - middle], hinge])
    return angles, hinges, np.array(low), np.array(high)


def _extent(values: np.ndarray, weights: np.ndarray) -> tuple[float, float]:
    """The smallest and the largest of values where there is some weight, without the last part in a hundred."""
    order = np.argsort(values, axis=None)
    shares = np.cumsum(weights.ravel()[order])
    ends = np.searchsorted(shares / shares[-1], (0.01, 0.99))
    low, high = values.ravel()[order][ends]
    return float(low), float(high)
