"""What frames show beside the bodies of a scene, or without them: bodies that leave, vanish, or are too many.

A body that is not seen is behind another one if it was near one when it vanished, or is when it comes back. Otherwise
it has left the picture, where it was last seen near the edge, or the frames show fewer bodies than the scene has.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from hnn_gym.errors import InputError
from hnn_gym.models.pixel.sprite_codec import SpriteCodec

_MARGIN, _NEAR_EDGE = 1.0, 6.0
"""A body whose middle is nearer than this to the edge of the picture, in pixels, has left it; and so has one that
vanishes from nearer than this."""
_FOREIGN = 0.5
"""A spot of what is left, once the bodies are taken out, is a body more if it has this share of the change of one."""
_FEW = 0.02
"""Largest share of frames that may show something else than the bodies."""


def outside(codec: SpriteCodec, places: np.ndarray, hidden: np.ndarray, lengths: Sequence[int]) -> np.ndarray:
    """Whether bodies are at the edge of the picture, or were seen near it before they vanished, bool ``(N, b)``.

    Args:
        codec: of the frames.
        places: (row, column) of the bodies in pixels ``(N, b, 2)``.
        hidden: whether they are not seen ``(N, b)``.
        lengths: frames of every episode.
    """
    size = np.array(codec.frame_shape[:2])
    found: np.ndarray = ~hidden & np.any((places < _MARGIN) | (places > size - _MARGIN), axis=-1)
    near = np.any((places < _NEAR_EDGE) | (places > size - _NEAR_EDGE), axis=-1)
    for begin, end, body in _unseen(hidden, lengths):
        if begin > 0 and not hidden[begin - 1, body] and near[begin - 1, body]:
            found[begin:end, body] = True
    return found


def refuse_foreign(codec: SpriteCodec, left: np.ndarray) -> list[int]:
    """Numbers of the frames that show more than the bodies, if there are few.

    Args:
        codec: of the frames.
        left: mean squares of what the bodies do not explain ``(N,)``.

    Raises:
        InputError: there are many.
    """
    smallest = min(total for _, total in codec.templates) / np.prod(codec.frame_shape)
    numbers = np.flatnonzero(left > _FOREIGN * smallest)
    if len(numbers) > _FEW * len(left):
        raise InputError(
            f"Frame {numbers[0]}, and {len(numbers) - 1} more, show something that is not one of the "
            f"{len(codec.looks)} bodies of the scene: give Bodies the number that can be seen, or crop the frames."
        )
    return [int(number) for number in numbers]


def refuse_vanished(
    codec: SpriteCodec, places: np.ndarray, hidden: np.ndarray, over: np.ndarray, lengths: Sequence[int]
) -> list[int]:
    """Numbers of the frames in which a body is missing though no other one can hide it, if there are few.

    Args:
        codec: of the frames.
        places: (row, column) of the bodies in pixels ``(N, b, 2)``.
        hidden: whether they are not seen ``(N, b)``.
        over: whether a body has left the picture before, in the same episode ``(N,)``.
        lengths: frames of every episode.

    Raises:
        InputError: there are many.
    """
    missing = np.zeros(len(places), bool)
    both = ~hidden[1:] & ~hidden[:-1]
    steps = np.linalg.norm(np.diff(places, axis=0), axis=-1)[both]
    reach = 2.0 * codec.radius + 2.0 + float(np.quantile(steps, 0.9) if len(steps) else 0.0)
    for begin, end, body in _unseen(hidden & ~over[:, None], lengths):
        alike = next(bodies for bodies in codec.alike if body in bodies)
        borders = [
            frame for frame, inside in zip((begin - 1, end), _within(begin, end, lengths), strict=True) if inside
        ]
        covered = any(
            not hidden[frame, one]
            and any(
                np.linalg.norm(places[frame, one] - places[frame, other]) < reach
                for other in range(len(codec.looks))
                if other != one and not hidden[frame, other]
            )
            for frame in borders
            for one in alike
        )
        missing[begin:end] |= not covered
    numbers = np.flatnonzero(missing)
    if len(numbers) > _FEW * len(places):
        raise InputError(
            f"Frame {numbers[0]}, and {len(numbers) - 1} more, show fewer than the {len(codec.looks)} bodies of the "
            "scene, although no other body hides the missing one: give Bodies the number that can be seen in all "
            "frames, or cut the film."
        )
    return [int(number) for number in numbers]


def _unseen(hidden: np.ndarray, lengths: Sequence[int]) -> Iterator[tuple[int, int, int]]:
    """Stretches of an episode in which a body is not seen: the first frame, the frame after the last, the body."""
    first = 0
    for length in lengths:
        for body in range(hidden.shape[1]):
            edges = np.diff(hidden[first : first + length, body].astype(int), prepend=0, append=0)
            for begin, end in zip(np.flatnonzero(edges == 1), np.flatnonzero(edges == -1), strict=True):
                yield first + int(begin), first + int(end), body
        first += length


def _within(begin: int, end: int, lengths: Sequence[int]) -> tuple[bool, bool]:
    """Whether the frame before a stretch, and the one after it, belong to its episode."""
    ends = np.cumsum(lengths)
    episode = int(np.searchsorted(ends, begin, side="right"))
    first = ends[episode] - lengths[episode]
    return begin > first, end < ends[episode]
