"""Picture <-> positions of a linkage: rigid parts that slide and turn on each other, each a sprite over a background.

    f <- B, then for every part k:  f <- f + S_k(t) + A_k(t) (B - f),   t = R(phi_k)^T (p - o_k)

S_k is the picture of the part in its own frame (:mod:`.spline_surface`), A_k in [0, 1] how opaque it is, p the place of
a pixel, and o_k, phi_k are given by the positions (:mod:`.linkage`). Because the parts are rigid, every position is a
length or an angle in the picture and nothing else. The encoder is the decoder's inverse: it searches a grid of
positions for the nearest picture, and then moves all of them by Newton's rule (Gauss-Newton).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from hnn_gym.errors import InputError
from hnn_gym.models.pixel.codec import check_frames
from hnn_gym.models.pixel.linkage import Part, Placement, check_tree, clockwise, placed
from hnn_gym.models.pixel.spline_surface import SplineSurface

_BLOCK = 64
_NEWTON_STEPS = 8
_LARGEST_STEP = 0.75
"""Largest change of a sliding position in a step of Newton's rule, in rows."""
_LARGEST_TURN = 0.15
_CLOSE = 3e-4
"""Newton's rule ends where no position moves by more than this any more."""
_SEARCHED = 1200
"""Pictures in the grid of the search, at the most."""
_ABSENT = 0.5
"""A frame is not one of the scene if the nearest picture leaves this share of what it shows beside the background."""
_OPAQUE = 0.9
"""A part is wholly opaque where its sprite is at least this share of its largest values."""
_SMOOTHING = 1e-2
_NOTHING = 0.05
"""Nothing is seen where the coefficients of a surface are below this share of its largest ones."""


class _Patch(NamedTuple):
    """A part in the pixels around it.

    Attributes:
        where: numbers of frame, row and column of the pixels inside the picture, each ``(M,)``.
        at: the same in the part's frame ``(M, 2)``.
        change: S there ``(M, C)``.
        slopes: derivatives of S there by x and y ``(M, 2, C)``, if asked for.
        opaque: A there ``(M, 1)``.
    """

    where: tuple[np.ndarray, np.ndarray, np.ndarray]
    at: np.ndarray
    change: np.ndarray
    slopes: np.ndarray
    opaque: np.ndarray


