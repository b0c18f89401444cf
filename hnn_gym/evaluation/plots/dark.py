"""The dark twin of a figure or film on white: its lightness is turned round, and its hues stay.

    c' = ink (1 - d) + paper d + (c - l),   d = l (1 - s / 2)

with l the lightness of a colour c, s the difference of its largest and smallest entry, both in [0, 1], and ink and
paper of the dark theme. Black becomes ink and white paper; d keeps bright hues bright.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageSequence

PAPER, INK = (23, 28, 36), (232, 236, 242)
"""The colours of the pages of worlds in their dark theme."""


def dark_colours(colours: np.ndarray) -> np.ndarray:
    """The twins of colours, uint8 ``(..., 3)``."""
    shares = colours / 255
    most, least = shares.max(axis=-1, keepdims=True), shares.min(axis=-1, keepdims=True)
    light = (most + least) / 2
    dark = light * (1 - (most - least) / 2)
    turned = np.array(INK) / 255 * (1 - dark) + np.array(PAPER) / 255 * dark + shares - light
    twins: np.ndarray = np.rint(255 * turned.clip(0, 1)).astype(np.uint8)
    return twins


def save_dark_twin(picture: Path, out: Path) -> None:
    """Write the dark twin of a PNG file, or of every frame of a GIF.

    Args:
        picture: the file on white.
        out: the file to write, of the same kind.
    """
    with Image.open(picture) as file:
        timing = {"duration": file.info["duration"], "loop": 0} if "duration" in file.info else {}
        frames = [_twin(frame.convert("RGB")) for frame in ImageSequence.Iterator(file)]
    first, *others = frames
    more = {"save_all": True, "append_images": others, **timing} if others else {"optimize": True}
    first.save(out, **more)


def _twin(frame: Image.Image) -> Image.Image:
    """A frame with a palette of its own, of the twins of its colours."""
    drawn = frame.quantize(256, dither=Image.Dither.NONE)
    palette = np.array(drawn.getpalette(), np.uint8).reshape(-1, 3)
    drawn.putpalette(dark_colours(palette).ravel().tolist())
    return drawn
