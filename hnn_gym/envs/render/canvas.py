"""A square picture in metres: lines, discs and arrows, smooth by drawing at twice the size. The only pygame import."""

from __future__ import annotations

import numpy as np
import pygame

Colour = tuple[int, int, int]
Point = np.ndarray | tuple[float, float]

WHITE: Colour = (255, 255, 255)
BLACK: Colour = (40, 40, 40)
GREY: Colour = (170, 170, 170)
PALE: Colour = (225, 225, 225)
RED: Colour = (204, 77, 77)
ORANGE: Colour = (240, 150, 40)

_OVERSAMPLING = 2


def faded(colour: Colour, share: float) -> Colour:
    """Return ``colour`` mixed with white: all white at 0, unchanged at 1."""
    return tuple(round(255 + (c - 255) * share) for c in colour)  # type: ignore[return-value]


class Canvas:
    """A picture of ``size`` pixels a side, kept in memory or shown in a window."""

    def __init__(self, render_mode: str, *, size: int = 500, fps: int = 30, title: str = "hnn_gym") -> None:
        """Open a window for "human"; keep to memory for "rgb_array"."""
        self._size, self._fps = size, fps
        self._large = pygame.Surface((size * _OVERSAMPLING, size * _OVERSAMPLING))
        self._window: pygame.Surface | None = None
        self._font: pygame.font.Font | None = None
        if render_mode == "human":
            pygame.display.init()
            pygame.display.set_caption(title)
            self._window = pygame.display.set_mode((size, size))
            self._clock = pygame.time.Clock()
        self.view((0.0, 0.0), 1.0)

    def view(self, centre: Point, half_width: float) -> None:
        """Begin a picture that shows ``half_width`` metres around ``centre`` ``(2,)``."""
        self._large.fill(WHITE)
        self._centre = np.asarray(centre, dtype=float)
        self._scale = self._size * _OVERSAMPLING / (2 * half_width)

    @property
    def pixel(self) -> float:
        """The size of a pixel in m."""
        return _OVERSAMPLING / self._scale

    def line(self, points: np.ndarray, colour: Colour, *, width: float = 1.5) -> None:
        """Join points ``(k, 2)`` in m by a line ``width`` pixels wide, with round corners."""
        pixels = self._pixels(points)
        thick = max(1, round(width * _OVERSAMPLING))
        pygame.draw.lines(self._large, colour, False, pixels, thick)
        if thick > 3:
            for point in pixels:
                pygame.draw.circle(self._large, colour, point, thick // 2)

    def dashed_circle(self, centre: Point, radius: float, colour: Colour, *, dashes: int = 60) -> None:
        """Draw a dashed circle around ``centre``, in m."""
        angles = np.linspace(0, 2 * np.pi, 2 * dashes + 1)
        circle = np.asarray(centre) + radius * np.stack([np.cos(angles), np.sin(angles)], axis=-1)
        for i in range(0, 2 * dashes, 2):
            self.line(circle[i : i + 2], colour)

    def disc(self, centre: Point, radius: float, colour: Colour, *, outline: Colour | None = None) -> None:
        """Draw a filled circle of ``radius`` m."""
        (pixel,) = self._pixels(np.asarray(centre)[None])
        pygame.draw.circle(self._large, outline or colour, pixel, radius * self._scale)
        if outline is not None:
            pygame.draw.circle(self._large, colour, pixel, max(radius * self._scale - 1.5 * _OVERSAMPLING, 1.0))

    def polygon(self, points: np.ndarray, colour: Colour, *, outline: Colour | None = None) -> None:
        """Fill a polygon ``(k, 2)`` in m."""
        pixels = self._pixels(points)
        pygame.draw.polygon(self._large, colour, pixels)
        if outline is not None:
            pygame.draw.polygon(self._large, outline, pixels, round(1.5 * _OVERSAMPLING))

    def arrow(self, start: Point, vector: Point, colour: Colour, *, width: float = 3.0) -> None:
        """Draw an arrow from ``start`` along ``vector``, in m; nothing where it would be a dot."""
        foot, along = np.asarray(start, dtype=float), np.asarray(vector, dtype=float)
        length = float(np.linalg.norm(along))
        head = min(12 * self.pixel, length)
        if length < 3 * self.pixel:
            return
        unit = along / length
        across = np.array([-unit[1], unit[0]])
        tip, neck = foot + along, foot + along - head * unit
        self.line(np.stack([foot, neck]), colour, width=width)
        self.polygon(np.stack([tip, neck + head / 2 * across, neck - head / 2 * across]), colour)

    def text(self, words: str, place: Point, colour: Colour) -> None:
        """Write ``words`` centred at ``place`` in m."""
        if self._font is None:
            pygame.font.init()
            self._font = pygame.font.Font(None, 20 * _OVERSAMPLING)
        written = self._font.render(words, True, colour)
        self._large.blit(written, written.get_rect(center=self._pixels(np.asarray(place)[None])[0]))

    def finish(self) -> np.ndarray | None:
        """End the picture: uint8 ``(size, size, 3)``, or None where it is shown in a window."""
        picture = pygame.transform.smoothscale(self._large, (self._size, self._size))
        if self._window is None:
            return np.ascontiguousarray(np.transpose(pygame.surfarray.array3d(picture), (1, 0, 2)))
        self._window.blit(picture, (0, 0))
        pygame.event.pump()
        self._clock.tick(self._fps)
        pygame.display.flip()
        return None

    def close(self) -> None:
        """Close the window, if there is one."""
        if self._window is not None:
            pygame.display.quit()
            self._window = None

    def _pixels(self, points: np.ndarray) -> list[tuple[float, float]]:
        """Pixels of points ``(k, 2)`` in m; far ones are brought near, so that SDL's integers hold them."""
        middle = self._size * _OVERSAMPLING / 2
        offsets = (np.asarray(points, dtype=float) - self._centre) * self._scale * np.array([1.0, -1.0])
        return [(float(x), float(y)) for x, y in np.clip(middle + offsets, -1e4, 1e4)]
