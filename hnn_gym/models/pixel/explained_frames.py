"""Refuse frames that do not show the parts of a scene as the other frames do."""

from __future__ import annotations

import numpy as np

from hnn_gym.errors import InputError

_LOST = 0.02
"""Largest share of frames that may differ."""


def check_explained(good: np.ndarray, numbers: np.ndarray, *, parts: str, remedy: str) -> None:
    """Refuse frames of these numbers if too many of them are not good.

    Args:
        good: whether each frame shows the parts, bool ``(N,)``.
        numbers: of the frames ``(N,)``.
        parts: what the frames should show.
        remedy: what to do.

    Raises:
        InputError: too many frames are not good; the message has the number of the first.
    """
    lost = numbers[~good]
    if len(lost) > _LOST * len(good):
        raise InputError(
            f"Frame {lost[0]}, and {len(lost) - 1} more of {len(good)}, do not show {parts} as the others do: {remedy}."
        )
