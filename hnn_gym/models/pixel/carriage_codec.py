"""Picture <-> (position, angle) of a carriage that slides along the rows and carries a part that turns.

    f(r, c) = B(r, c) + sum_k phi_k(theta) D_k(r, c - x),      D_k(r, t) = sum_j C_kj(r) beta(t / h - j)

B is the background, phi are harmonics of the angle and beta cubic B-splines of the column, seen from the carriage. The
picture is linear in C, so that, given positions and angles, all rows follow from one least-squares problem. The encoder
is the decoder's inverse: it searches a grid of positions and angles for the nearest picture, and then moves both by
Newton's rule (Gauss-Newton). The carriage must not turn, and its rows of the picture must not change along the way.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from hnn_gym.errors import InputError
from hnn_gym.models.pixel.codec import check_frames
from hnn_gym.models.pixel.fourier_basis import FourierBasis
from hnn_gym.models.pixel.spline_sprite import knots, splines

_BLOCK = 128
_NEWTON_STEPS = 8
_LARGEST_STEP = 0.75
"""Largest change of the position in a step of Newton's rule, in columns."""
_COLUMNS = 0.25
"""Distance of the columns in the grid of the search."""
_ANGLES = 20
"""Angles in the grid of the search."""
_CLOSE = 1e-5
"""Newton's rule ends where no position moves by more than this any more."""
_ABSENT = 0.5
"""A frame is not one of the scene if the nearest picture leaves this share of what it shows beside the background."""
_SMOOTHING = 1e-4


