"""Bodies that all look alike: an environment of bodies that draws them as equal discs, without annotations."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np

_COLOUR = np.array([56.0, 108.0, 176.0])
_RADIUS = 0.036
"""Of the discs, as a share of half the height: 1.14 pixels of a frame of 64, as the environment draws them."""


class OneColour(gymnasium.Wrapper[Any, Any, Any, Any]):
    """Draw the bodies of an environment of bodies in the plane as discs of one colour and one size on white."""

    def __init__(self, env: gymnasium.Env[Any, Any], *, half_height: float, size: int = 256) -> None:
        """Wrap an environment.

        Args:
            env: its state begins with the positions [x_1, y_1, x_2, y_2, ...] in m.
            half_height: of the picture in m; it is a square about the origin.
            size: rows and columns of the picture.
        """
        super().__init__(env)
        self._axis = half_height * (2 * (np.arange(size) + 0.5) / size - 1)
        self._radius = _RADIUS * half_height

    def render(self) -> Any:
        """The picture, uint8 ``(size, size, 3)``."""
        state = self.env.unwrapped.state  # type: ignore[attr-defined]
        places = state[: len(state) // 2].reshape(-1, 2, 1)
        across, down = (self._axis - places[:, 0]) ** 2, (-self._axis - places[:, 1]) ** 2
        inside = (down[:, :, None] + across[:, None, :] < self._radius**2).any(0)
        return np.where(inside[..., None], _COLOUR, 255.0).astype(np.uint8)
