"""What frames show besides a background that is the same along every row: where the search for parts begins."""

from __future__ import annotations

import numpy as np

DIFFERS = 24 / 255
"""Smallest change that counts as a thing."""
_SAMPLE = 400


def usual_rows(frames: np.ndarray) -> np.ndarray:
    """A background, uint8 ``(H, W, C)``, of the usual value of every row of frames, uint8 ``(N, H, W, C)``."""
    some = frames[:: max(1, len(frames) // _SAMPLE)]
    rows = np.median(some.transpose(1, 0, 2, 3).reshape(frames.shape[1], -1, frames.shape[3]), axis=1)
    background: np.ndarray = np.repeat(rows[:, None], frames.shape[2], axis=1).astype(np.uint8)
    return background


def sizes_of_changes(frames: np.ndarray, background: np.ndarray) -> np.ndarray:
    """How much every pixel differs from the background, float32 ``(N, H, W)``; 0 where that is hardly at all."""
    sizes = np.empty(frames.shape[:3], np.float32)
    for begin in range(0, len(frames), 500):
        part = frames[begin : begin + 500].astype(np.float32) / 255 - background.astype(np.float32) / 255
        sizes[begin : begin + 500] = np.sqrt((part**2).sum(-1))
    sizes[sizes < DIFFERS] = 0
    return sizes
