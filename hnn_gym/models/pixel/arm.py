"""From frames to an arm of two links: their sprites, the pivot, the joint, and both angles in every frame.

First guesses (:mod:`.arm_places`) are improved in rounds, as those of a carriage are: the sprites are fitted to frames
at these angles, the angles to the sprites, and pivot and joint to both. What is left open by this is a matter of
definition: the first link hangs at angle 0 if the joint is below the pivot, and the second is straight at angle 0 if
the middle of its picture lies on the line through both.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hnn_gym.models.pixel.arm_places import ArmPlaces, first_places
from hnn_gym.models.pixel.explained_frames import check_explained
from hnn_gym.models.pixel.linkage import Part
from hnn_gym.models.pixel.linkage_codec import LinkageCodec
from hnn_gym.models.pixel.spline_surface import SplineSurface

_PARTS = (Part(turns=True), Part(turns=True, carrier=0))
_SPACING = 0.7
"""Distance of the coefficients of a sprite, in rows."""
_PICTURES = 240
"""Frames that pictures are fitted to, at the most, evenly spaced."""
_ROUNDS = 5
_PAD = 2.0
"""Rows around a link that its picture may reach."""
_SHOWN = {
    "parts": "the two links",
    "remedy": "crop the frames to the arm, or record a picture in which both links stay",
}


def find_arm(frames: np.ndarray, *, pixel_width: float) -> tuple[LinkageCodec, np.ndarray]:
    """Find the two links of an arm in frames, uint8 ``(N, H, W, C)``.

    Args:
        frames: all of them.
        pixel_width: width of a pixel over its height; negative where angles shall be counted anticlockwise, as in a
            picture that is seen from behind.

    Returns:
        The codec, and angles ``(N, 2)``, of the first link from hanging down and of the second from the direction of
        the first, NaN in frames that do not show both links.

    Raises:
        InputError: nothing moves in the frames, or not as two links on a pivot.
    """
    places = first_places(frames, pixel_width=pixel_width)
    codec = _first_codec(places, frames.shape[-1], pixel_width)
    chosen = np.arange(0, len(frames), -(-len(frames) // _PICTURES))
    q = places.q[chosen]
    for number in range(_ROUNDS):
        codec = codec.fitted_to(frames[chosen], q)
        if number == 0:
            codec = codec.trimmed()
        q, good = codec.found(frames[chosen], q)
        check_explained(good, chosen, **_SHOWN)
        chosen, q = chosen[good], q[good]
        codec = codec.with_hinges_moved(frames[chosen], q)
    codec, turned = _straightened(codec)
    codec = codec.fitted_to(frames[chosen], q + turned)
    positions, good = codec.found(frames, places.q + turned)
    check_explained(good, np.arange(len(frames)), **_SHOWN)
    return codec, np.where(good[:, None], codec.wrapped(positions), np.nan)


def _first_codec(places: ArmPlaces, channels: int, pixel_width: float) -> LinkageCodec:
    """The codec of links without a picture."""
    beside = places.half_width + _PAD
    return LinkageCodec(
        background=places.background,
        parts=_PARTS,
        surfaces=tuple(
            SplineSurface.empty(np.array([-beside, -length - _PAD]), np.array([beside, beside]), _SPACING, channels)
            for length in places.lengths
        ),
        hinges=np.stack([places.pivot, [0.0, -places.lengths[0]]]),
        pixel_width=pixel_width,
        rows_per_unit=1.0,
        reach=np.full((2, 1), np.pi) * np.array([-1.0, 1.0]),
        residual=0.0,
    )


def _straightened(codec: LinkageCodec) -> tuple[LinkageCodec, np.ndarray]:
    """The codec with the joint below the pivot at angle 0, and how much its angles grow by that and by a straight arm.

    The pictures have to be fitted again.
    """
    x, y = codec.hinges[1]
    first = np.arctan2(-x, -y)  # clockwise from hanging down
    weight = np.sqrt((codec.surfaces[1].coefficients ** 2).sum(-1))
    rows, columns = (np.arange(size) for size in weight.shape)
    low, step = codec.surfaces[1].low, codec.surfaces[1].step
    middle = (weight.sum(0) @ (low[0] + step * columns), weight.sum(1) @ (low[1] + step * rows))
    second = np.arctan2(-middle[0], -middle[1])
    hinges = np.stack([codec.hinges[0], [0.0, -np.hypot(x, y)]])
    return replace(codec, hinges=hinges), np.array([first, second - first])
