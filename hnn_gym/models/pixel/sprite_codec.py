"""Picture <-> positions of bodies in the plane or on a line: each is a sprite that is drawn over a background.

    f <- B, then for every body k:  f <- f + D_k(x - p_k) + A_k(x - p_k) (B - f)

D_k is the sprite (:mod:`.spline_sprite`) and A_k in [0, 1] how opaque the body is. Where bodies do not overlap this is
f = B + sum_k D_k. The encoder is the decoder's inverse: it finds the positions whose picture is nearest, by a search
over all pixels for one body after the other, and then by Newton's rule (Gauss-Newton) for all of them.

Bodies that look alike share a sprite. No single frame shows which of them is which: the encoder keeps the order that is
nearest to given positions, such as those of the frame before.

A body that slides along a line has one position: the line is a row of the picture, and the frames are still searched
in both directions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations, permutations
from typing import Any

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.signal import fftconvolve

from hnn_gym.errors import InputError
from hnn_gym.models.pixel.codec import check_frames
from hnn_gym.models.pixel.spline_sprite import fitted, knots, patches, splines

_BLOCK = 128
_NEWTON_STEPS = 5
_LARGEST_STEP = 0.75
"""Largest change of a position in a step of Newton's rule, in pixels."""
_OPAQUE = 0.9
"""A body is wholly opaque where its sprite is at least this share of its largest values."""
_WRONG = 0.02
"""A picture of overlapping bodies is wrong where it leaves more than this share of the smallest sprite's squares."""
HIDDEN = 0.3
"""A body is hidden where a frame determines its position with less than this share of the usual information."""


