"""The decoders of frames as data of a page, with the program that one of them needs.

Numbers are written as shares of the largest in 16 bits: a grey level is decoded to a few hundredths of itself.
"""

from __future__ import annotations

import base64
from typing import Any

import numpy as np

from hnn_gym.models.pixel import Codec, FrameCodec, SpriteCodec
from hnn_gym.trace import Program, trace

_LARGEST = 32767


def frame_programs(codec: Codec) -> dict[str, Program]:
    """The program ``harmonics``: the functions of the position that frames of one position are linear in.

    Sprites need none: they are drawn at the positions themselves.
    """
    if not isinstance(codec, FrameCodec):
        return {}
    return {"harmonics": trace(lambda q: {"values": codec.harmonics(q[0])}, q=1)}


def frame_data(codec: Codec) -> dict[str, Any]:
    """What a page needs to decode frames, JSON-ready; arrays are base64 of their bytes, low bytes first."""
    rows, columns, channels = codec.frame_shape
    shape = {"rows": rows, "columns": columns, "channels": channels, "background": _text(codec.background)}
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
    }


def _in_16_bits(array: np.ndarray) -> tuple[str, float]:
    """The text of an array as whole numbers, and the number that one of them stands for."""
    scale = float(abs(array).max()) / _LARGEST or 1.0
    return _text(np.rint(array / scale).astype("<i2")), scale


def _text(array: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode("ascii")
