"""Whether five bodies keep their identities in frames of NBody-v0: in five colours, and all in one.

The frames of one colour are drawn here, of the states of the same recording, since the environment gives every body a
colour of its own.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.optimize import linear_sum_assignment

from hnn_gym.data import TransitionDataset
from hnn_gym.models.pixel import Bodies, track

COLOURINGS = ("five colours", "one colour")
_COLOUR = np.array([56, 108, 176])
_RADIUS = 1.14
"""Of the discs in pixels, as the environment draws them."""
_FINE = 4
"""Parts of a pixel along each side."""


def kept(recording: TransitionDataset, scene: Bodies, colouring: str) -> dict[str, Any]:
    """Track the bodies of a recording, and compare with its states.

    Returns:
        Frames that are kept before a body leaves the picture; frames in which all that are seen are nearer than a
        pixel to the body that they were in the first frame; frames with a hidden body; frames that are reported as
        doubtful; and the root mean square error of the positions of the right ones, in pixels.
    """
    states = [np.asarray(episode.state)[:, : 2 * scene.count] for episode in recording]
    frames = recording.frames()
    per_unit = scene.pixels_per_unit(frames[0].shape[1])
    if colouring == "one colour":
        frames = [painted(path, size=frames[0].shape[1], per_unit=per_unit) for path in states]
    tracks = track(frames, scene.count, pixels_per_unit=per_unit)
    right, hidden, squares, total = 0, 0, [], 0
    for path, true in zip(tracks.positions, states, strict=True):
        seen, place = (values.reshape(len(values), -1, 2) for values in (path, true[: len(path)]))
        if not len(seen):
            continue
        apart = np.linalg.norm(seen[0][:, None] - place[0][None], axis=-1)
        order = linear_sum_assignment(np.nan_to_num(apart, nan=1e3))[1]
        error = per_unit * np.linalg.norm(seen - place[:, order], axis=-1)
        good = (np.nan_to_num(error) < 1.0).all(-1)
        right, total, hidden = right + int(good.sum()), total + len(seen), hidden + int(np.isnan(error).any(-1).sum())
        squares.append(error[good] ** 2 / 2)
    return {
        "frames": total,
        "right": right,
        "with_a_hidden_body": hidden,
        "doubtful": len(tracks.exchanged),
        "position_rms_pixels": float(np.sqrt(np.nanmean(np.concatenate(squares)))),
    }


def painted(q: np.ndarray, *, size: int, per_unit: float) -> np.ndarray:
    """Frames, uint8 ``(T + 1, size, size, 3)``, of equal discs at positions ``(T + 1, 2 b)``, on white."""
    frames = np.full((len(q), size, size, 3), 255, np.uint8)
    fine = (np.arange(size * _FINE) + 0.5) / _FINE
    for frame, places in zip(frames, q.reshape(len(q), -1, 2) * per_unit, strict=True):
        rows, columns = size / 2 - places[:, 1], size / 2 + places[:, 0]
        inside = (fine[:, None] - rows[:, None, None]) ** 2 + (fine - columns[:, None, None]) ** 2 < _RADIUS**2
        covered = inside.any(0).reshape(size, _FINE, size, _FINE).mean(axis=(1, 3))[..., None]
        frame[:] = np.rint(255 - covered * (255 - _COLOUR))
    return frames
