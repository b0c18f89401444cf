"""Where a carriage is in frames, and how the part that it carries leans, before anything else is known.

1. The carriage slides along the rows, so that the usual value of a row is a first background.
2. The middle of what differs from it is a first guess of the column. Once all frames are moved to it, what they share
   is the carriage, and they are moved until they agree with that picture best.
3. What remains above and below the carriage is the part that turns. Its axis (by second moments) shows the angle, and
   the direction from a common pivot to its middle shows it with less noise; the pivot is where both agree best.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.optimize import least_squares

from hnn_gym.errors import InputError

_DIFFERS = 24 / 255
"""Smallest change that counts as a thing."""
_SAMPLE = 400
_ROUNDS = 6
_FAR = 1.5
"""A frame shows the background where the carriage is this many of its patches' radii away."""


class Places(NamedTuple):
    """A carriage in frames.

    Attributes:
        background: without it, uint8 ``(H, W, C)``.
        columns: of its middle ``(N,)``.
        angles: of what it carries, in rad from upright to the right ``(N,)``.
        radius: of the part of the picture around it that it changes, in columns.
    """

    background: np.ndarray
    columns: np.ndarray
    angles: np.ndarray
    radius: int


def first_places(frames: np.ndarray, *, aspect: float) -> Places:
    """Guess where the carriage is and how its part leans in frames, uint8 ``(N, H, W, C)``.

    Args:
        frames: all of them.
        aspect: width of the picture over its height, which gives angles their scale.

    Raises:
        InputError: nothing moves in the frames, or not as declared.
    """
    background = _usual_rows(frames)
    sizes = _sizes(frames, background)
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
    sizes = _sizes(frames, background)
    angles = _angles(_moved(sizes, columns, radius), aspect * frames.shape[1] / frames.shape[2])
    return Places(background, columns, angles, radius)


def _usual_rows(frames: np.ndarray) -> np.ndarray:
    some = frames[:: max(1, len(frames) // _SAMPLE)]
    rows = np.median(some.transpose(1, 0, 2, 3).reshape(frames.shape[1], -1, frames.shape[3]), axis=1)
    background: np.ndarray = np.repeat(rows[:, None], frames.shape[2], axis=1).astype(np.uint8)
    return background


def _sizes(frames: np.ndarray, background: np.ndarray) -> np.ndarray:
    """How much every pixel differs from the background, float32 ``(N, H, W)``."""
    sizes = np.empty(frames.shape[:3], np.float32)
    for begin in range(0, len(frames), 500):
        part = frames[begin : begin + 500].astype(np.float32) / 255 - background.astype(np.float32) / 255
        sizes[begin : begin + 500] = np.sqrt((part**2).sum(-1))
    sizes[sizes < _DIFFERS] = 0
    return sizes


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


def _angles(moved: np.ndarray, pixel: float) -> np.ndarray:
    """Angles ``(N,)`` of what frames show above and below the carriage; ``pixel`` is the width over the height of one.

    Raises:
        InputError: they show nothing there.
    """
    always = np.quantile(moved, 0.1, axis=0)
    widths = (always > 0.5 * always.max()).sum(1)
    carriage = widths >= 0.5 * widths.max()
    rest = moved * ~carriage[:, None]
    total = rest.sum(axis=(1, 2))
    bare = np.flatnonzero(total <= 0.02 * np.median(moved.sum(axis=(1, 2))))
    if len(bare) > 0.02 * len(moved):
        raise InputError(
            f"Frame {bare[0]}, and {len(bare) - 1} more, show nothing above or below the carriage: it carries no part "
            "that turns, or that part is hidden."
        )
    total = np.maximum(total, 1e-9)
    right = pixel * (np.arange(moved.shape[2]) - moved.shape[2] // 2)
    middle = np.average(np.arange(len(carriage)), weights=carriage)
    up = middle - np.arange(moved.shape[1])
    mx, my = rest.sum(1) @ right / total, rest.sum(2) @ up / total
    xx = rest.sum(1) @ right**2 / total - mx**2
    yy = rest.sum(2) @ up**2 / total - my**2
    xy = ((rest @ right.astype(np.float32)) @ up.astype(np.float32)) / total - mx * my
    axis = np.arctan2(2 * xy, yy - xx) / 2  # from upright, up to half a turn

    def direction(pivot: np.ndarray) -> np.ndarray:
        angle: np.ndarray = np.arctan2(mx - pivot[0], my - pivot[1])
        return angle

    def error(pivot: np.ndarray) -> np.ndarray:
        left: np.ndarray = np.sin(axis - direction(pivot))
        return left

    return direction(least_squares(error, np.zeros(2), loss="soft_l1", f_scale=0.05).x)
