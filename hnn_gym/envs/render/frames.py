"""The picture of a world learned from frames: the decoded frame, enlarged."""

from __future__ import annotations

from typing import Any

import numpy as np

from hnn_gym.models.pixel import Codec
from hnn_gym.systems import Task

_SIDE = 500


class FrameRenderer:
    """Decodes the position and shows the frame, every pixel of it as a square; one channel as grey."""

    def __init__(self, render_mode: str, task: Task, *, annotated: bool = True) -> None:
        """Draw for ``render_mode`` "human" or "rgb_array"; decoded frames have no annotations."""
        filmed: Any = getattr(task, "known", task)
        self._codec: Codec = filmed.codec
        self._window: Any = None
        self._human = render_mode == "human"

    def draw(self, q: np.ndarray, v: np.ndarray, force: np.ndarray | None, *, t: float = 0.0) -> np.ndarray | None:
        """Draw the frame at q ``(n,)``."""
        picture = enlarged(self._codec.decode(q))
        if not self._human:
            return picture
        if self._window is None:
            from hnn_gym.envs.render.window import Window

            self._window = Window(picture.shape[1], picture.shape[0], fps=30, title="hnn_gym: decoded frames")
        self._window.show(picture)
        return None

    def clear(self) -> None:
        """Do nothing: no state is kept between pictures."""

    def close(self) -> None:
        """Close the window, if there is one."""
        if self._window is not None:
            self._window.close()
            self._window = None


def enlarged(frame: np.ndarray, *, side: int = _SIDE) -> np.ndarray:
    """A frame, uint8 ``(H, W, 1 or 3)``, as a colour picture of ``side`` rows and columns, each pixel a block."""
    rows, columns = (np.arange(side) * length // side for length in frame.shape[:2])
    large = frame[rows][:, columns]
    return np.ascontiguousarray(np.repeat(large, 3, axis=2) if large.shape[2] == 1 else large)
