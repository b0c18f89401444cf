"""Where bodies are in every frame of films: from frame to frame first, and by search where that loses a body.

In a frame in which bodies overlap, the places of the frame before are a better beginning than a search: a body that
another one hides in part is hard to find, and where it is hidden wholly a search puts another one in its place. So
places are carried forward through such frames, then backward. Frames in whose picture a body is missing are searched,
and the places whose picture is nearest are kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from hnn_gym.models.pixel.sprite_codec import HIDDEN, SpriteCodec

_BLOCK = 128
_MISSING = 0.5
"""A body is missing where a picture leaves more than this share of the smallest sprite's squares. Overlapping sprites
leave up to some tenths, since frames do not say how opaque an edge is, nor which body is drawn last."""


class Places(NamedTuple):
    """Places of bodies in frames.

    Attributes:
        place: (row, column) in pixels ``(N, b, 2)``.
        hidden: whether a body is not seen ``(N, b)``.
        left: mean squares of what is left of the frames, in shares of 255, ``(N,)``.
    """

    place: np.ndarray
    hidden: np.ndarray
    left: np.ndarray


def all_places(codec: SpriteCodec, frames: np.ndarray, first: np.ndarray, lengths: Sequence[int]) -> Places:
    """Places of the bodies in all frames, uint8 ``(N, H, W, C)``, of episodes of so many frames each.

    Args:
        codec: of the frames.
        frames: all episodes one after another.
        first: places ``(N, b, 2)`` near those of frames in which the bodies are apart; NaN elsewhere.
        lengths: frames of every episode.
    """
    found = Places(first.copy(), np.zeros(first.shape[:2], bool), np.full(len(frames), np.inf))
    known = np.isfinite(first).all(axis=(1, 2))
    _refine(codec, frames, found, np.flatnonzero(known), first[known])
    smallest = min(total for _, total in codec.templates) / float(np.prod(codec.frame_shape))
    whole = known.copy()
    for backward in (False, True):
        before = _neighbours(lengths, backward=backward)
        tried = whole.copy()
        while len(new := np.flatnonzero(~tried & (before >= 0) & whole[before])):
            _refine(codec, frames, found, new, found.place[before[new]])
            tried[new] = True
            whole[new] = found.left[new] < _MISSING * smallest
    rest = np.flatnonzero(~known & (found.left > _MISSING * smallest))
    for begin in range(0, len(rest), _BLOCK):
        part = rest[begin : begin + _BLOCK]
        places, seen = codec.searched(frames[part])
        _refine(codec, frames, found, part, places, unseen=~seen)
    return found


def _neighbours(lengths: Sequence[int], *, backward: bool) -> np.ndarray:
    """The number of the frame before, or after, every frame of an episode; -1 where there is none."""
    numbers = np.arange(sum(lengths)) + (1 if backward else -1)
    ends = np.cumsum(lengths)
    numbers[ends - 1 if backward else ends - lengths] = -1
    return numbers


def _refine(
    codec: SpriteCodec,
    frames: np.ndarray,
    found: Places,
    numbers: np.ndarray,
    places: np.ndarray,
    *,
    unseen: np.ndarray | None = None,
) -> None:
    """Write the refined places of some frames, where they are better than what was found before."""
    for begin in range(0, len(numbers), _BLOCK):
        block = slice(begin, begin + _BLOCK)
        refined, share, left = codec.refined(frames[numbers[block]], places[block])
        hidden = share < HIDDEN
        if unseen is not None:
            hidden |= unseen[block]
        better = left < found.left[numbers[block]]
        which = numbers[block][better]
        found.place[which], found.hidden[which], found.left[which] = refined[better], hidden[better], left[better]
