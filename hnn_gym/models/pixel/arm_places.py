"""Where the two links of an arm are in frames, before anything else is known: the shadows of two rods.

1. What is in the picture in every frame is around the pivot, about which the first link turns; how far anything gets
   from there is the length of both links together, and what a frame shows of them, over that length, is their width.
2. Shadows of two rods, at all angles of a grid and for several places of the joint, are compared with some frames. The
   place of the joint whose shadows come nearest is the first guess; so are the angles of the nearest shadow of a frame.

Nothing is assumed of colours, only that both links differ from the background.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from hnn_gym.errors import InputError
from hnn_gym.models.pixel.changes import sizes_of_changes, usual_rows
from hnn_gym.models.pixel.codec import refuse_still

_SAMPLE = 400
_COMPARED = 60
"""Frames that shadows are compared with to find the joint."""
_ANGLES = 48
"""Angles of either link in the grid."""
_SHARES = np.linspace(0.25, 0.75, 11)
"""Lengths of the first link that are tried, as shares of both."""
_FEWEST = 20
"""Frames that have to differ."""
_UNEXPLAINED = 0.35
"""Frames are not those of an arm if the nearest shadows leave this share of what they show."""
_FAR = 3.0
"""Rows from a link at which a pixel shows the background."""


class ArmPlaces(NamedTuple):
    """An arm in frames; lengths are in rows, x to the right and y upwards.

    Attributes:
        background: without it, uint8 ``(H, W, C)``.
        q: angle of the first link from hanging down, and of the second from the direction of the first, clockwise, in
            rad ``(N, 2)``.
        pivot: seen from the middle of the picture ``(2,)``.
        lengths: of both links ``(2,)``.
        half_width: of the links.
    """

    background: np.ndarray
    q: np.ndarray
    pivot: np.ndarray
    lengths: np.ndarray
    half_width: float


def first_places(frames: np.ndarray, *, pixel_width: float) -> ArmPlaces:
    """Guess where the links are in frames, uint8 ``(N, H, W, C)``.

    Args:
        frames: all of them.
        pixel_width: width of a pixel over its height.

    Raises:
        InputError: nothing moves in the frames, or not as two links on a pivot.
    """
    refuse_still(frames)
    if len(frames) < _FEWEST:
        raise InputError(f"An arm is found in {_FEWEST} frames or more, not in {len(frames)}: record more steps.")
    background = usual_rows(frames)
    shown = sizes_of_changes(frames, background)
    bare = np.flatnonzero(~shown.any(axis=(1, 2)))
    if len(bare):
        raise InputError(
            f"Frame {bare[0]}, and {len(bare) - 1} more, show nothing that differs from the usual values of the rows: "
            "the arm is not in the picture."
        )
    shown = (shown / np.quantile(shown[shown > 0], 0.5)).clip(0, 1)
    pivot = _pivot(shown, pixel_width)
    places = _places(shown.shape[1:], pixel_width)
    away = np.hypot(*np.moveaxis(places - pivot, -1, 0))
    reach = float(np.quantile(np.where(shown > 0.5, away, 0).max(axis=(1, 2)), 0.95))
    half_width = float(np.quantile(shown.sum(axis=(1, 2)), 0.8)) * abs(pixel_width) / (2 * reach)
    some = shown[:: max(1, len(shown) // _COMPARED)]
    tries = [_nearest(some, pivot, reach * np.array([s, 1 - s]), half_width, pixel_width) for s in _SHARES]
    share = _SHARES[int(np.argmin([left for _, left in tries]))]
    lengths = reach * np.array([share, 1 - share])
    q, left = _nearest(shown, pivot, lengths, half_width, pixel_width)
    if left > _UNEXPLAINED:
        raise InputError(
            f"What differs from the background in the {len(frames)} frames is no arm of two links about the pivot that "
            f"was looked for near row {frames.shape[1] / 2 - pivot[1]:.0f}, column "
            f"{frames.shape[2] / 2 + pivot[0] / pixel_width:.0f}: the nearest shadows of two rods leave "
            f"{100 * left:.0f} % of it. Crop the frames to the arm; both links have to show against the background."
        )
    return ArmPlaces(background, q, pivot, lengths, half_width)


def _pivot(shown: np.ndarray, pixel_width: float) -> np.ndarray:
    """The middle of what all frames show, seen from the middle of the picture.

    Raises:
        InputError: they have nothing in common.
    """
    every = max(1, len(shown) // _SAMPLE)
    always = np.quantile(shown[::every], 0.02, axis=0)
    always = np.where(always > 0.3, always, 0)
    if not always.any():
        usual = shown[::every].mean(0)
        missing = every * int(shown[::every, usual == usual.max()].min(axis=1).argmin())
        raise InputError(
            f"No pixel belongs to the arm in nearly all of the {len(shown)} frames (frame {missing} does not show what "
            "most others do), so that there is no pivot about which the first link turns."
        )
    pivot: np.ndarray = (always[..., None] * _places(always.shape, pixel_width)).sum(axis=(0, 1)) / always.sum()
    return pivot


def _places(shape: tuple[int, ...], pixel_width: float, *, every: int = 1) -> np.ndarray:
    """The places (x, y) of pixels, or of squares of so many, in rows from the middle of the picture ``(H, W, 2)``."""
    height, width = shape
    rows, columns = (np.arange(size // every) * every + every / 2 for size in (height, width))
    x, y = np.meshgrid((columns - width / 2) * pixel_width, height / 2 - rows)
    return np.stack([x, y], axis=-1)


def _nearest(
    shown: np.ndarray, pivot: np.ndarray, lengths: np.ndarray, half_width: float, pixel_width: float
) -> tuple[np.ndarray, float]:
    """The angles of the nearest shadows ``(N, 2)``, and the share of what frames show that these leave.

    Frames and shadows are compared at half their size.
    """
    halved = shown[:, : shown.shape[1] // 2 * 2, : shown.shape[2] // 2 * 2]
    halved = halved.reshape(len(shown), shown.shape[1] // 2, 2, shown.shape[2] // 2, 2).mean(axis=(2, 4))
    at = _places(shown.shape[1:], pixel_width, every=2)
    angles = 2 * np.pi * np.arange(_ANGLES) / _ANGLES
    first = _away(at, pivot, angles, lengths[0])
    grid, shadows = [], []
    for angle, near in zip(angles, first, strict=True):
        joint = pivot - lengths[0] * np.array([np.sin(angle), np.cos(angle)])
        second = _away(at, joint, angle + angles, lengths[1])
        shadows.append(((half_width + 1 - np.minimum(near, second)) / 2).clip(0, min(1.0, half_width)))
        grid.append(np.stack([np.full(_ANGLES, angle), angles], axis=-1))
    templates = np.concatenate(shadows).reshape(_ANGLES**2, -1).astype(np.float32)
    flat = halved.reshape(len(shown), -1)
    score = flat @ templates.T - (templates**2).sum(-1) / 2
    best = score.argmax(-1)
    left = (flat**2).sum() - 2 * score.max(-1).sum()
    q = np.concatenate(grid)[best]
    return np.pi - (np.pi - q) % (2 * np.pi), float(left / (flat**2).sum())


def _away(at: np.ndarray, start: np.ndarray, angles: np.ndarray, length: float) -> np.ndarray:
    """Distances ``(A, H, W)`` of places from rods that begin at a point and hang at angles ``(A,)``, clockwise."""
    along = -np.stack([np.sin(angles), np.cos(angles)], axis=-1)
    arm = at - start
    reached = np.einsum("hwi,ai->ahw", arm, along).clip(0, length)
    away: np.ndarray = np.sqrt(((arm - reached[..., None] * along[:, None, None]) ** 2).sum(-1))
    return away
