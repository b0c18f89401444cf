"""Picture <-> position: D(q) = C^T phi(q), and q(f) = argmin_q sum_i w_i (f_i - D_i(q))^2.

The decoder is linear in C, so that, given positions, its fit is a least-squares problem with one answer. The encoder is
the decoder's inverse: it finds the position whose picture is nearest. It needs one linear map of the pixels, b = C w f,
and then minimises phi G phi / 2 - b phi with G = C w C^T over q alone: first on a grid, which avoids local minima, then
by Newton's method. To encode a decoded picture gives the position that it was decoded from. The circle cannot fold.

The weight of a pixel is one over the variance that D leaves there. Pixels that show the body have a large weight; the
background and what flickers (the arrow of the torque) have a small one. Pixels that never change are stored once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from hnn_gym.errors import InputError
from hnn_gym.models.pixel.fourier_basis import FourierBasis

_GRID = 720
_NEWTON_STEPS = 4
_LARGEST_STEP = 2.0  # in units of the grid's
_BLOCK = 256


@dataclass(frozen=True)
class FrameCodec:
    """Decoder and encoder of frames that show one position.

    Attributes:
        harmonics: the basis phi.
        background: uint8 ``(H, W, C)``, the frame where its pixels never change.
        seen: indices of those of the H W C values that change, int64 ``(P,)``.
        coefficients: C ``(size of phi, P)``, in shares of 255.
        weights: w ``(P,)``, the largest 1.
        residual: mean squared residual of D on the frames it was fitted to, over their mean square.
    """

    harmonics: FourierBasis
    background: np.ndarray
    seen: np.ndarray
    coefficients: np.ndarray
    weights: np.ndarray
    residual: float

    @classmethod
    def fitted(
        cls, frames: np.ndarray, q: np.ndarray, harmonics: FourierBasis, *, smoothing: float = 1e-5
    ) -> FrameCodec:
        """Fit the decoder to frames at known positions, and with it the encoder.

        Args:
            frames: uint8 ``(N, H, W, C)``.
            q: positions ``(N,)``.
            harmonics: the basis.
            smoothing: weight of the penalty on the squared wave number, relative to the data.

        Raises:
            InputError: the frames are all the same.
        """
        refuse_still(frames)
        flat = frames.reshape(len(frames), -1)
        seen = np.flatnonzero((flat != flat[0]).any(axis=0))
        pixels = flat[:, seen] / 255.0
        functions = harmonics(q)
        normal = functions.T @ functions + smoothing * len(q) * np.diag(harmonics.roughness)
        # A basis function that no frame shows has an empty row: leave it at zero.
        normal += 1e-12 * len(q) * np.eye(harmonics.size)
        coefficients = np.linalg.solve(normal, functions.T @ pixels)
        left = np.mean((pixels - functions @ coefficients) ** 2, axis=0)
        weights = 1 / (left + left.mean() + 1e-12)
        return cls(
            harmonics=harmonics,
            background=frames[0].copy(),
            seen=seen,
            coefficients=coefficients,
            weights=weights / weights.max(),
            residual=float(left.sum() * len(q) * 255.0**2 / np.sum(flat.astype(np.float64) ** 2)),
        )

    @property
    def frame_shape(self) -> tuple[int, ...]:
        """(H, W, C)."""
        return self.background.shape

    @property
    def angles(self) -> tuple[bool, ...]:
        """Whether the position is an angle."""
        return (self.harmonics.angle,)

    def wrapped(self, q: np.ndarray) -> np.ndarray:
        """Angles brought to (-pi, pi], positions brought between the ends of the line."""
        return self.harmonics.wrapped(q)

    def decode(self, q: np.ndarray) -> np.ndarray:
        """Frames, uint8 ``(..., H, W, C)``, at positions ``(..., 1)``."""
        positions = np.asarray(q)[..., 0]
        flat = positions.reshape(-1)
        frames = np.empty((len(flat), self.background.size), np.uint8)
        frames[:] = self.background.reshape(-1)
        for begin in range(0, len(flat), _BLOCK):  # in blocks that fit into the cache
            part = slice(begin, begin + _BLOCK)
            values = self.harmonics(flat[part]).astype(np.float32) @ self._drawn
            np.rint(values, out=values)
            frames[part, self.seen] = np.clip(values, 0, 255, out=values)
        return frames.reshape(*positions.shape, *self.frame_shape)

    def encode(self, frames: np.ndarray, *, near: np.ndarray | None = None) -> np.ndarray:
        """Positions ``(..., 1)`` of frames, uint8 ``(..., H, W, C)``; angles in (-pi, pi].

        One frame determines the position, so that ``near`` is not needed.

        Raises:
            InputError: frames of another shape or type, or one of a single colour.
        """
        frames = np.asarray(frames)
        check_frames(frames, self.frame_shape)
        flat = frames.reshape(-1, self.background.size)
        values = flat[:, self.seen]
        blank = np.flatnonzero((values == values[:, :1]).all(axis=1))
        if len(blank):
            colour = int(values[blank[0], 0])
            raise InputError(
                f"Frame {blank[0]} is all of one colour, {colour}{' (black)' if colour == 0 else ''}, where the body "
                "should be seen: is the camera on the right part of the picture?"
            )
        b = values @ self._projection
        q = np.concatenate([self._nearest(b[i : i + _BLOCK]) for i in range(0, len(b), _BLOCK)] or [np.empty(0)])
        return self.harmonics.wrapped(q).reshape(*frames.shape[:-3], 1)

    def to_json(self) -> dict[str, Any]:
        """All fields that are not arrays, JSON-ready."""
        basis = self.harmonics
        return {
            "angle": basis.angle,
            "count": basis.count,
            "low": float(basis.low),
            "high": float(basis.high),
            "residual": self.residual,
        }

    def arrays(self) -> dict[str, np.ndarray]:
        """The arrays by name, small enough to ship: half precision rounds by a tenth of the last bit of a pixel."""
        return {
            "codec.background": self.background,
            "codec.seen": self.seen,
            "codec.coefficients": self.coefficients.astype(np.float16),
            "codec.weights": self.weights.astype(np.float16),
        }

    @classmethod
    def of(cls, arrays: Mapping[str, np.ndarray], data: Mapping[str, Any]) -> FrameCodec:
        """Build from :meth:`arrays` and :meth:`to_json`.

        Raises:
            InputError: they do not fit together.
        """
        try:
            harmonics = FourierBasis(bool(data["angle"]), int(data["count"]), float(data["low"]), float(data["high"]))
            codec = cls(
                harmonics=harmonics,
                background=arrays["codec.background"],
                seen=arrays["codec.seen"],
                coefficients=arrays["codec.coefficients"].astype(np.float64),
                weights=arrays["codec.weights"].astype(np.float64),
                residual=float(data["residual"]),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InputError(f"The frames' part of this checkpoint cannot be read: {error!r}.") from None
        fits = (
            codec.background.dtype == np.uint8
            and codec.background.ndim == 3
            and codec.coefficients.shape == (harmonics.size, len(codec.seen))
            and codec.weights.shape == codec.seen.shape
            and len(codec.seen) > 0
            and 0 <= codec.seen.min() <= codec.seen.max() < codec.background.size
            and np.isfinite(codec.coefficients).all()
            and np.isfinite(codec.weights).all()
        )
        if not fits:
            raise InputError("The arrays of the frames in this checkpoint do not fit each other.")
        return codec

    def _nearest(self, b: np.ndarray) -> np.ndarray:
        """Positions ``(N,)`` of features b = C w f ``(N, size)``."""
        grid, on_grid, offsets = self._grid
        q = grid[np.argmax(b @ on_grid.T - offsets, axis=1)]
        largest = _LARGEST_STEP * (grid[1] - grid[0])
        for _ in range(_NEWTON_STEPS):
            first = self.harmonics(q, derivative=1)
            pull = ((self.harmonics(q) @ self._gram - b) * first).sum(-1)
            stiffness = ((first @ self._gram) * first).sum(-1)
            q = q - np.clip(pull / np.maximum(stiffness, 1e-300), -largest, largest)
        return q

    @cached_property
    def _drawn(self) -> np.ndarray:
        return np.asarray(self.coefficients * 255, np.float32)

    @cached_property
    def _projection(self) -> np.ndarray:
        """Maps the seen values of a frame, in 0..255, to b ``(P, size)``."""
        return (self.coefficients * self.weights).T / 255

    @cached_property
    def _gram(self) -> np.ndarray:
        return (self.coefficients * self.weights) @ self.coefficients.T

    @cached_property
    def _grid(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        grid = self.harmonics.grid(_GRID)
        on_grid = self.harmonics(grid)
        return grid, on_grid, ((on_grid @ self._gram) * on_grid).sum(-1) / 2


def check_frames(frames: np.ndarray, shape: tuple[int, ...]) -> None:
    """Refuse frames of another type or shape than those that a codec was fitted to.

    Raises:
        InputError: they are.
    """
    if frames.dtype != np.uint8 or frames.shape[-3:] != shape:
        raise InputError(
            f"The frames are {frames.dtype} of shape {frames.shape}, and this model was trained on uint8 "
            f"(..., {', '.join(map(str, shape))}): record and act under the same frame rule."
        )


def refuse_still(frames: np.ndarray) -> None:
    """Refuse frames ``(N, H, W, C)`` in which nothing moves.

    Raises:
        InputError: all are the same.
    """
    if not (frames != frames[0]).any():
        raise InputError(
            f"Frames 0 to {len(frames) - 1}, of shape {frames.shape[1:]}, are all the same, with values from "
            f"{int(frames.min())} to {int(frames.max())}: nothing moves in them. Look at the crop and the channels of "
            "the recording."
        )
