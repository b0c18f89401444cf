"""The decoders of frames as data of a page, with the program that one of them needs.

Numbers are written as shares of the largest in 16 bits: a grey level is decoded to a few hundredths of itself.
"""

from __future__ import annotations

import base64
from typing import Any

import numpy as np

from hnn_gym.models.pixel import Codec, FrameCodec, LinkageCodec, SpriteCodec
from hnn_gym.trace import Program, trace

_LARGEST = 32767


def frame_programs(codec: Codec) -> dict[str, Program]:
    """The program ``harmonics``: the functions of the position that frames of one position are linear in.

    Sprites and linkages need none: they are drawn at the positions themselves.
    """
    if not isinstance(codec, FrameCodec):
        return {}
    return {"harmonics": trace(lambda q: {"values": codec.harmonics(q[0])}, q=1)}


def frame_data(codec: Codec) -> dict[str, Any]:
    """What a page needs to decode frames, JSON-ready; arrays are base64 of their bytes, low bytes first."""
    rows, columns, channels = codec.frame_shape
    shape = {"rows": rows, "columns": columns, "channels": channels, "background": _text(codec.background)}
    if isinstance(codec, LinkageCodec):
        return shape | _of_linkage(codec)
    return shape | (_of_sprites(codec) if isinstance(codec, SpriteCodec) else _of_one_position(codec))


def _of_one_position(codec: FrameCodec) -> dict[str, Any]:
    shares, scale = _in_16_bits(codec.coefficients)
    return {"kind": "position", "seen": _text(codec.seen.astype("<i4")), "coefficients": shares, "scale": 255 * scale}


def _of_sprites(codec: SpriteCodec) -> dict[str, Any]:
    shares, scale = _in_16_bits(codec.sprites)
    return {
        "kind": codec.kind,
        "sprites": shares,
        "scale": 255 * scale,
        "looks": list(codec.looks),
        "levels": [255 * level for level in codec.levels],
        "radius": codec.radius,
        "knots": codec.sprites.shape[1],
        "pixels_per_unit": codec.pixels_per_unit,
        "line": codec.line,
    }


def _of_linkage(codec: LinkageCodec) -> dict[str, Any]:
    surfaces = []
    for surface, level in zip(codec.surfaces, codec.levels, strict=True):
        shares, scale = _in_16_bits(surface.coefficients)
        rows, columns = surface.coefficients.shape[:2]
        size = {"rows": rows, "columns": columns, "low": list(surface.low), "step": surface.step}
        surfaces.append(size | {"values": shares, "scale": 255 * scale, "level": 255 * level})
    return {
        "kind": codec.kind,
        "surfaces": surfaces,
        "parts": [{"turns": part.turns, "carrier": part.carrier} for part in codec.parts],
        "hinges": codec.hinges.tolist(),
        "pixel_width": codec.pixel_width,
        "rows_per_unit": codec.rows_per_unit,
    }


def _in_16_bits(array: np.ndarray) -> tuple[str, float]:
    """The text of an array as whole numbers, and the number that one of them stands for."""
    scale = float(abs(array).max()) / _LARGEST or 1.0
    return _text(np.rint(array / scale).astype("<i2")), scale


def _text(array: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode("ascii")
