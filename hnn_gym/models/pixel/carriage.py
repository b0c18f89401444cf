"""From frames to a carriage with a part that turns on it: sprites, the hinge, and the positions of both.

First guesses of the positions (:mod:`.carriage_places`) are improved in rounds: the sprites are fitted to frames at
these positions, the positions to the sprites, and the hinge to both. Only frames count for this that show all of the
carriage. Then both parts are found in all frames.
"""

from __future__ import annotations

import numpy as np

from hnn_gym.models.pixel.carriage_places import first_places
from hnn_gym.models.pixel.explained_frames import check_explained
from hnn_gym.models.pixel.linkage import Part
from hnn_gym.models.pixel.linkage_codec import LinkageCodec
from hnn_gym.models.pixel.spline_surface import SplineSurface

_PARTS = (Part(turns=False), Part(turns=True, carrier=0))
_SPACING = 0.7
"""Distance of the coefficients of a sprite, in rows."""
_PICTURES = 240
"""Frames that pictures are fitted to, at the most, evenly spaced."""
_ROUNDS = 3
_MARGIN = 0.1
"""The search for the part that turns goes beyond the angles that were seen by this share of their range."""
_SHOWN = {
    "parts": "the carriage and the part that it carries",
    "remedy": "crop the frames to what belongs to the scene, or record a wider picture",
}


def find_carriage(frames: np.ndarray, *, aspect: float, half_width: float) -> tuple[LinkageCodec, np.ndarray]:
    """Find the carriage and what it carries in frames, uint8 ``(N, H, W, C)``.

    Args:
        frames: all of them.
        aspect: width of the picture over its height.
        half_width: half the width of the picture in the unit of the carriage's position.

    Returns:
        The codec, and positions [x, theta] ``(N, 2)``, NaN in frames that do not show both parts.

    Raises:
        InputError: nothing moves in the frames, or not as declared.
    """
    places = first_places(frames, aspect=aspect)
    rows_per_unit = frames.shape[1] * aspect / (2 * half_width)
    first = places.q / np.array([rows_per_unit, 1.0])
    whole = np.flatnonzero(places.whole)
    low, high = float(first[whole, 1].min()), float(first[whole, 1].max())
    margin = _MARGIN * (high - low)
    codec = LinkageCodec(
        background=places.background,
        parts=_PARTS,
        surfaces=tuple(
            SplineSurface.empty(*corners, _SPACING, frames.shape[-1])
            for corners in zip(places.low, places.high, strict=True)
        ),
        hinges=places.hinges,
        pixel_width=places.pixel_width,
        rows_per_unit=rows_per_unit,
        reach=np.array([[-half_width, half_width], [low - margin, high + margin]]),
        residual=0.0,
    )
    chosen = whole[:: -(-len(whole) // _PICTURES)]
    q = first[chosen]
    for number in range(_ROUNDS):
        codec = codec.fitted_to(frames[chosen], q)
        if number == 0:
            codec = codec.trimmed()
        q, good = codec.found(frames[chosen], q)
        check_explained(good, chosen, **_SHOWN)
        chosen, q = chosen[good], q[good]
        codec = codec.with_hinges_moved(frames[chosen], q)
    codec = codec.fitted_to(frames[chosen], q)
    positions, good = codec.found(frames, first)
    check_explained(good, np.arange(len(frames)), **_SHOWN)
    return codec, np.where(good[:, None], codec.wrapped(positions), np.nan)
