"""The protocol of renderers, each of which draws the states of one kind of system."""

from __future__ import annotations

from typing import Protocol

import numpy as np

RENDER_MODES = ("human", "rgb_array")


class Renderer(Protocol):
    """Draws states of one kind of system. Its class is called with a render mode and a task.

    A class whose pictures contain more than the system itself also takes ``annotated=False``, which leaves out whatever
    is not a part of the system (arrows of forces, marks of a target, trails, scale bars) and keeps the camera still.
    """

    def draw(self, q: np.ndarray, v: np.ndarray, force: np.ndarray | None, *, t: float = 0.0) -> np.ndarray | None:
        """Draw (q, v), each ``(n,)``, and the last force ``(m,)``, t seconds into the episode.

        Returns:
            uint8 ``(height, width, 3)`` or, on screen, None.
        """

    def clear(self) -> None:
        """Forget what was drawn before: an episode begins."""

    def close(self) -> None:
        """Close the window, if there is one."""