@dataclass(frozen=True)
class CarriageCodec:
    """Decoder and encoder of frames that show a carriage with a part that turns.

    Positions are [x, theta]: x from the middle of the picture to the right, theta in rad from upright, to the right.

    Attributes:
        background: B, uint8 ``(H, W, C)``.
        rows: numbers of the rows in which anything changes, int64 ``(R,)``.
        coefficients: C, in shares of 255 ``(size of phi, n, R, C)``.
        harmonics: the basis phi.
        radius: of the part of the picture around the carriage that it changes, in columns.
        reach: the smallest and the largest column of the carriage that was seen.
        columns_per_unit: columns in the unit of x.
        residual: mean squared residual on the frames it was fitted to, over the mean square of what they change.
    """

    background: np.ndarray
    rows: np.ndarray
    coefficients: np.ndarray
    harmonics: FourierBasis
    radius: int
    reach: tuple[float, float]
    columns_per_unit: float
    residual: float

    kind = "carriage"

    @property
    def frame_shape(self) -> tuple[int, ...]:
        """(H, W, C)."""
        return self.background.shape

    @property
    def angles(self) -> tuple[bool, ...]:
        """The second position is an angle."""
        return (False, True)

    @classmethod
    def fitted(
        cls,
        frames: np.ndarray,
        q: np.ndarray,
        *,
        background: np.ndarray,
        harmonics: FourierBasis,
        radius: int,
        columns_per_unit: float,
    ) -> CarriageCodec:
        """Fit the pictures to frames, uint8 ``(N, H, W, C)``, at known positions ``(N, 2)``."""
        change = frames / 255.0 - background / 255.0
        rows = np.flatnonzero(np.abs(change).max(axis=(0, 2, 3)) > 1.5 / 255)
        columns = background.shape[1] / 2 + q[:, 0] * columns_per_unit
        patch = _patches(change[:, rows], columns, radius)  # (N, R, P, C)
        places = splines(columns, radius)  # (N, P, n)
        functions = harmonics(q[:, 1])
        n, size = knots(radius), harmonics.size
        normal, right = np.zeros((size * n, size * n)), np.zeros((size * n, len(rows) * frames.shape[-1]))
        for begin in range(0, len(frames), _BLOCK):
            part = slice(begin, begin + _BLOCK)
            both = np.einsum("nk,npj->npkj", functions[part], places[part], optimize=True).reshape(-1, size * n)
            normal += both.T @ both
            right += both.T @ patch[part].transpose(0, 2, 1, 3).reshape(len(both), -1)
        rough = np.diff(np.eye(n), 2, axis=0)
        bend = np.kron(np.eye(size), rough.T @ rough) + np.kron(np.diag(harmonics.roughness), np.eye(n))
        normal += len(frames) * (_SMOOTHING * bend + 1e-9 * np.eye(size * n))
        found = np.linalg.solve(normal, right).reshape(size, n, len(rows), -1)
        codec = cls(
            background, rows, found, harmonics, radius, (columns.min(), columns.max()), columns_per_unit, residual=0.0
        )
        left = change - codec._changes(q)
        return replace(codec, residual=float((left**2).sum() / (change**2).sum()))

    def wrapped(self, q: np.ndarray) -> np.ndarray:
        """Positions ``(..., 2)`` whose angles are in (-pi, pi]."""
        return np.stack([q[..., 0], np.pi - (np.pi - q[..., 1]) % (2 * np.pi)], axis=-1)

    def decode(self, q: np.ndarray) -> np.ndarray:
        """Frames, uint8 ``(..., H, W, C)``, at positions ``(..., 2)``."""
        q = np.asarray(q, np.float64)
        flat = self.wrapped(q.reshape(-1, 2))
        frames = np.empty((len(flat), *self.frame_shape), np.uint8)
        for begin in range(0, len(flat), _BLOCK):
            part = slice(begin, begin + _BLOCK)
            frames[part] = np.rint(self.background + 255 * self._changes(flat[part])).clip(0, 255)
        return frames.reshape(*q.shape[:-1], *self.frame_shape)

    def encode(self, frames: np.ndarray, *, near: np.ndarray | None = None) -> np.ndarray:
        """Positions ``(..., 2)`` of frames, uint8 ``(..., H, W, C)``.

        Args:
            frames: each on its own.
            near: positions ``(..., 2)`` to begin at, such as those of the frames before; only frames that do not show
                the carriage near them are searched.

        Raises:
            InputError: frames of another shape or type, or a frame that does not show the carriage.
        """
        frames = np.asarray(frames)
        check_frames(frames, self.frame_shape)
        flat = frames.reshape(-1, *self.frame_shape)
        begin = None if near is None else np.asarray(near, np.float64).reshape(len(flat), 2)
        found = []
        for first in range(0, len(flat), _BLOCK):
            part = slice(first, first + _BLOCK)
            found.append(self._encoded(flat[part], None if begin is None else begin[part], first))
        return np.concatenate(found or [np.empty((0, 2))]).reshape(*frames.shape[:-3], 2)

    def to_json(self) -> dict[str, Any]:
        """All fields that are not arrays, JSON-ready."""
        basis = self.harmonics
        return {
            "kind": self.kind,
            "angle": basis.angle,
            "count": basis.count,
            "low": float(basis.low),
            "high": float(basis.high),
            "radius": self.radius,
            "reach": [float(column) for column in self.reach],
            "columns_per_unit": self.columns_per_unit,
            "residual": self.residual,
        }

    def arrays(self) -> dict[str, np.ndarray]:
        """The arrays by name, small enough to ship: half precision rounds by a tenth of the last bit of a pixel."""
        return {
            "codec.background": self.background,
            "codec.rows": self.rows,
            "codec.coefficients": self.coefficients.astype(np.float16),
        }

    @classmethod
    def of(cls, arrays: Mapping[str, np.ndarray], data: Mapping[str, Any]) -> CarriageCodec:
        """Build from :meth:`arrays` and :meth:`to_json`.

        Raises:
            InputError: they do not fit together.
        """
        try:
            harmonics = FourierBasis(bool(data["angle"]), int(data["count"]), float(data["low"]), float(data["high"]))
            low, high = data["reach"]
            codec = cls(
                background=arrays["codec.background"],
                rows=arrays["codec.rows"],
                coefficients=arrays["codec.coefficients"].astype(np.float64),
                harmonics=harmonics,
                radius=int(data["radius"]),
                reach=(float(low), float(high)),
                columns_per_unit=float(data["columns_per_unit"]),
                residual=float(data["residual"]),
            )
            height, _, channels = codec.background.shape
            shape = (harmonics.size, knots(codec.radius), len(codec.rows), channels)
            fits = (
                codec.background.dtype == np.uint8
                and codec.coefficients.shape == shape
                and np.isfinite(codec.coefficients).all()
                and len(codec.rows) > 0
                and 0 <= codec.rows.min() <= codec.rows.max() < height
                and codec.columns_per_unit > 0
                and codec.reach[0] <= codec.reach[1]
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InputError(f"The frames' part of this checkpoint cannot be read: {error!r}.") from None
        if not fits:
            raise InputError("The arrays of the frames in this checkpoint do not fit each other.")
        return codec

    def _encoded(self, frames: np.ndarray, near: np.ndarray | None, first: int) -> np.ndarray:
        change = frames / 255.0 - self.background / 255.0
        q, good = np.empty((len(frames), 2)), np.zeros(len(frames), bool)
        if near is not None:
            q, good = self._refined(change, near)
        lost = np.flatnonzero(~good)
        if len(lost):
            q[lost], good = self._refined(change[lost], self._searched(change[lost]))
            if not good.all():
                raise InputError(
                    f"Frame {first + lost[~good][0]} does not show the carriage as it was learned: it has left the "
                    "picture, is hidden, or the frame is not one of this scene."
                )
        return self.wrapped(q)

    def _refined(self, change: np.ndarray, q: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Move positions ``(N, 2)`` to the nearest picture; and whether it is near, bool ``(N,)``."""
        seen = change[:, self.rows]
        largest = np.array([_LARGEST_STEP / self.columns_per_unit, self._spacing])
        for _ in range(_NEWTON_STEPS):
            columns = self._columns(q)
            drawn, by_column, by_angle = self._patch_and_slopes(q, columns)
            inside = self._inside(columns)[:, None, :, None]
            error = ((_patches(seen, columns, self.radius) - drawn) * inside).reshape(len(q), -1)
            slopes = np.stack([(slope * inside).reshape(len(q), -1) for slope in (by_column, by_angle)], axis=-1)
            normal = slopes.transpose(0, 2, 1) @ slopes + 1e-12 * np.eye(2)
            moved = np.linalg.solve(normal, slopes.transpose(0, 2, 1) @ error[..., None])[..., 0]
            moved = (moved / [self.columns_per_unit, 1.0]).clip(-largest, largest)
            q = q + moved
            if (np.abs(moved) < _CLOSE).all():
                break
        left, shown = ((values**2).sum(axis=(1, 2, 3)) for values in (change - self._changes(q), change))
        return q, left < _ABSENT * shown

    def _searched(self, change: np.ndarray) -> np.ndarray:
        """The nearest picture of a grid, by frames at half their size and without colours."""
        grid, templates, sizes = self._grid
        score = _halved(change).reshape(len(change), -1) @ templates.T - sizes
        found: np.ndarray = grid[score.argmax(-1)]
        return found

    @cached_property
    def _grid(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        columns = np.arange(self.reach[0] - 1, self.reach[1] + 1, _COLUMNS)
        places = (columns - self.background.shape[1] / 2) / self.columns_per_unit
        angles = self.harmonics.grid(_ANGLES)
        grid = np.stack(np.meshgrid(places, angles, indexing="ij"), axis=-1).reshape(-1, 2)
        halves = [_halved(self._changes(grid[begin : begin + _BLOCK])) for begin in range(0, len(grid), _BLOCK)]
        templates = np.concatenate(halves).reshape(len(grid), -1)
        return grid, templates, (templates**2).sum(-1) / 2

    @property
    def _spacing(self) -> float:
        """Between two angles of the grid, in rad."""
        angles = self.harmonics.grid(_ANGLES)
        return float(angles[1] - angles[0])

    def _columns(self, q: np.ndarray) -> np.ndarray:
        """The column of the carriage at positions ``(N, 2)``, inside the picture or just outside."""
        width = self.background.shape[1]
        columns: np.ndarray = np.nan_to_num(width / 2 + q[:, 0] * self.columns_per_unit, nan=-1e6)
        return columns.clip(-self.radius - 2.0, width + self.radius + 1.0)

    def _inside(self, columns: np.ndarray) -> np.ndarray:
        """Which columns of the patches lie in the picture, bool ``(N, P)``."""
        where = _where(columns, self.radius)
        inside: np.ndarray = (where >= 0) & (where < self.background.shape[1])
        return inside

    def _patch_and_slopes(self, q: np.ndarray, columns: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Pictures ``(N, R, P, C)`` around the carriage, and their derivatives by its column and by the angle."""
        picture, turned = (
            np.tensordot(self.harmonics(q[:, 1], derivative=order), self.coefficients, axes=1) for order in (0, 1)
        )  # (N, n, R, C)
        places, shifted = (splines(columns, self.radius, derivative=asked) for asked in (False, True))
        return _drawn(picture, places), -_drawn(picture, shifted), _drawn(turned, places)

    def _changes(self, q: np.ndarray) -> np.ndarray:
        """What the scene changes of the background at positions ``(N, 2)``, in shares of 255 ``(N, H, W, C)``."""
        columns = self._columns(q)
        picture = np.tensordot(self.harmonics(q[:, 1]), self.coefficients, axes=1)
        patch = _drawn(picture, splines(columns, self.radius)).transpose(0, 2, 1, 3)  # (N, P, R, C)
        changes = np.zeros((len(q), *self.frame_shape))
        where, inside = _where(columns, self.radius), self._inside(columns)
        number = np.broadcast_to(np.arange(len(q))[:, None], where.shape)[inside]
        changes[number[:, None], self.rows, where[inside][:, None]] = patch[inside]
        return changes


def _where(columns: np.ndarray, radius: int) -> np.ndarray:
    """Numbers of the columns of patches ``(N, P)``."""
    where: np.ndarray = np.floor(columns).astype(int)[:, None] + np.arange(-radius, radius + 1)
    return where


def _patches(change: np.ndarray, columns: np.ndarray, radius: int) -> np.ndarray:
    """Columns around places, ``(N, R, P, C)`` of ``(N, R, W, C)``; 0 outside of the picture."""
    where = _where(columns, radius)
    inside = (where >= 0) & (where < change.shape[2])
    gathered = np.take_along_axis(change, where.clip(0, change.shape[2] - 1)[:, None, :, None], axis=2)
    patches: np.ndarray = gathered * inside[:, None, :, None]
    return patches


def _drawn(picture: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Pictures ``(N, n, R, C)`` at the splines of columns ``(N, P, n)``: ``(N, R, P, C)``."""
    n = picture.shape[1]
    flat = places @ picture.reshape(len(picture), n, -1)
    drawn: np.ndarray = flat.reshape(*places.shape[:2], *picture.shape[2:]).transpose(0, 2, 1, 3)
    return drawn


def _halved(change: np.ndarray) -> np.ndarray:
    """Changes at half their size, summed over channels, float32 ``(N, H // 2, W // 2)``."""
    grey = change.sum(-1, dtype=np.float32)
    height, width = (size // 2 * 2 for size in grey.shape[1:])
    halved: np.ndarray = grey[:, :height, :width].reshape(len(grey), height // 2, 2, width // 2, 2).sum(axis=(2, 4))
    return halved
