"""Whether bodies keep their identities from frame to frame, compared with the recorded states.

Two bodies meet where they come nearer to each other than two pixels. Between such meetings every track follows one
body, and a track that follows another one after a meeting was exchanged there.
"""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
from scipy.optimize import linear_sum_assignment

from hnn_gym.data import TransitionDataset
from hnn_gym.evaluation import markdown_table
from hnn_gym.models.pixel import Bodies, track
from hnn_gym.studies import Results

_NEAR = 2.0
"""Distance of bodies that meet, in pixels."""


def kept(recording: TransitionDataset, scene: Bodies) -> dict[str, Any]:
    """Track the bodies of a recording, and compare the tracks with its states.

    Returns:
        The frames before a body leaves the picture; those in which all bodies that are seen are nearer than a pixel to
        the body that they were in the first frame; how often two bodies meet, and how many tracks are exchanged there;
        the frames with a hidden body, and those that are reported as doubtful; and the root mean square error of the
        positions of the right frames in pixels.
    """
    frames = recording.frames()
    per_unit = scene.pixels_per_unit(frames[0].shape[1])
    tracks = track(frames, scene.count, pixels_per_unit=per_unit)
    counts = dict.fromkeys(("frames", "right", "meetings", "exchanged", "with_a_hidden_body"), 0)
    squares = []
    for path, episode in zip(tracks.positions, recording, strict=True):
        true = np.asarray(episode.state)[: len(path), : 2 * scene.count]
        seen, place = (per_unit * values.reshape(len(values), -1, 2) for values in (path, true))
        if not len(seen):
            continue
        error = np.linalg.norm(seen - place[:, _who(seen[0], place[0])], axis=-1)
        right = (np.nan_to_num(error) < 1.0).all(-1)
        near = np.array([np.linalg.norm(place[:, j] - place[:, k], axis=-1) < _NEAR for j, k in _pairs(scene.count)])
        apart = np.flatnonzero(~near.any(0) & np.isfinite(seen).all(axis=(1, 2)))
        order = np.array([_who(seen[t], place[t]) for t in apart])
        counts["frames"] += len(seen)
        counts["right"] += int(right.sum())
        counts["meetings"] += int((np.diff(near.astype(int), axis=1) == 1).sum())
        counts["exchanged"] += int((order[1:] != order[:-1]).sum())
        counts["with_a_hidden_body"] += int(np.isnan(error).any(-1).sum())
        squares.append(error[right] ** 2 / 2)
    rms = float(np.sqrt(np.nanmean(np.concatenate(squares))))
    return counts | {"doubtful": len(tracks.exchanged), "position_rms_pixels": rms}


def table(results: Results) -> str:
    """Five bodies in every recording, in five colours and in one, as rows of Markdown."""
    rows = {}
    for key, found in results.below("identities/").items():
        seed, name = key.split("/")
        numbers = ("frames", "right", "meetings", "exchanged", "doubtful", "with_a_hidden_body")
        rows[f"{name}, recording {seed}"] = [
            *(f"{found[number]:,}" for number in numbers),
            f"{found['position_rms_pixels']:.3f}",
        ]
    columns = [
        "frames",
        "all bodies are who they were",
        "two bodies meet",
        "bodies exchanged",
        "frames reported as doubtful",
        "frames with a hidden body",
        "positions, rms pixels",
    ]
    return markdown_table(columns, dict(sorted(rows.items())))


def _who(seen: np.ndarray, place: np.ndarray) -> np.ndarray:
    """The true body of every track, of positions ``(b, 2)`` each."""
    distance = np.linalg.norm(seen[:, None] - place[None], axis=-1)
    bodies: np.ndarray = linear_sum_assignment(np.nan_to_num(distance, nan=1e3))[1]
    return bodies


def _pairs(bodies: int) -> list[tuple[int, int]]:
    return list(combinations(range(bodies), 2))
