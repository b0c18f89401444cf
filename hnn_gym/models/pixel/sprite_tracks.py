"""From frames to sprites and tracks: what moves, what it looks like, where it is, and which body is which.

1. The background is the median of every pixel over time: bodies that move cover a pixel for less than half of it. One
   that slides along a line may always be near one place, so that the median is that of its row.
2. In frames in which as many spots differ from the background as there are bodies, every spot is a body, and its middle
   a first guess of the place. Spots are matched by colour and size; bodies that look alike share a sprite.
3. Sprites are fitted at these places and places to the sprites, in turn. Overlaps show which body covers which
   (:mod:`.sprite_depth`).
4. All frames are encoded (:mod:`.sprite_places`). Bodies that look alike keep their identity by continuity: each goes
   to where the frames before lead it. A body that another one hides has no position in that frame, until the dynamics
   fill it in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import permutations
from typing import NamedTuple

import numpy as np
from scipy.ndimage import center_of_mass, label, sum_labels

from hnn_gym.errors import InputError
from hnn_gym.models.pixel.codec import refuse_still
from hnn_gym.models.pixel.spline_sprite import knots
from hnn_gym.models.pixel.sprite_checks import outside, refuse_foreign, refuse_vanished
from hnn_gym.models.pixel.sprite_codec import SpriteCodec
from hnn_gym.models.pixel.sprite_depth import with_depth
from hnn_gym.models.pixel.sprite_places import all_places

_DIFFERS = 24 / 255
"""Smallest change of a channel that counts as a body."""
_SAMPLE = 400
"""Frames for the background, for the looks, and for the sprites."""
_SPECK = 0.2
"""Spots whose change is smaller than this share of the largest one are no bodies."""
_ALIKE = 40 / 255
"""Bodies look alike where the colours of their changes are nearer to each other than this."""
_ROUNDS = 3
_CLOSE = 2.0
"""Bodies that look alike may be exchanged where they are nearer to each other than this, in pixels."""
_OFF_LINE = 1.0
"""A body slides along a row if it is never further from it than this, in pixels."""


class Tracks(NamedTuple):
    """Bodies in frames.

    Attributes:
        codec: what they look like.
        positions: by episode ``(T' + 1, 2 b)``, NaN where a body is hidden. An episode ends where a body leaves the
            picture.
        exchanged: (episode, frame) where bodies that look alike may have been exchanged.
        gone: (episode, frame, body) where a body leaves the picture.
        foreign: numbers of the few frames, of all episodes one after another, that show more than the bodies.
        vanished: those in which a body is missing though no other one hides it.
    """

    codec: SpriteCodec
    positions: list[np.ndarray]
    exchanged: list[tuple[int, int]]
    gone: list[tuple[int, int, int]]
    foreign: list[int]
    vanished: list[int]


class _Spots(NamedTuple):
    """Spots that differ from the background, in the order of the frames.

    Attributes:
        frame: number of the frame of each ``(M,)``.
        place: (row, column) of its middle in pixels ``(M, 2)``.
        colour: mean change, weighted by its size ``(M, C)``.
        change: sum of the sizes of its changes ``(M,)``.
        extent: distance of its furthest pixels from the middle, as in a square.
    """

    frame: np.ndarray
    place: np.ndarray
    colour: np.ndarray
    change: np.ndarray
    extent: float


def track_slider(episodes: Sequence[np.ndarray], *, pixels_per_unit: float) -> Tracks:
    """Find the one body that slides from left to right in episodes of frames, uint8 ``(T + 1, H, W, C)``.

    The codec of the tracks and their positions ``(T' + 1, 1)`` have the body on the line that it slides along.

    Raises:
        InputError: as :func:`track`, or the body moves up and down too.
    """
    tracks = track(episodes, 1, pixels_per_unit=pixels_per_unit, alike_along_rows=True)
    line = float(np.nanmedian(np.concatenate(tracks.positions)[:, 1]))
    for number, path in enumerate(tracks.positions):
        off = pixels_per_unit * np.abs(np.nan_to_num(path[:, 1] - line))
        if (off > _OFF_LINE).any():
            frame = int((off > _OFF_LINE).argmax())
            raise InputError(
                f"In frame {frame} of episode {number} the body is {off[frame]:.1f} pixels above or below the row that "
                "it slides along, so that it moves up and down too: take the scene Bodies(1)."
            )
    positions = [path[:, :1] for path in tracks.positions]
    return tracks._replace(codec=replace(tracks.codec, line=line), positions=positions)


def track(
    episodes: Sequence[np.ndarray], bodies: int, *, pixels_per_unit: float, alike_along_rows: bool = False
) -> Tracks:
    """Find ``bodies`` bodies in episodes of frames, uint8 ``(T + 1, H, W, C)``.

    Args:
        episodes: of frames.
        bodies: how many there are.
        pixels_per_unit: pixels in the unit of length.
        alike_along_rows: the background is the same along every row.

    Raises:
        InputError: nothing moves; there are more or fewer bodies, or they never separate; or a body leaves the picture.
    """
    frames = np.concatenate(episodes)
    refuse_still(frames)
    background = _background(frames, alike_along_rows=alike_along_rows)
    spots = _spots(frames, background)
    apart = _apart(spots, len(frames), bodies)
    matched, looks = _matched(spots, apart, bodies)
    codec = _first_codec(frames, background, spots, matched, looks, pixels_per_unit)
    chosen = matched[:: max(1, len(matched) // _SAMPLE)]
    numbers, places = spots.frame[chosen[:, 0]], spots.place[chosen]
    for _ in range(_ROUNDS):
        codec = codec.fitted_to(frames[numbers], places, np.ones(places.shape[:2], bool))
        places = codec.refined(frames[numbers], places)[0]
    codec = codec.fitted_to(frames[numbers], places, np.ones(places.shape[:2], bool))
    first = np.full((len(frames), bodies, 2), np.nan)
    first[spots.frame[matched[:, 0]]] = spots.place[matched]
    lengths = [len(part) for part in episodes]
    codec = with_depth(codec, frames, first, lengths)
    found, hidden, left = all_places(codec, frames, first, lengths)
    beyond = outside(codec, found, hidden, lengths)
    ends = np.cumsum(lengths)[:-1]
    over = np.concatenate([np.logical_or.accumulate(part.any(-1)) for part in np.split(beyond, ends)])
    foreign = refuse_foreign(codec, np.where(over | hidden.any(-1), 0.0, left))
    vanished = refuse_vanished(codec, found, hidden, over, lengths)
    change = np.mean((frames[numbers] / 255.0 - background / 255.0) ** 2)
    codec = replace(codec, residual=float(left[numbers].mean() / change))
    return _tracks(codec, found, hidden, beyond, lengths)._replace(foreign=foreign, vanished=vanished)


def followed(codec: SpriteCodec, films: np.ndarray) -> np.ndarray:
    """Positions ``(N, T, 2 b)`` of known bodies in films, uint8 ``(N, T, H, W, C)``; NaN where a body is hidden.

    The bodies are apart in the first frame of every film.
    """
    films = np.asarray(films)
    count, length = films.shape[:2]
    frames = films.reshape(-1, *codec.frame_shape)
    first = np.full((len(frames), len(codec.looks), 2), np.nan)
    first[::length] = codec.searched(frames[::length])[0]
    found = all_places(codec, frames, first, [length] * count)
    paths = []
    for place, hidden in zip(np.split(found.place, count), np.split(found.hidden, count), strict=True):
        if any(len(bodies) > 1 for bodies in codec.alike):
            place, hidden, _ = _continued(codec, place, hidden, close=_CLOSE)
        paths.append(codec.positions(place, hidden=hidden))
    return np.stack(paths)


def _background(frames: np.ndarray, *, alike_along_rows: bool) -> np.ndarray:
    some = frames[:: max(1, len(frames) // _SAMPLE)]
    if alike_along_rows:
        row = np.median(some, axis=(0, 2)).astype(np.uint8)
        return np.repeat(row[:, None], some.shape[2], axis=1)
    return np.median(some, axis=0).astype(np.uint8)


def _spots(frames: np.ndarray, background: np.ndarray) -> _Spots:
    plane = np.zeros((3, 3, 3), bool)
    plane[1] = True
    rows = []
    extent = 1.0
    for begin in range(0, len(frames), 500):
        part = frames[begin : begin + 500].astype(np.float32) / 255 - background.astype(np.float32) / 255
        size = np.abs(part).max(-1)
        labels, count = label(size > _DIFFERS, structure=plane)
        if not count:
            continue
        numbers = np.arange(1, count + 1)
        total = sum_labels(size, labels, numbers)
        places = np.array(center_of_mass(size, labels, numbers)).reshape(count, 3)
        colour = np.stack([sum_labels(part[..., c] * size, labels, numbers) for c in range(part.shape[-1])], -1)
        colour /= sum_labels(size**2, labels, numbers)[:, None] / sum_labels(size, labels, numbers)[:, None]
        area = sum_labels(np.ones_like(size), labels, numbers)
        extent = max(extent, float(np.sqrt(np.quantile(area, 0.5) / 2)))
        rows.append((begin + places[:, 0].round().astype(int), places[:, 1:] + 0.5, colour / total[:, None], total))
    if not rows:
        raise InputError(f"Nothing moves in the {len(frames)} frames: no pixel differs by 24 from its usual value.")
    frame, place, colour, change = (np.concatenate(parts) for parts in zip(*rows, strict=True))
    keep = change > _SPECK * np.quantile(change, 0.9)
    return _Spots(frame[keep], place[keep], colour[keep], change[keep], extent)


def _apart(spots: _Spots, frames: int, bodies: int) -> np.ndarray:
    """Numbers of the frames in which there are as many spots as bodies."""
    counts = np.bincount(spots.frame, minlength=frames)
    apart = np.flatnonzero(counts == bodies)
    usual = int(np.bincount(counts).argmax())
    if usual > bodies or (len(apart) < 0.02 * frames or len(apart) < 10):
        which = int(np.flatnonzero(counts == usual)[0])
        remedy = (
            "The bodies may never separate, one may stand still, or there may be fewer of them: give Bodies the number "
            "that can be seen"
            if usual < bodies
            else "Give Bodies the number that can be seen, or crop the frames to what belongs to the scene"
        )
        scene = "1 body" if bodies == 1 else f"{bodies} bodies"
        things = "1 separate thing that moves" if usual == 1 else f"{usual} separate things that move"
        raise InputError(
            f"The scene has {scene}, and {int((counts == usual).sum())} of {frames} frames show {things}, such as "
            f"frame {which}. {remedy}."
        )
    return apart


def _matched(spots: _Spots, apart: np.ndarray, bodies: int) -> tuple[np.ndarray, tuple[int, ...]]:
    """Numbers of the spots of every body in frames in which they are apart ``(A, b)``, and the look of every body."""
    order = np.flatnonzero(np.isin(spots.frame, apart)).reshape(len(apart), bodies)
    features = np.concatenate([spots.colour, spots.change[:, None] / np.median(spots.change) / 4], axis=-1)
    reference = features[order[0]]
    orders = np.array(list(permutations(range(bodies))))
    matched = order
    for _ in range(4):
        squares = ((features[order][:, :, None] - reference) ** 2).sum(-1)  # (A, spot, body)
        costs = np.stack([squares[:, p, range(bodies)].sum(-1) for p in orders], axis=-1)
        matched = np.take_along_axis(order, orders[costs.argmin(-1)], axis=1)
        reference = np.median(features[matched], axis=0)
    looks: list[int] = []
    leaders: list[int] = []
    for k in range(bodies):
        same = [s for s, leader in enumerate(leaders) if np.linalg.norm(reference[k] - reference[leader]) < _ALIKE]
        if not same:
            leaders.append(k)
        looks.append(same[0] if same else len(leaders) - 1)
    return matched, tuple(looks)


def _first_codec(
    frames: np.ndarray,
    background: np.ndarray,
    spots: _Spots,
    matched: np.ndarray,
    looks: tuple[int, ...],
    pixels_per_unit: float,
) -> SpriteCodec:
    radius = int(np.ceil(spots.extent + 1))
    n = knots(radius)
    empty = np.zeros((len(set(looks)), n, n, frames.shape[-1]))
    return SpriteCodec(background, empty, looks, radius, pixels_per_unit, 0.0)


def _tracks(
    codec: SpriteCodec, places: np.ndarray, hidden: np.ndarray, beyond: np.ndarray, lengths: Sequence[int]
) -> Tracks:
    ends = np.cumsum(lengths)[:-1]
    positions, exchanged, left = [], [], []
    parts = zip(*(np.split(values, ends) for values in (codec._units(places), hidden, beyond)), strict=True)
    for number, (path, unseen, away) in enumerate(parts):
        if away.any():
            frame, body = np.argwhere(away)[0]
            left.append((number, int(frame), int(body)))
            path, unseen = path[:frame], unseen[:frame]
        if any(len(bodies) > 1 for bodies in codec.alike) and len(path):
            path, unseen, doubtful = _continued(codec, path, unseen, close=_CLOSE / codec.pixels_per_unit)
            exchanged += [(number, frame) for frame in doubtful]
        positions.append(np.where(unseen[..., None], np.nan, path).reshape(len(path), -1))
    return Tracks(codec, positions, exchanged, left, [], [])


def _continued(
    codec: SpriteCodec, path: np.ndarray, gone: np.ndarray, *, close: float
) -> tuple[np.ndarray, np.ndarray, list[int]]:
    """An episode ``(T + 1, b, 2)`` whose bodies that look alike keep their identity, and frames where that is doubtful.

    Every body is expected where its last two known positions lead it. Bodies nearer than ``close`` may be exchanged.
    """
    path, gone, doubtful = path.copy(), gone.copy(), []
    expected, velocity, last = path[0].copy(), np.zeros_like(path[0]), np.zeros(path.shape[1], int)
    for t in range(1, len(path)):
        guess = expected + velocity * (t - last)[:, None]
        for bodies in codec.alike:
            if len(bodies) < 2:
                continue
            orders = np.array(list(permutations(range(len(bodies)))))
            squares = ((path[t, bodies][:, None] - guess[bodies]) ** 2).sum(-1)
            squares = np.where(gone[t, bodies][:, None], close**2, squares)  # a hidden body may be any of them
            costs = np.array([squares[order, range(len(bodies))].sum() for order in orders])
            best = np.argsort(costs)
            if costs[best[1]] < 4 * costs[best[0]] + (0.1 * close) ** 2:
                doubtful.append(t)
            order = orders[best[0]]
            path[t, bodies], gone[t, bodies] = path[t, bodies][order], gone[t, bodies][order]
        known = ~gone[t]
        velocity[known] = (path[t] - expected)[known] / (t - last[known])[:, None]
        expected[known], last[known] = path[t, known], t
    return path, gone, doubtful
