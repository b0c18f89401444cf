"""Frames: small pictures of an environment, all made under one rule.

frame[i, j] = the mean of the drawn picture over cell (i, j) of a grid of size x size cells laid over the crop, every
pixel weighted by the area that it shares with the cell, rounded to uint8. It is exact for any size of picture and any
crop, and does not alias.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import gymnasium
import numpy as np

from hnn_gym.errors import InputError, are_finite_numbers, check_fields, whole_number

Channels = Literal["rgb", "grey", "red-green"]

_MIXES: dict[str, np.ndarray] = {
    "rgb": np.eye(3, dtype=np.float32),
    "grey": np.array([[0.299], [0.587], [0.114]], np.float32),
    "red-green": np.array([[1.0], [-1.0], [0.0]], np.float32),
}
"""Weights of red, green and blue in each channel ``(3, channels)``."""
_DIGITS = 3
"""Digits of a mean in float32 that do not depend on the order of summation."""

WHOLE = (0.0, 1.0, 0.0, 1.0)
"""The crop that keeps the whole picture."""


@dataclass(frozen=True)
class FrameRule:
    """How a drawn picture becomes a frame.

    Example:
        >>> rule = FrameRule(28, channels="red-green", crop=(0.44, 0.78, 0.33, 0.67))
        >>> rule(np.full((500, 500, 3), (204, 77, 77), np.uint8)).shape
        (28, 28, 1)

    Attributes:
        size: rows and columns of the frame.
        channels: "rgb"; "grey", the luma of ITU-R BT.601; or "red-green", red minus green and nothing below 0, as in
            Greydanus et al. 2019: the rod of Pendulum-v1 on black.
        crop: the visible part of the picture: its first and last row, first and last column, as shares.
        oversampling: rows of the cropped picture for every row of the frame, where the environment draws at any size.
            Drawing code rounds to whole pixels; averaging over several of them loses less.
        annotated: whether frames of this package's own environments show more than the system itself: arrows of
            forces, marks of a target, trails, scale bars, and a camera that follows.

    Raises:
        InputError: a value is out of range.
    """

    size: int
    channels: Channels = "rgb"
    crop: tuple[float, float, float, float] = WHOLE
    oversampling: int = 4
    annotated: bool = False

    def __post_init__(self) -> None:
        """Check types and numbers."""
        whole_number(self.size, "The size of a frame", at_least=1)
        whole_number(self.oversampling, "The oversampling of a frame", at_least=1)
        if not isinstance(self.channels, str) or self.channels not in _MIXES:
            raise InputError(f"There are no channels {self.channels!r}: choose one of {', '.join(_MIXES)}.")
        check_fields(self)
        known = are_finite_numbers(self.crop, count=4)
        if not known or not all(0 <= first < last <= 1 for first, last in (self.crop[:2], self.crop[2:])):
            raise InputError(
                f"The crop {self.crop} is not a part of a picture: give its first and last row, first and last column, "
                "as shares from 0 to 1."
            )

    @property
    def shape(self) -> tuple[int, int, int]:
        """The shape of a frame: ``(size, size, channels)``."""
        return self.size, self.size, _MIXES[self.channels].shape[1]

    @property
    def picture_size(self) -> int:
        """Rows of the square picture that the rule needs."""
        top, bottom, left, right = self.crop
        return math.ceil(self.size * self.oversampling / min(bottom - top, right - left))

    def __call__(self, picture: np.ndarray) -> np.ndarray:
        """Make the frame of a picture uint8 ``(H, W, 3)``; uint8, of ``shape``.

        Raises:
            InputError: the crop of the picture has fewer pixels than the frame.
        """
        top, bottom, left, right = self.crop
        row, rows = _averages(len(picture), top, bottom, self.size)
        column, columns = _averages(picture.shape[1], left, right, self.size)
        cut = picture[row : row + rows.shape[1], column : column + columns.shape[1]]
        seen = cut.astype(np.float32) if self.channels == "rgb" else cut @ _MIXES[self.channels]
        if self.channels == "red-green":
            np.maximum(seen, 0, out=seen)
        averaged = columns @ (rows @ seen.reshape(len(seen), -1)).reshape(self.size, *seen.shape[1:])
        # A mean half-way between two values is so on every machine, whichever way its sums are rounded.
        return np.rint(averaged.round(_DIGITS)).clip(0, 255).astype(np.uint8)

    def to_json(self) -> dict[str, Any]:
        """Return JSON values that :meth:`from_json` turns back into an equal rule."""
        return dataclasses.asdict(self) | {"crop": list(self.crop)}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> FrameRule:
        """Read what :meth:`to_json` wrote.

        Raises:
            InputError: a value is missing, unknown or out of range.
        """
        try:
            return cls(**{**values, "crop": tuple(values["crop"])})
        except (KeyError, TypeError) as error:
            raise InputError(f"The rule of the frames cannot be read ({error!r}): record the data again.") from error


class Camera:
    """Takes pictures of one environment.

    Args:
        env: made with ``render_mode="rgb_array"``. Where it draws at any size (Pendulum-v1 has a ``screen_dim``), the
            camera sets that size to the rule's ``picture_size``; where it can leave annotations out (``annotated``),
            the camera sets that too.
        rule: makes frames of the pictures; None keeps the pictures as they are drawn.

    Raises:
        InputError: the environment was made without that render mode.
    """

    def __init__(self, env: gymnasium.Env[Any, Any], rule: FrameRule | None) -> None:
        if env.render_mode != "rgb_array":
            raise InputError(
                f"Frames need render_mode='rgb_array', and the environment has {env.render_mode!r}: make it with that "
                "render_mode, or record without frames."
            )
        self._env, self._rule = env, rule
        self._picture_shape: tuple[int, ...] | None = None
        inner: Any = env.unwrapped
        if rule is not None and isinstance(getattr(inner, "screen_dim", None), int):
            inner.screen_dim = rule.picture_size
            inner.screen = None  # a surface of the size before
        if rule is not None and isinstance(getattr(inner, "annotated", None), bool):
            inner.annotated = rule.annotated

    def __call__(self) -> np.ndarray:
        """Return a frame of the present moment: uint8, of the rule's shape, or as drawn.

        Raises:
            InputError: the environment draws something else than a picture, a picture of another size than before or
                too small for the rule, or the first frame has one colour throughout.
        """
        drawn: Any = self._env.render()
        picture = np.asarray(drawn)
        name = type(self._env.unwrapped).__name__
        if picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype != np.uint8:
            seen = "nothing" if drawn is None else f"{picture.dtype} of shape {picture.shape}"
            raise InputError(
                f"The frame that {name} draws is {seen}, and has to be uint8 (H, W, 3): render in that form, or record "
                "without frames."
            )
        frame = picture.copy() if self._rule is None else self._rule(picture)
        if self._picture_shape is None:
            self._refuse_blank(name, picture, frame)
            self._picture_shape = picture.shape
        if picture.shape != self._picture_shape:
            raise InputError(
                f"The frames that {name} draws are of mixed size: {picture.shape} after {self._picture_shape}. "
                "Make it draw all of them at one size."
            )
        return frame

    def _refuse_blank(self, name: str, picture: np.ndarray, frame: np.ndarray) -> None:
        if (frame != frame[0, 0]).any():
            return
        colour = "black" if not frame.any() else f"of the one colour {frame[0, 0].tolist()}"
        height, width, _ = picture.shape
        remedy = "is there anything to see in that environment?" if self._rule is None else "change crop or channels."
        under = "" if self._rule is None else f" under {self._rule}"
        raise InputError(
            f"The first frame{under} is all {colour}. The picture that {name} drew for it has {height} x {width} "
            f"pixels from {picture.min(axis=(0, 1)).tolist()} to {picture.max(axis=(0, 1)).tolist()}: {remedy}"
        )


@lru_cache(maxsize=64)
def _averages(pixels: int, first: float, last: float, cells: int) -> tuple[int, np.ndarray]:
    """Return the weights of pixels in the means of equal cells between two shares of a row of pixels.

    Returns:
        The first pixel of all cells, and float32 ``(cells, pixels from there)``.
    """
    edges = np.linspace(first * pixels, last * pixels, cells + 1)
    width = edges[1] - edges[0]
    if width < 1 - 1e-9:
        raise InputError(
            f"The picture has {pixels} pixels a side, and its crop from {first} to {last} fewer than the {cells} of a "
            "frame: ask for smaller frames, or crop less."
        )
    low, high = math.floor(edges[0] + 1e-9), math.ceil(edges[-1] - 1e-9)
    at = np.arange(low, high)
    shared = np.minimum(edges[1:, None], at + 1) - np.maximum(edges[:-1, None], at)
    weights = np.maximum(shared, 0)
    weights = (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
    weights.setflags(write=False)
    return low, weights