@dataclass(frozen=True)
class SpriteCodec:
    """Decoder and encoder of frames that show bodies in the plane.

    Positions are [x_1, y_1, x_2, y_2, ...] from the middle of the picture, x to the right and y upwards; or [x] alone
    where one body slides along a line.

    Attributes:
        background: B, uint8 ``(H, W, C)``.
        sprites: coefficients of every different sprite, in shares of 255 ``(S, n, n, C)``.
        looks: number of the sprite of every body.
        radius: of the patch around a body that the sprites cover, in pixels.
        pixels_per_unit: pixels in the unit of the positions.
        residual: mean squared residual on the frames it was fitted to, over the mean square of what the bodies change.
        line: y of the line along which the one body slides, in units; None: bodies move in the plane.
        depth: numbers of the bodies in the order in which they are drawn, the last above all others; (): as listed.
    """

    background: np.ndarray
    sprites: np.ndarray
    looks: tuple[int, ...]
    radius: int
    pixels_per_unit: float
    residual: float
    line: float | None = None
    depth: tuple[int, ...] = ()

    kind = "sprites"

    @property
    def frame_shape(self) -> tuple[int, ...]:
        """(H, W, C)."""
        return self.background.shape

    @property
    def angles(self) -> tuple[bool, ...]:
        """No position is an angle."""
        return (False,) * self._positions

    @property
    def _positions(self) -> int:
        return 2 * len(self.looks) if self.line is None else 1

    def wrapped(self, q: np.ndarray) -> np.ndarray:
        """The positions themselves: there are no angles."""
        return q

    def decode(self, q: np.ndarray) -> np.ndarray:
        """Frames, uint8 ``(..., H, W, C)``, at positions ``(..., 2 b)``, or ``(..., 1)`` on a line."""
        q = np.asarray(q)
        flat = q.reshape(-1, 1, 1) if self.line is not None else q.reshape(-1, len(self.looks), 2)
        if self.line is not None:
            flat = np.concatenate([flat, np.full_like(flat, self.line)], axis=-1)
        frames = np.empty((len(flat), *self.frame_shape), np.uint8)
        for begin in range(0, len(flat), _BLOCK):
            part = slice(begin, begin + _BLOCK)
            drawn = 255 * self._drawn(self._places(flat[part]))
            frames[part] = np.rint(drawn).clip(0, 255)
        return frames.reshape(*q.shape[:-1], *self.frame_shape)

    def encode(self, frames: np.ndarray, *, near: np.ndarray | None = None) -> np.ndarray:
        """Positions ``(..., 2 b)``, or ``(..., 1)`` on a line, of frames, uint8 ``(..., H, W, C)``.

        Args:
            frames: each on its own.
            near: positions ``(..., 2 b)``; bodies that look alike are given the order that is nearest to these.

        Raises:
            InputError: frames of another shape or type, or a frame that does not show a body.
        """
        frames = np.asarray(frames)
        check_frames(frames, self.frame_shape)
        q = self.found(frames.reshape(-1, *self.frame_shape))
        missing = np.argwhere(np.isnan(q))
        if len(missing):
            frame, position = missing[0]
            raise InputError(
                f"Frame {frame} does not show body {position // 2 + 1} of {len(self.looks)}: it has left the picture, "
                "is hidden, or the frame is not one of this scene."
            )
        if near is not None and self.line is None:
            places = q.reshape(len(q), -1, 2)
            q = self.ordered(places, np.asarray(near, np.float64).reshape(places.shape)).reshape(q.shape)
        return q.reshape(*frames.shape[:-3], self._positions)

    def found(self, frames: np.ndarray) -> np.ndarray:
        """Positions ``(N, 2 b)``, or ``(N, 1)`` on a line, of frames, uint8 ``(N, H, W, C)``; NaN for a hidden body."""
        q, hidden = np.empty((len(frames), len(self.looks), 2)), np.zeros((len(frames), len(self.looks)), bool)
        for begin in range(0, len(frames), _BLOCK):
            part = slice(begin, begin + _BLOCK)
            places, seen = self.searched(frames[part])
            q[part] = self.refined(frames[part], places)[0]
            hidden[part] = ~seen
        return self.positions(q, hidden=hidden)

    def positions(self, places: np.ndarray, *, hidden: np.ndarray) -> np.ndarray:
        """Positions ``(N, 2 b)``, or ``(N, 1)`` on a line, of places in pixels ``(N, b, 2)``; NaN for hidden bodies."""
        q = np.where(hidden[..., None], np.nan, self._units(places))
        return q.reshape(len(q), -1)[:, : self._positions]

    def ordered(self, q: np.ndarray, near: np.ndarray) -> np.ndarray:
        """Positions ``(N, b, 2)`` with bodies that look alike exchanged, so that they are nearest to others."""
        found = q.copy()
        for bodies in self.alike:
            if len(bodies) < 2:
                continue
            orders = np.array(list(permutations(range(len(bodies)))))
            squares = ((q[:, bodies][:, None] - near[:, bodies][:, :, None]) ** 2).sum(-1)
            costs = np.stack([squares[:, range(len(bodies)), order].sum(-1) for order in orders], axis=-1)
            best = orders[costs.argmin(-1)]
            found[:, bodies] = np.take_along_axis(q[:, bodies], best[..., None], axis=1)
        return found

    @cached_property
    def alike(self) -> tuple[list[int], ...]:
        """The numbers of the bodies of every sprite."""
        return tuple([k for k, look in enumerate(self.looks) if look == s] for s in range(len(self.sprites)))

    def searched(self, frames: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Search frames, uint8 ``(N, H, W, C)``, for the bodies, the one with the largest sprite first.

        Returns:
            Places (row, column) in pixels ``(N, b, 2)``, and whether the body is there, bool ``(N, b)``.
        """
        left = frames / 255.0 - self._background
        places, found = np.zeros((len(frames), len(self.looks), 2)), np.zeros((len(frames), len(self.looks)), bool)
        for k in sorted(range(len(self.looks)), key=lambda k: -self.templates[self.looks[k]][1]):
            template, size = self.templates[self.looks[k]]
            score = sum(
                fftconvolve(left[..., c], template[None, ::-1, ::-1, c], mode="same", axes=(1, 2))
                for c in range(template.shape[-1])
            )
            best = score.reshape(len(frames), -1).argmax(-1)
            rows, columns = np.divmod(best, frames.shape[2])
            found[:, k] = score.reshape(len(frames), -1)[np.arange(len(frames)), best] > size / 4
            places[:, k] = np.stack([rows, columns], axis=-1) + 0.5
            for _ in range(3):  # so that what remains is free of this body
                places[:, k] += self._step(left, places[:, k], self.looks[k])[0]
            self._add(left, self._patch(places[:, k], k), places[:, k], sign=-1)
        if len(self.sprites) > 1:
            places = self._assigned(frames, places)
        return places, found

    def _assigned(self, frames: np.ndarray, places: np.ndarray) -> np.ndarray:
        """Places ``(N, b, 2)`` exchanged so that every body is where its own sprite fits best."""
        places, apart = places.copy(), self._apart(places)
        alone, near = np.flatnonzero(apart), np.flatnonzero(~apart)
        if len(alone):
            places[alone] = self._matched(frames[alone] / 255.0 - self._background, places[alone])
        left = np.zeros(len(frames))
        if len(near):
            places[near], _, left[near] = self.refined(frames[near], places[near])
        # Where sprites overlap they are judged together, by exchanging two at a time as long as the picture is wrong.
        wrong = _WRONG * min(total for _, total in self.templates) / np.prod(self.frame_shape)
        pairs = [(j, k) for j, k in combinations(range(len(self.looks)), 2) if self.looks[j] != self.looks[k]]
        for j, k in pairs * 2:
            doubtful = np.flatnonzero(left > wrong)
            if not len(doubtful):
                break
            trial = places[doubtful]
            trial[:, [j, k]] = trial[:, [k, j]]
            trial, _, after = self.refined(frames[doubtful], trial)
            better = after < left[doubtful]
            places[doubtful[better]], left[doubtful[better]] = trial[better], after[better]
        return places

    def _matched(self, change: np.ndarray, places: np.ndarray) -> np.ndarray:
        """Places of bodies that are apart ``(N, b, 2)`` in the order in which their sprites fit best."""
        count = len(self.looks)
        costs = np.empty((len(change), len(self.sprites), count))
        for look, sprite in enumerate(self.sprites):
            for j in range(count):
                place = places[:, j]
                for _ in range(2):
                    place = place + self._step(change, place, look)[0]
                rows, columns, where = self._splines(place)
                costs[:, look, j] = ((self._gather(change, where) - patches(sprite, rows, columns)) ** 2).sum((1, 2, 3))
        assigned = places.copy()
        for n, cost in enumerate(costs):
            bodies, where_found = linear_sum_assignment(cost[list(self.looks)])
            assigned[n, bodies] = places[n, where_found]
        return assigned

    def _apart(self, places: np.ndarray) -> np.ndarray:
        """Whether the patches of all bodies ``(N, b, 2)`` are apart, bool ``(N,)``."""
        distance = np.abs(places[:, :, None] - places[:, None]).max(-1)
        distance[:, range(len(self.looks)), range(len(self.looks))] = np.inf
        apart: np.ndarray = (distance > 2 * self.radius + 2).all(axis=(1, 2))
        return apart

    def refined(self, frames: np.ndarray, places: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Move the bodies, from near places ``(N, b, 2)``, to where their picture is nearest to the frames.

        Returns:
            Places in pixels ``(N, b, 2)``; how well each is determined, as a share of the usual information ``(N, b)``;
            and the mean squares of what is left of the frames, in shares of 255, ``(N,)``.
        """
        places = places.copy()
        seen = frames / 255.0
        shares = np.ones(places.shape[:2])
        apart = self._apart(places)
        alone, near = np.flatnonzero(apart), np.flatnonzero(~apart)
        change = seen[alone] - self._background
        for _ in range(_NEWTON_STEPS if len(alone) else 0):
            for k, look in enumerate(self.looks):
                moved, shares[alone, k] = self._step(change, places[alone, k], look)
                places[alone, k] += moved
        for _ in range(2 * _NEWTON_STEPS if len(near) else 0):
            drawn, visible = self._composed(places[near])
            left = seen[near] - drawn
            for k, look in enumerate(self.looks):
                moved, shares[near, k] = self._step(left, places[near, k], look, visible[k])
                places[near, k] += moved
        left = seen - self._drawn(places)
        return places, shares, (left**2).mean(axis=(1, 2, 3))

    def fitted_to(self, frames: np.ndarray, places: np.ndarray, known: np.ndarray) -> SpriteCodec:
        """The codec with sprites that are fitted to frames, uint8 ``(N, H, W, C)``.

        Args:
            frames: in which the bodies are well apart.
            places: of the bodies in pixels ``(N, b, 2)``.
            known: whether each of them is ``(N, b)``.
        """
        change = frames / 255.0 - self._background
        sprites = []
        for bodies in self.alike:
            parts = []
            for k in bodies:
                use = known[:, k]
                rows, columns, where = self._splines(places[use, k])
                parts.append((self._gather(change[use], where), rows, columns))
            sprites.append(fitted(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True))))
        return replace(self, sprites=np.stack(sprites), residual=0.0)

    def reordered(self, order: Sequence[int]) -> SpriteCodec:
        """The codec with its bodies in another order."""
        place = {k: new for new, k in enumerate(order)}
        return replace(self, looks=tuple(self.looks[k] for k in order), depth=tuple(place[k] for k in self._drawing))

    def drawn_in(self, depth: Sequence[int]) -> SpriteCodec:
        """The codec with its bodies drawn in the order of their numbers ``depth``."""
        return replace(self, depth=tuple(depth))

    @property
    def _drawing(self) -> tuple[int, ...]:
        return self.depth or tuple(range(len(self.looks)))

    def to_json(self) -> dict[str, Any]:
        """All fields that are not arrays, JSON-ready."""
        return {
            "kind": self.kind,
            "looks": list(self.looks),
            "radius": self.radius,
            "pixels_per_unit": self.pixels_per_unit,
            "residual": self.residual,
            "line": self.line,
            "depth": list(self.depth),
        }

    def arrays(self) -> dict[str, np.ndarray]:
        """The arrays by name."""
        return {"codec.background": self.background, "codec.sprites": self.sprites.astype(np.float32)}

    @classmethod
    def of(cls, arrays: Mapping[str, np.ndarray], data: Mapping[str, Any]) -> SpriteCodec:
        """Build from :meth:`arrays` and :meth:`to_json`.

        Raises:
            InputError: they do not fit together.
        """
        try:
            codec = cls(
                background=arrays["codec.background"],
                sprites=arrays["codec.sprites"].astype(np.float64),
                looks=tuple(int(look) for look in data["looks"]),
                radius=int(data["radius"]),
                pixels_per_unit=float(data["pixels_per_unit"]),
                residual=float(data["residual"]),
                line=None if data.get("line") is None else float(data["line"]),
                depth=tuple(int(body) for body in data.get("depth", ())),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InputError(f"The frames' part of this checkpoint cannot be read: {error!r}.") from None
        n = knots(codec.radius)
        fits = (
            codec.background.dtype == np.uint8
            and codec.background.ndim == 3
            and codec.sprites.shape[1:] == (n, n, codec.background.shape[-1])
            and np.isfinite(codec.sprites).all()
            and len(codec.looks) > 0
            and set(codec.looks) == set(range(len(codec.sprites)))
            and sorted(codec._drawing) == list(range(len(codec.looks)))
            and np.isfinite(codec.pixels_per_unit)
            and codec.pixels_per_unit > 0
            and (codec.line is None or (np.isfinite(codec.line) and len(codec.looks) == 1))
        )
        if not fits:
            raise InputError("The arrays of the frames in this checkpoint do not fit each other.")
        return codec

    def _places(self, q: np.ndarray) -> np.ndarray:
        """(row, column) in pixels of positions ``(..., 2)``, inside the picture or just outside."""
        height, width = self.frame_shape[:2]
        rows = height / 2 - q[..., 1] * self.pixels_per_unit
        columns = width / 2 + q[..., 0] * self.pixels_per_unit
        places: np.ndarray = np.stack([rows, columns], axis=-1)
        return places

    def _units(self, places: np.ndarray) -> np.ndarray:
        """Positions of places (row, column) in pixels ``(..., 2)``."""
        height, width = self.frame_shape[:2]
        x = (places[..., 1] - width / 2) / self.pixels_per_unit
        y = (height / 2 - places[..., 0]) / self.pixels_per_unit
        units: np.ndarray = np.stack([x, y], axis=-1)
        return units

    def _drawn(self, places: np.ndarray) -> np.ndarray:
        """The picture, in shares of 255, of bodies at places ``(N, b, 2)``."""
        return self._composed(places)[0]

    def _composed(self, places: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
        """The picture, and on the patch of every body how much of it no other one covers ``(N, P, P, 1)``."""
        height, width, channels = self.frame_shape
        pad = 2 * self.radius + 3
        canvas = np.zeros((len(places), height + 2 * pad, width + 2 * pad, channels))  # change of the background
        drawn = []
        for k in self._drawing:
            patch, where = self._patch(places[:, k], k), self._where(places[:, k], pad)
            opaque = self._opacity(patch, k)
            canvas[where] += patch - opaque * canvas[where]
            drawn.append((k, where, opaque))
        clear = np.ones((*canvas.shape[:3], 1))
        visible = [clear] * len(drawn)
        for k, where, opaque in reversed(drawn):
            visible[k] = clear[where]
            clear[where] *= 1 - opaque
        return self._background + canvas[:, pad : pad + height, pad : pad + width], visible

    def _step(
        self, left: np.ndarray, places: np.ndarray, look: int, visible: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """One step of Newton's rule for one body.

        Args:
            left: what the frames show beside their picture.
            places: of the body in pixels ``(N, 2)``.
            look: number of its sprite.
            visible: how much of it is not covered, on its patch; None: all of it, and ``left`` contains it.

        Returns:
            How far it moves ``(N, 2)``, and the share of the usual information ``(N,)``.
        """
        rows, columns, where = self._splines(places)
        sprite = self.sprites[look]
        slopes = np.stack(
            [
                -patches(sprite, splines(places[:, 0], self.radius, derivative=True), columns),
                -patches(sprite, rows, splines(places[:, 1], self.radius, derivative=True)),
            ],
            axis=-1,
        )
        inside = self._inside(where)
        error = self._gather(left, where)
        if visible is None:
            error = error - inside * patches(sprite, rows, columns)
        slopes = slopes * (inside if visible is None else visible * inside)[..., None]
        flat, error = slopes.reshape(len(places), -1, 2), error.reshape(len(places), -1, 1)
        normal, right = flat.transpose(0, 2, 1) @ flat, (flat.transpose(0, 2, 1) @ error)[..., 0]
        usual = self._information[look]
        share = np.linalg.eigvalsh(normal)[:, 0] / usual
        moved = np.linalg.solve(normal + 0.02 * usual * np.eye(2), right[..., None])[..., 0]
        return moved.clip(-_LARGEST_STEP, _LARGEST_STEP), share

    @cached_property
    def _information(self) -> list[float]:
        """The smaller eigenvalue of J^T J of every sprite that is wholly seen."""
        middle = np.full((1, 2), self.radius + 1.5)
        rows, columns, _ = self._splines(middle)
        found = []
        for sprite in self.sprites:
            slopes = np.stack(
                [
                    patches(sprite, splines(middle[:, 0], self.radius, derivative=True), columns),
                    patches(sprite, rows, splines(middle[:, 1], self.radius, derivative=True)),
                ],
                axis=-1,
            ).reshape(-1, 2)
            found.append(float(np.linalg.eigvalsh(slopes.T @ slopes)[0]) + 1e-12)
        return found

    @cached_property
    def templates(self) -> list[tuple[np.ndarray, float]]:
        """Every sprite at the middle of a pixel ``(P, P, C)``, and its sum of squares."""
        rows, columns, _ = self._splines(np.full((1, 2), self.radius + 0.5))
        drawn = [patches(sprite, rows, columns)[0] for sprite in self.sprites]
        return [(template, float((template**2).sum())) for template in drawn]

    @cached_property
    def levels(self) -> list[float]:
        """The size of the change, in shares of 255, where a body of every sprite is wholly opaque."""
        return [_OPAQUE * float(np.sqrt((template**2).sum(-1)).max()) for template, _ in self.templates]

    def _opacity(self, patch: np.ndarray, k: int) -> np.ndarray:
        size = np.sqrt((patch**2).sum(-1, keepdims=True))
        opaque: np.ndarray = np.minimum(size / self.levels[self.looks[k]], 1.0)
        return opaque

    @cached_property
    def _background(self) -> np.ndarray:
        return self.background / 255.0

    def _patch(self, places: np.ndarray, k: int) -> np.ndarray:
        rows, columns, _ = self._splines(places)
        return patches(self.sprites[self.looks[k]], rows, columns)

    def _splines(self, places: np.ndarray) -> tuple[np.ndarray, np.ndarray, tuple[np.ndarray, ...]]:
        rows, columns = (splines(places[:, i], self.radius) for i in (0, 1))
        return rows, columns, self._where(places, 0)

    def _where(self, places: np.ndarray, pad: int) -> tuple[np.ndarray, ...]:
        """Indices of the patches in arrays with ``pad`` more pixels on every side; far places are brought near."""
        span = np.arange(-self.radius, self.radius + 1)
        size = np.array(self.frame_shape[:2])
        whole = np.floor(np.nan_to_num(places, nan=-1e6)).clip(-self.radius - 2, size + self.radius + 1).astype(int)
        rows, columns = (whole[:, i, None] + span + pad for i in (0, 1))
        return np.arange(len(places))[:, None, None], rows[:, :, None], columns[:, None, :]

    def _inside(self, where: tuple[np.ndarray, ...]) -> np.ndarray:
        height, width = self.frame_shape[:2]
        _, rows, columns = where
        inside: np.ndarray = ((rows >= 0) & (rows < height) & (columns >= 0) & (columns < width))[..., None]
        return inside

    def _gather(self, pictures: np.ndarray, where: tuple[np.ndarray, ...]) -> np.ndarray:
        """Patches ``(N, P, P, C)`` of pictures; 0 outside of them."""
        height, width = self.frame_shape[:2]
        number, rows, columns = where
        patch = pictures[number, rows.clip(0, height - 1), columns.clip(0, width - 1)]
        gathered: np.ndarray = patch * self._inside(where)
        return gathered

    def _add(self, pictures: np.ndarray, patch: np.ndarray, places: np.ndarray, *, sign: int) -> None:
        number, rows, columns = np.broadcast_arrays(*self._where(places, 0))
        inside = self._inside((number, rows, columns))[..., 0]
        pictures[number[inside], rows[inside], columns[inside]] += sign * patch[inside]