class _Box(NamedTuple):
    """A part of every picture.

    Attributes:
        row: its first row ``(N,)``, which may lie outside of the picture.
        column: its first column ``(N,)``.
        size: its rows and columns.
    """

    row: np.ndarray
    column: np.ndarray
    size: tuple[int, int]

    def of(self, pictures: np.ndarray) -> np.ndarray:
        """The boxes ``(N, rows, columns, C)`` of pictures ``(N, H, W, C)``; 0 outside of them."""
        number, rows, columns, inside = self.pixels(pictures.shape[1:])
        height, width = pictures.shape[1:3]
        cut: np.ndarray = pictures[number, rows.clip(0, height - 1), columns.clip(0, width - 1)] * inside[..., None]
        return cut

    def pixels(self, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Numbers of frame, row and column of all pixels, and whether they are in pictures of that shape."""
        rows, columns = (low[:, None] + np.arange(size) for low, size in zip(self[:2], self.size, strict=True))
        number = np.arange(len(rows))[:, None, None]
        n, r, c = np.broadcast_arrays(number, rows[:, :, None], columns[:, None, :])
        return n, r, c, (r >= 0) & (r < shape[0]) & (c >= 0) & (c < shape[1])


class _Pictured(NamedTuple):
    """What the parts change in a box of every picture.

    Attributes:
        box: which pixels.
        drawn: the changes ``(N, rows, columns, C)``.
        slopes: their derivatives by the positions, in rows and rad ``(..., K)``.
        by_hinge: their derivatives by the hinges ``(..., K, 2)``, if asked for.
    """

    box: _Box
    drawn: np.ndarray
    slopes: np.ndarray
    by_hinge: np.ndarray


@dataclass(frozen=True)
class LinkageCodec:
    """Decoder and encoder of frames that show a linkage.

    A sliding position is 0 in the middle of the picture, and an angle is clockwise, in rad, unless the plane is seen
    from behind.

    Attributes:
        background: B, uint8 ``(H, W, C)``.
        parts: who carries whom, in the order in which they are drawn.
        surfaces: S of every part, in shares of 255, over its own plane in rows.
        hinges: where its carrier holds every part, in rows ``(K, 2)``.
        pixel_width: width of a pixel over its height; negative where x points to the left, so that angles are
            anticlockwise.
        rows_per_unit: rows in the unit of sliding positions.
        reach: the smallest and the largest position of every part that is searched for ``(K, 2)``.
        residual: mean squared residual on the frames it was fitted to, over the mean square of what the parts change.
    """

    background: np.ndarray
    parts: tuple[Part, ...]
    surfaces: tuple[SplineSurface, ...]
    hinges: np.ndarray
    pixel_width: float
    rows_per_unit: float
    reach: np.ndarray
    residual: float

    kind = "linkage"

    @property
    def frame_shape(self) -> tuple[int, ...]:
        """(H, W, C)."""
        return self.background.shape

    @property
    def angles(self) -> tuple[bool, ...]:
        """Which positions are angles."""
        return tuple(part.turns for part in self.parts)

    def wrapped(self, q: np.ndarray) -> np.ndarray:
        """Positions ``(..., K)`` whose angles are in (-pi, pi]."""
        return np.where(self.angles, np.pi - (np.pi - q) % (2 * np.pi), q)

    def decode(self, q: np.ndarray) -> np.ndarray:
        """Frames, uint8 ``(..., H, W, C)``, at positions ``(..., K)``."""
        q = np.asarray(q, np.float64)
        flat = q.reshape(-1, len(self.parts))
        frames = np.empty((len(flat), *self.frame_shape), np.uint8)
        for begin in range(0, len(flat), _BLOCK):
            part = slice(begin, begin + _BLOCK)
            frames[part] = np.rint(self.background + 255 * self.changes(flat[part])).clip(0, 255)
        return frames.reshape(*q.shape[:-1], *self.frame_shape)

    def encode(self, frames: np.ndarray, *, near: np.ndarray | None = None) -> np.ndarray:
        """Positions ``(..., K)`` of frames, uint8 ``(..., H, W, C)``.

        Args:
            frames: each on its own.
            near: positions ``(..., K)`` to begin at, such as those of the frames before; only frames that do not show
                the parts near them are searched.

        Raises:
            InputError: frames of another shape or type, or a frame that does not show the parts.
        """
        frames = np.asarray(frames)
        check_frames(frames, self.frame_shape)
        flat = frames.reshape(-1, *self.frame_shape)
        q, good = self.found(flat, None if near is None else np.reshape(near, (len(flat), len(self.parts))))
        if not good.all():
            raise InputError(
                f"Frame {int(np.argmin(good))} does not show the parts as they were learned: one has left the picture "
                "or is hidden, or the frame is not one of this scene."
            )
        return self.wrapped(q).reshape(*frames.shape[:-3], len(self.parts))

    def found(self, frames: np.ndarray, near: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """The nearest positions ``(N, K)`` of frames, and whether their picture is near, bool ``(N,)``."""
        q, good = np.zeros((len(frames), len(self.parts))), np.zeros(len(frames), bool)
        for begin in range(0, len(frames), _BLOCK):
            part = slice(begin, begin + _BLOCK)
            q[part], good[part] = self._found(frames[part], None if near is None else near[part])
        return q, good

    def _found(self, frames: np.ndarray, near: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
        change = frames / 255.0 - self._background
        q, good = np.zeros((len(frames), len(self.parts))), np.zeros(len(frames), bool)
        if near is not None:
            q, good = self._refined(change, near)
        lost = np.flatnonzero(~good)
        if len(lost):
            q[lost], good[lost] = self._refined(change[lost], self._searched(change[lost]))
        return q, good

    def fitted_to(self, frames: np.ndarray, q: np.ndarray, *, sweeps: int = 2) -> LinkageCodec:
        """The codec with surfaces that are fitted to frames, uint8 ``(N, H, W, C)``, at positions ``(N, K)``.

        Every part is fitted to what the others leave, in turn.
        """
        change = frames / 255.0 - self._background
        codec, box = self, self._whole(len(frames))
        placement = placed(self.parts, self.hinges, q * self._units)
        patches = self._patches(placement, box)
        for _ in range(sweeps):
            for k in range(len(self.parts)):
                patch, later = patches[k], patches[k + 1 :]
                # Where a part hides what carries it, its own change is all that is seen.
                before, after = (codec._drawn(some, box)[patch.where] for some in (patches[:k] + later, later))
                rest = change[patch.where] - before * (1 - patch.opaque) - after * patch.opaque
                clear = codec._clear(patches, box)[k]
                surface = codec.surfaces[k].fitted(patch.at, rest, clear, smoothing=_SMOOTHING)
                codec = replace(codec, surfaces=(*codec.surfaces[:k], surface, *codec.surfaces[k + 1 :]))
                patches[k] = codec._patch(k, placement, box)
        left = change - codec.changes(q)
        return replace(codec, residual=float((left**2).sum() / (change**2).sum()))

    def with_hinges_moved(self, frames: np.ndarray, q: np.ndarray) -> LinkageCodec:
        """The codec whose hinges have moved by one step of Newton's rule, in which all positions follow."""
        n = len(self.parts)
        free = [(k, axis) for k, part in enumerate(self.parts) for axis in (0, 1) if part.turns]
        normal, right = np.zeros((len(free), len(free))), np.zeros(len(free))
        for begin in range(0, len(frames), _BLOCK):
            part = slice(begin, begin + _BLOCK)
            pictured = self._pictured(q[part], hinges=True)
            count = len(pictured.drawn)
            change = frames[part] / 255.0 - self._background
            error = (pictured.box.of(change) - pictured.drawn).reshape(count, -1)
            own = pictured.slopes.reshape(count, -1, n)
            common = np.stack([pictured.by_hinge[..., k, axis] for k, axis in free], axis=-1)
            common = common.reshape(count, -1, len(free))
            square = own.transpose(0, 2, 1) @ own + 1e-9 * np.eye(n)
            mixed = own.transpose(0, 2, 1) @ common
            answer = np.linalg.solve(square, np.concatenate([mixed, (own.transpose(0, 2, 1) @ error[..., None])], -1))
            normal += (common.transpose(0, 2, 1) @ common - mixed.transpose(0, 2, 1) @ answer[..., :-1]).sum(0)
            rest = common.transpose(0, 2, 1) @ error[..., None] - mixed.transpose(0, 2, 1) @ answer[..., -1:]
            right += rest.sum(0)[:, 0]
        damped = normal + 1e-6 * np.trace(normal) / max(len(free), 1) * np.eye(len(free))
        moved = np.linalg.solve(damped, right).clip(-_LARGEST_STEP, _LARGEST_STEP)
        hinges = self.hinges.copy()
        for (k, axis), step in zip(free, moved, strict=True):
            hinges[k, axis] += step
        return replace(self, hinges=hinges)

    def trimmed(self) -> LinkageCodec:
        """The codec whose surfaces end where there is nothing more to be seen."""
        return replace(self, surfaces=tuple(surface.trimmed(_NOTHING) for surface in self.surfaces))

    def mirrored(self) -> LinkageCodec:
        """The codec of the same pictures whose plane is seen from behind: angles are counted the other way round."""
        surfaces = []
        for surface in self.surfaces:
            x = -surface.low[0] - surface.step * (surface.coefficients.shape[1] - 1)
            surfaces.append(replace(surface, coefficients=surface.coefficients[:, ::-1], low=(x, surface.low[1])))
        return replace(
            self,
            surfaces=tuple(surfaces),
            hinges=self.hinges * np.array([-1.0, 1.0]),
            pixel_width=-self.pixel_width,
            reach=-self.reach[:, ::-1],
        )

    def changes(self, q: np.ndarray) -> np.ndarray:
        """What the parts change of the background at positions ``(N, K)``, in shares of 255 ``(N, H, W, C)``."""
        box = self._whole(len(q))
        return self._drawn(self._patches(placed(self.parts, self.hinges, q * self._units), box), box)

    def to_json(self) -> dict[str, Any]:
        """All fields that are not arrays, JSON-ready."""
        return {
            "kind": self.kind,
            "parts": [{"turns": part.turns, "carrier": part.carrier} for part in self.parts],
            "low": [list(surface.low) for surface in self.surfaces],
            "step": [surface.step for surface in self.surfaces],
            "pixel_width": self.pixel_width,
            "rows_per_unit": self.rows_per_unit,
            "residual": self.residual,
        }

    def arrays(self) -> dict[str, np.ndarray]:
        """The arrays by name, small enough to ship."""
        pictures = {f"codec.surface{k}": s.coefficients.astype(np.float16) for k, s in enumerate(self.surfaces)}
        return {"codec.background": self.background, "codec.hinges": self.hinges, "codec.reach": self.reach} | pictures

    @classmethod
    def of(cls, arrays: Mapping[str, np.ndarray], data: Mapping[str, Any]) -> LinkageCodec:
        """Build from :meth:`arrays` and :meth:`to_json`.

        Raises:
            InputError: they do not fit together.
        """
        try:
            parts = tuple(Part(bool(part["turns"]), part["carrier"]) for part in data["parts"])
            check_tree(parts)
            surfaces = tuple(
                SplineSurface(
                    arrays[f"codec.surface{k}"].astype(np.float64), (float(low[0]), float(low[1])), float(step)
                )
                for k, (low, step) in enumerate(zip(data["low"], data["step"], strict=True))
            )
            codec = cls(
                background=arrays["codec.background"],
                parts=parts,
                surfaces=surfaces,
                hinges=arrays["codec.hinges"].astype(np.float64),
                pixel_width=float(data["pixel_width"]),
                rows_per_unit=float(data["rows_per_unit"]),
                reach=arrays["codec.reach"].astype(np.float64),
                residual=float(data["residual"]),
            )
            fits = (
                codec.background.dtype == np.uint8
                and codec.background.ndim == 3
                and codec.hinges.shape == codec.reach.shape == (len(parts), 2)
                and len(surfaces) == len(parts)
                and all(s.coefficients.ndim == 3 and s.step > 0 for s in surfaces)
                and all(s.coefficients.shape[2] == codec.background.shape[2] for s in surfaces)
                and all(np.isfinite(values).all() for values in (codec.hinges, codec.reach))
                and all(np.isfinite(s.coefficients).all() for s in surfaces)
                and codec.pixel_width != 0
                and codec.rows_per_unit > 0
            )
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            raise InputError(f"The frames' part of this checkpoint cannot be read: {error!r}.") from None
        if not fits:
            raise InputError("The arrays of the frames in this checkpoint do not fit each other.")
        return codec

    def _refined(self, change: np.ndarray, q: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Move positions ``(N, K)`` to the nearest picture; and whether it is near, bool ``(N,)``."""
        q, n = q.copy(), len(self.parts)
        largest = np.where(self.angles, _LARGEST_TURN, _LARGEST_STEP / self.rows_per_unit)
        moving = np.arange(len(q))
        for _ in range(_NEWTON_STEPS):
            pictured = self._pictured(q[moving])
            flat = pictured.slopes.reshape(len(moving), -1, n)
            error = (pictured.box.of(change[moving]) - pictured.drawn).reshape(len(moving), -1, 1)
            normal = flat.transpose(0, 2, 1) @ flat + 1e-9 * np.eye(n)
            moved = np.linalg.solve(normal, flat.transpose(0, 2, 1) @ error)[..., 0] / self._units
            moved = moved.clip(-largest, largest)
            q[moving] += moved
            moving = moving[(np.abs(moved * self._units) > _CLOSE).any(-1)]
            if not len(moving):
                break
        left, shown = ((values**2).sum(axis=(1, 2, 3)) for values in (change - self.changes(q), change))
        return q, left < _ABSENT * shown

    def _searched(self, change: np.ndarray) -> np.ndarray:
        """The nearest picture of a grid, by frames at half their size and without colours."""
        grid, templates, sizes = self._grid
        score = _halved(change).reshape(len(change), -1) @ templates.T - sizes
        found: np.ndarray = grid[score.argmax(-1)]
        return found

    @cached_property
    def _grid(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        spans = self.reach[:, 1] - self.reach[:, 0] + 1e-9
        fine = spans * np.where(self.angles, 4.0, self.rows_per_unit)  # how many pictures each deserves
        share = (_SEARCHED / np.prod(fine)) ** (1 / len(fine))
        axes = [
            np.linspace(low, high, max(3, int(count * share)))
            for (low, high), count in zip(self.reach, fine, strict=True)
        ]
        grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(fine))
        halves = [_halved(self.changes(grid[begin : begin + _BLOCK])) for begin in range(0, len(grid), _BLOCK)]
        templates = np.concatenate(halves).reshape(len(grid), -1)
        return grid, templates, (templates**2).sum(-1) / 2

    @property
    def _units(self) -> np.ndarray:
        """Rows, or rad, in the unit of every position ``(K,)``."""
        return np.where(self.angles, 1.0, self.rows_per_unit)

    @cached_property
    def _background(self) -> np.ndarray:
        return self.background / 255.0

    @cached_property
    def levels(self) -> list[float]:
        """The size of the change where every part is wholly opaque."""
        return [_OPAQUE * float(np.sqrt((s.coefficients**2).sum(-1)).max()) + 1e-12 for s in self.surfaces]

    def _patches(self, placement: Placement, box: _Box, *, slopes: bool = False) -> list[_Patch]:
        """All parts in the pixels of a box, with slopes if asked for."""
        return [self._patch(k, placement, box, slopes=slopes) for k in range(len(self.parts))]

    def _patch(self, k: int, placement: Placement, box: _Box, *, slopes: bool = False) -> _Patch:
        """Part k in the pixels of a box that it reaches."""
        surface, origin, rotation = self.surfaces[k], placement.origin[:, k], clockwise(placement.angle[:, k])
        inside = self._around(origin, rotation, surface).pixels(self.frame_shape)
        n, r, c = (values[inside[-1]] for values in inside[:-1])
        x, y = (self._points(r, c) - origin[n]).T
        at = np.stack([rotation[n, 0, i] * x + rotation[n, 1, i] * y for i in (0, 1)], axis=-1)
        near = surface.reaches(at)
        n, r, c, at = n[near], r[near], c[near], at[near]
        change, by_place = surface(at) if slopes else (surface.values(at), np.zeros((0, 2, 0)))
        opaque = np.minimum(np.sqrt((change**2).sum(-1, keepdims=True)) / self.levels[k], 1.0)
        return _Patch((n, r - box.row[n], c - box.column[n]), at, change, by_place, opaque)

    def _points(self, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """The places (x, y) of pixels ``(M, 2)``, in rows from the middle of the picture."""
        height, width = self.frame_shape[:2]
        return np.stack([(columns + 0.5 - width / 2) * self.pixel_width, height / 2 - rows - 0.5], axis=-1)

    def _around(self, origin: np.ndarray, rotation: np.ndarray, surface: SplineSurface) -> _Box:
        """The box in which a part at origins ``(N, 2)`` lies."""
        height, width = self.frame_shape[:2]
        corners = origin[:, None] + np.einsum("nij,cj->nci", rotation, surface.corners)
        along = ((height / 2 - corners[..., 1], height), (corners[..., 0] / self.pixel_width + width / 2, width))
        lows, sizes = [], []
        for places, size in along:
            ends = np.nan_to_num(np.stack([places.min(1), places.max(1)]), nan=-1e6).clip(-1, size)
            low, high = np.floor(ends[0]).astype(int), np.ceil(ends[1]).astype(int)
            lows.append(low)
            sizes.append(int((high - low).max(initial=0)) + 1)
        return _Box(lows[0], lows[1], (sizes[0], sizes[1]))

    def _whole(self, count: int) -> _Box:
        """The whole picture, of so many frames."""
        none = np.zeros(count, int)
        return _Box(none, none, (self.frame_shape[0], self.frame_shape[1]))

    def _drawn(self, patches: list[_Patch], box: _Box) -> np.ndarray:
        canvas = np.zeros((len(box.row), *box.size, self.frame_shape[2]))
        for patch in patches:
            canvas[patch.where] += patch.change - patch.opaque * canvas[patch.where]
        return canvas

    def _clear(self, patches: list[_Patch], box: _Box) -> list[np.ndarray]:
        """How much of every part no later one covers, at its own pixels, each ``(M,)``."""
        found = []
        for k, patch in enumerate(patches):
            clear = np.ones((len(box.row), *box.size, 1))
            for later in patches[k + 1 :]:
                clear[later.where] *= 1 - later.opaque
            found.append(clear[patch.where][:, 0])
        return found

    def _pictured(self, q: np.ndarray, *, hinges: bool = False) -> _Pictured:
        """The parts at positions ``(N, K)``, with slopes."""
        placement = placed(self.parts, self.hinges, q * self._units)
        box = _joined(
            [
                self._around(placement.origin[:, k], clockwise(placement.angle[:, k]), s)
                for k, s in enumerate(self.surfaces)
            ]
        )
        patches = self._patches(placement, box, slopes=True)
        clear, shape = self._clear(patches, box), (len(q), *box.size, self.frame_shape[2], len(self.parts))
        slopes, by_hinge = np.zeros(shape), np.zeros((*shape, 2) if hinges else 0)
        for k, patch in enumerate(patches):
            number = patch.where[0]
            seen = patch.slopes * clear[k][:, None, None]
            pull = -np.einsum("mij,mjc->mic", clockwise(placement.angle[:, k])[number], seen)  # by the origin
            turn = patch.at[:, :1] * seen[:, 1] - patch.at[:, 1:] * seen[:, 0]
            for j in np.flatnonzero(placement.follows[k]):
                by = np.einsum("mi,mic->mc", placement.by_position[number, k, j], pull)
                slopes[(*patch.where, slice(None), j)] += by + (turn if self.parts[j].turns else 0.0)
                if hinges:
                    moved = np.einsum("mia,mic->mca", placement.by_hinge[number, j], pull)
                    by_hinge[(*patch.where, slice(None), j)] += moved
        return _Pictured(box, self._drawn(patches, box), slopes, by_hinge)


def _joined(boxes: list[_Box]) -> _Box:
    """The boxes around several."""
    lows, sizes = [], []
    for axis, places in enumerate(([box.row for box in boxes], [box.column for box in boxes])):
        low = np.min(places, axis=0)
        sizes.append(max(int((p - low).max(initial=0)) + box.size[axis] for p, box in zip(places, boxes, strict=True)))
        lows.append(low)
    return _Box(lows[0], lows[1], (sizes[0], sizes[1]))


def _halved(change: np.ndarray) -> np.ndarray:
    """Changes at half their size, summed over channels, float32 ``(N, H // 2, W // 2)``."""
    grey = change.sum(-1, dtype=np.float32)
    height, width = (size // 2 * 2 for size in grey.shape[1:])
    halved: np.ndarray = grey[:, :height, :width].reshape(len(grey), height // 2, 2, width // 2, 2).sum(axis=(2, 4))
    return halved
