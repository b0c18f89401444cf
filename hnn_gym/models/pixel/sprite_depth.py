"""Which body covers which where they overlap: the order of drawing whose pictures are nearest to the frames.

Where two bodies begin to overlap, they are followed through the next frames twice: as pictures in which the one, and in
which the other, is drawn last. What one order leaves more than the other is its loss, and the order of all bodies has
the smallest sum of losses.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, permutations

import numpy as np

from hnn_gym.models.pixel.sprite_codec import SpriteCodec

_MEETINGS, _FRAMES = 5, 24
"""How many meetings of two bodies are followed, and for how many frames."""


def with_depth(codec: SpriteCodec, frames: np.ndarray, first: np.ndarray, lengths: Sequence[int]) -> SpriteCodec:
    """The codec with its bodies drawn in the order that the frames of films show.

    Args:
        codec: of the frames.
        frames: uint8 ``(N, H, W, C)``, all episodes one after another.
        first: places ``(N, b, 2)`` near those of frames in which the bodies are apart; NaN elsewhere.
        lengths: frames of every episode.
    """
    count = len(codec.looks)
    if len(codec.sprites) < 2:
        return codec
    apart = np.isfinite(first).all(axis=(1, 2))
    inside = np.ones(len(frames) + 1, bool)  # whether a frame belongs to the episode of the one before
    inside[np.cumsum([0, *lengths])] = False
    last = np.flatnonzero(apart[:-1] & ~apart[1:] & inside[1:-1])
    pairs = list(combinations(range(count), 2))
    distance = np.stack([np.linalg.norm(first[last, j] - first[last, k], axis=-1) for j, k in pairs])
    loss = np.zeros((count, count))  # of drawing the first before the second
    for number, (j, k) in enumerate(pairs):
        met = last[distance.argmin(0) == number]
        if not len(met) or codec.looks[j] == codec.looks[k]:
            continue
        met = met[:: -(-len(met) // _MEETINGS)]
        others = tuple(i for i in range(count) if i not in (j, k))
        for before, after in ((j, k), (k, j)):
            loss[before, after] = _left(codec.drawn_in((*others, before, after)), frames, first, met, apart, inside)
    upper = np.triu_indices(count, 1)
    return codec.drawn_in(min(permutations(range(count)), key=lambda order: loss[np.ix_(order, order)][upper].sum()))


def _left(
    codec: SpriteCodec, frames: np.ndarray, first: np.ndarray, met: np.ndarray, apart: np.ndarray, inside: np.ndarray
) -> float:
    """What is left of the frames after ``met``, until bodies are apart again."""
    places, total = first[met], 0.0
    for _ in range(_FRAMES):
        met = met + 1
        on = inside[met] & ~apart[np.minimum(met, len(apart) - 1)]
        met, places = met[on], places[on]
        if not len(met):
            break
        places, _, left = codec.refined(frames[met], places)
        total += float(left.sum())
    return total
