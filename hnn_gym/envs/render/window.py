"""A window that shows pictures and listens to keys and mouse; the other module that imports pygame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pygame


@dataclass(frozen=True)
class Input:
    """The player's input in one frame.

    Attributes:
        force: share of the largest force, in [-1, 1].
        bumps: energy bumps up minus bumps down.
        reverse: turn time around.
        pause: pause, or go on.
        quit: close.
    """

    force: float = 0.0
    bumps: int = 0
    reverse: bool = False
    pause: bool = False
    quit: bool = False


class Window:
    """Shows uint8 pictures ``(height, width, 3)`` at a steady rate. Arrow keys, dragging, r, space and q."""

    def __init__(self, width: int, height: int, *, fps: int, title: str) -> None:
        """Open the window."""
        pygame.display.init()
        pygame.display.set_caption(title)
        self._screen = pygame.display.set_mode((width, height))
        self._clock, self._fps = pygame.time.Clock(), fps
        self._dragged_from: int | None = None

    def show(self, picture: np.ndarray) -> None:
        """Show a picture, and wait so that the frame rate is kept."""
        pygame.surfarray.blit_array(self._screen, np.swapaxes(picture, 0, 1))
        pygame.display.flip()
        self._clock.tick(self._fps)

    def poll(self) -> Input:
        """Return the input since the last call."""
        pressed: list[int] = []
        closed = False
        for event in pygame.event.get():
            closed = closed or event.type == pygame.QUIT
            if event.type == pygame.KEYDOWN:
                pressed.append(event.key)
            elif event.type == pygame.MOUSEBUTTONDOWN:
                self._dragged_from = event.pos[0]
            elif event.type == pygame.MOUSEBUTTONUP:
                self._dragged_from = None
        held = pygame.key.get_pressed()
        force = float(held[pygame.K_RIGHT]) - float(held[pygame.K_LEFT])
        if self._dragged_from is not None:
            drag = (pygame.mouse.get_pos()[0] - self._dragged_from) / (self._screen.get_width() / 4)
            force = float(np.clip(drag, -1, 1))
        return Input(
            force=force,
            bumps=pressed.count(pygame.K_UP) - pressed.count(pygame.K_DOWN),
            reverse=pygame.K_r in pressed,
            pause=pygame.K_SPACE in pressed,
            quit=closed or pygame.K_q in pressed or pygame.K_ESCAPE in pressed,
        )

    def close(self) -> None:
        """Close the window."""
        pygame.display.quit()
